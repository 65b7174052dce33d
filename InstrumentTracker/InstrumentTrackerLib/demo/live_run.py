"""One live run: an engine process, a scanner process, and the scene that shows what comes back."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine_process import EngineProcess, ProcessState
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient

from InstrumentTrackerLib.guidance_messages import GuidanceAssembler
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

START_TIMEOUT_S = 60.0
DRAIN_S = 2.0
_LISTENING = re.compile(r"listening on .*:(\d+)")


@dataclass(frozen=True, eq=False)
class ShownFrame:
    """A frame that reached the scene.

    ``latency_s`` runs from the end of its acquisition (its last k-space line is handed to the socket then) until
    the scene was updated.
    """

    image: ImageFrame
    mask: InstrumentMask | None
    tracked: TrackedPose
    latency_s: float


def start_engine(engine: EngineProcess, arguments: list[str]) -> int:
    """Start the engine on a free port and wait until it listens; returns the port.

    Raises
    ------
    InputError
        If it ends or does not listen within a minute.
    """
    engine.start(["serve", "--port", "0", *arguments])
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        for line in engine.log_tail:
            found = _LISTENING.search(line)
            if found:
                return int(found[1])
        if engine.state is not ProcessState.ALIVE:
            reason = engine.exit_reason
            raise InputError(f"the engine ended at its start: {reason.reason if reason else 'see its log'}")
        time.sleep(0.05)
    raise InputError(f"the engine did not listen within {START_TIMEOUT_S:.0f} s; see {engine.log_path}")


def play_and_watch(
    send_arguments: list[str],
    port: int,
    n_frames: int,
    show: Callable[[ImageFrame, InstrumentMask | None, TrackedPose], None],
) -> list[ShownFrame]:
    """Let a scanner process play its series into the engine and show every frame that comes back.

    Parameters
    ----------
    send_arguments
        Arguments of ``temporal-recon send``, without ``--to``.
    show
        Updates the scene with a frame.

    Raises
    ------
    InputError
        If the scanner process fails or the engine goes away.
    """
    shown: list[ShownFrame] = []
    assembler = GuidanceAssembler()
    with IgtlClient("127.0.0.1", port) as client:
        command = [sys.executable, "-m", "TemporalReconLib", "send", *send_arguments, "--to", f"127.0.0.1:{port}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as scanner:
            quiet_since = None
            while len(shown) < n_frames:
                envelope = client.receive(timeout=0.2)
                complete = assembler.add(envelope) if envelope is not None else None
                if complete is not None:
                    show(*complete)
                    latency = time.time() - complete[0].acquisition_end_time
                    shown.append(ShownFrame(*complete, latency_s=latency))
                    quiet_since = None
                elif scanner.poll() is not None:
                    quiet_since = quiet_since or time.monotonic()
                    if time.monotonic() - quiet_since > DRAIN_S:
                        break
            _, errors = scanner.communicate(timeout=START_TIMEOUT_S)
            if scanner.returncode != 0:
                raise InputError(f"the scanner process failed: {errors.strip().splitlines()[-1] if errors else ''}")
    return shown
