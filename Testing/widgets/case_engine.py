"""An engine at another address that sends the scene tests' case: for looking at the panel with a real picture."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from InstrumentTrackerLib.guidance.messages import guidance_envelopes
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from TemporalReconLib.igtl.server import IgtlServer

sys.path.append(str(Path(__file__).parents[1] / "scene"))

from guidance_case import guidance_case, skip_on_a_busy_machine

__all__ = ["HOST", "CaseEngine", "skip_on_a_busy_machine"]

# Not one of this computer's usual names: the panel joins the engine there instead of starting one.
HOST = "127.0.0.2"


class CaseEngine:
    """Sends ten pictures per second until closed.

    Attributes
    ----------
    case
        What is sent; may be replaced at any time.
    is_sending
        False keeps the connection and sends nothing.
    """

    def __init__(self, port: int) -> None:
        self.case = guidance_case()
        self.changes: dict[str, Any] = {}
        self.is_sending = True
        self._server = IgtlServer(port, HOST, allow=(HOST, "127.0.0.1"))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> CaseEngine:
        self._server.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._server.__exit__()

    def show(self, state: TrackingState = TrackingState.TRACKED, advance_mm: float = 0.0, **changes: Any) -> None:
        """Send this state from now on; ``changes`` are attributes of the tracked pose."""
        self.case, self.changes = guidance_case(state=state, advance_mm=advance_mm), changes

    def _send(self) -> None:
        index = 0
        while not self._closing.wait(0.1):
            if not self.is_sending:
                continue
            index += 1
            end = time.time() - self.case.image.latency_s
            image = replace(self.case.image, index=index, acquisition_start_time=end - 0.08, acquisition_end_time=end)
            tracked = replace(self.case.tracked, index=index, time_s=image.mid_acquisition_time, **self.changes)
            labels = self.case.mask.labels if tracked.state.has_numbers else np.zeros_like(self.case.mask.labels)
            guidance: Any = SimpleNamespace(image=image, tracked=tracked, labels=labels, error=None)
            for envelope in guidance_envelopes(guidance):
                self._server.publish(envelope)
