"""A process that keeps the engine's contract without computing: for tests of the modules' behavior.

Its manner is chosen by the environment variable ``SMALL_ENGINE_MANNER``: ``pictures`` sends frames at 20 per
second, ``pause`` stops sending after thirty, ``crash`` ends with an error after thirty, ``refuse`` ends with bad usage.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace

import numpy as np
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import (
    GUIDE_TIP_DEVICE,
    TIP_DEVICE,
    instrument_envelope,
    recon_envelope,
    transform_envelope,
)
from TemporalReconLib.igtl.messages import PointMessage
from TemporalReconLib.igtl.server import IgtlServer

SHAPE = (3, 32, 48)
GEOMETRY = np.array([[1.0, 0, 0, -20], [0, 1.5, 0, -30], [0, 0, 3.0, 10], [0, 0, 0, 1]])
GUIDE_TIP = (1.0, 2.0, 3.0)
NEEDLE_TIP = (1.0, 2.0, 23.0)


def picture(index: int) -> np.ndarray:
    """Pixels of frame ``index``, float32 (slice, row, col)."""
    return (np.arange(np.prod(SHAPE), dtype=np.float32) + index).reshape(SHAPE)


def frame_envelopes(index: int) -> list[Envelope]:
    """All messages of a frame: the needle points along S, 20 mm beyond the guide tip."""
    now = time.time()
    frame = ImageFrame(picture(index), GEOMETRY, index, now - 0.08, now - 0.01, "small", latency_s=0.012)
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 10:20, 20] = 1
    tracked = {"state": "tracked", "confidence": 0.9}
    recon = recon_envelope(frame, dropped=2, **tracked)
    envelopes = [recon, instrument_envelope(labels, frame, **tracked)]
    for device, point in ((GUIDE_TIP_DEVICE, GUIDE_TIP), (TIP_DEVICE, NEEDLE_TIP)):
        matrix = np.eye(4)
        matrix[:3, 3] = point
        envelopes.append(transform_envelope(matrix, device, timestamp=recon.timestamp, index=index, **tracked))
    envelopes[-1] = replace(envelopes[-1], metadata={**envelopes[-1].metadata, "TR.TipKind": "needle"})
    return envelopes


def note_target(envelope: Envelope) -> None:
    if envelope.device_name == "TARGET" and isinstance(envelope.message, PointMessage):
        position = " ".join(f"{value:.1f}" for value in envelope.message.points[0].position)
        sys.stdout.write(f"target {position}\n")


def main() -> None:
    manner = os.environ["SMALL_ENGINE_MANNER"]
    sys.stdout.write(f"arguments {sys.argv[1:]}\n")
    if manner == "refuse":
        sys.stderr.write("unknown method 'magic', expected one of: zero-filled\n")
        sys.exit(2)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    with IgtlServer(port=port, on_message=note_target) as server:
        index = 0
        while True:
            if manner == "crash" and index == 30:
                raise RuntimeError("CUDA error: out of memory")
            if not (manner == "pause" and index >= 30):
                seen = [server.publish(envelope) for envelope in frame_envelopes(index)]
                index += max(seen) > 0  # frames count from the first that somebody can see
            time.sleep(0.05)


if __name__ == "__main__":
    main()
