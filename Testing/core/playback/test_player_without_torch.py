"""Slicer plays series in its own process, where torch must never be loaded."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
from TemporalReconLib.acquisition.frame_series import FrameList
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.offline import SeriesOptions, prepare_for_playing
from TemporalReconLib.igtl.server import IgtlServer
from TemporalReconLib.playback.player_status import PlayerState
from TemporalReconLib.playback.series_player import SeriesPlayer

frames = [ImageFrame(np.ones((1, 16, 16), np.float32), np.eye(4), k) for k in range(3)]
with IgtlServer(port=0) as server:
    player = SeriesPlayer(
        lambda: prepare_for_playing(FrameList("case", frames), SeriesOptions(acceleration=4.0)),
        "127.0.0.1", server.port, rate_fps=100.0,
    )
    player.play()
    while player.status.state not in (PlayerState.FINISHED, PlayerState.FAILED):
        pass
    print(player.status.state.value, player.status.reason, "torch" in sys.modules)
    player.close()
"""


def test_an_undersampled_series_is_played_without_torch() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60)
    assert result.stdout.strip() == "finished  False", result.stderr
