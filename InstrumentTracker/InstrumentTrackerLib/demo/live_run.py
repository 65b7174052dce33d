"""One live run: an engine process, a scanner process, and the scene that shows what comes back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine_client.process import EngineProcess, ProcessState
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient

from InstrumentTrackerLib.guidance.messages import GuidanceAssembler
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

START_TIMEOUT_S = 60.0
# Silence after which the last picture is taken to have come: on a busy machine the engine still computes for longer
# while its counters say that samples are outstanding.
DRAIN_S, OUTSTANDING_S = 5.0, 30.0
Show = Callable[[ImageFrame, InstrumentMask | None, TrackedPose], None]

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

    @property
    def age_s(self) -> float:
        """Seconds from the middle of its acquisition until it was shown."""
        return self.latency_s + self.image.acquisition_end_time - self.image.mid_acquisition_time


@dataclass(frozen=True, eq=False)
class LiveRun:
    """What came of a run.

    Attributes
    ----------
    shown
        Frames that reached the scene.
    n_used
        Frames whose samples the engine used, whether or not it had time to show them.
    """

    shown: list[ShownFrame]
    n_used: int


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


def play_and_watch(send_arguments: list[str], port: int, n_frames: int, show: Show) -> LiveRun:
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
    command = [sys.executable, "-m", "TemporalReconLib", "send", *send_arguments, "--to", f"127.0.0.1:{port}"]
    with (
        IgtlClient("127.0.0.1", port) as client,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as scanner,
    ):
        try:
            run = _watch(client, scanner, n_frames, show)
            _, errors = scanner.communicate(timeout=START_TIMEOUT_S)
        finally:
            scanner.kill()  # only where something went wrong before it had ended
    if scanner.returncode != 0:
        last = errors.strip().splitlines()[-1:] or ["it said nothing"]
        raise InputError(f"the scanner process failed: {last[0]}")
    return run


def _watch(client: IgtlClient, scanner: subprocess.Popen[str], n_frames: int, show: Show) -> LiveRun:
    shown: list[ShownFrame] = []
    n_used = 0
    assembler = GuidanceAssembler()
    quiet_since: float | None = None
    while not (n_used == n_frames and shown and shown[-1].image.index == n_frames - 1):
        envelope = client.receive(timeout=0.2)
        if envelope is not None and "TR.Counters" in envelope.metadata:
            n_used = int(json.loads(envelope.metadata["TR.Counters"])["accepted"])
        complete = assembler.add(envelope) if envelope is not None else None
        if complete is not None:
            show(*complete)
            shown.append(ShownFrame(*complete, latency_s=time.time() - complete[0].acquisition_end_time))
            quiet_since = None
        elif scanner.poll() is not None:
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > (DRAIN_S if n_used == n_frames else OUTSTANDING_S):
                break
    return LiveRun(shown, n_used)
