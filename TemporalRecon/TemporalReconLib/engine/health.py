"""How the engine is: a state with a reason, and the figures a monitor shows."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

STALL_FACTOR = 5.0
MIN_STALL_S = 1.0


@dataclass(frozen=True)
class HealthReport:
    """One look at the engine.

    Attributes
    ----------
    state
        ``waiting`` (no data yet), ``running``, ``stalled`` (data stopped), ``stopped`` (on command), ``failed`` (the
        last frame could not be processed; the next one is tried).
    reason
        Why, in words for a user; while running empty, or a doubt about the newest picture.
    shown, skipped, rejected
        Pictures made, pictures skipped for a newer one, frames that could not be used.
    latency_ms_median, latency_ms_p95
        Arrival of the last byte to results handed to the sockets, and by how much a method with delay shows an
        older frame, over the last 100 pictures; NaN before.
    """

    state: str
    reason: str
    shown: int
    skipped: int
    rejected: int
    latency_ms_median: float
    latency_ms_p95: float


class Health:
    """Thread-safe record of what happens to the frames."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_ms: deque[float] = deque(maxlen=100)
        self._intervals_s: deque[float] = deque(maxlen=20)
        self._last_frame: float | None = None
        self._failure = self._doubt = ""
        self._is_stopped = False
        self._shown = self._skipped = self._rejected = 0

    def frame_arrived(self) -> None:
        """A frame was received."""
        now = time.monotonic()
        with self._lock:
            if self._last_frame is not None:
                self._intervals_s.append(now - self._last_frame)
            self._last_frame = now

    def picture_shown(self, latency_ms: float, n_skipped: int, doubtful_quality: float | None = None) -> None:
        """A picture went out, ``n_skipped`` older ones did not; its quality, if that is too low to rely on."""
        with self._lock:
            self._latencies_ms.append(latency_ms)
            self._shown += 1
            self._skipped += n_skipped
            self._failure = ""
            self._doubt = (
                ""
                if doubtful_quality is None
                else f"picture unreliable (quality {100 * doubtful_quality:.0f} %); if it stays, send a new planning "
                "scan or change to method compressed-sensing"
            )

    def picture_held(self) -> None:
        """A frame was used, but no picture is due yet."""
        with self._lock:
            self._failure = ""

    def frame_rejected(self, reason: str) -> None:
        """A frame could not be used."""
        with self._lock:
            self._rejected += 1
            self._failure = reason

    def set_stopped(self, stopped: bool) -> None:
        """Frames are ignored on command, or taken again; what failed before is over."""
        with self._lock:
            self._is_stopped = stopped
            self._failure = ""

    def report(self) -> HealthReport:
        with self._lock:
            state, reason = self._state()
            latencies = list(self._latencies_ms) or [float("nan")]
            return HealthReport(
                state=state,
                reason=reason,
                shown=self._shown,
                skipped=self._skipped,
                rejected=self._rejected,
                latency_ms_median=float(np.median(latencies)),
                latency_ms_p95=float(np.percentile(latencies, 95)),
            )

    def _state(self) -> tuple[str, str]:
        if self._is_stopped:
            return "stopped", "frames are ignored on command; send CMD_START to go on"
        if self._failure:
            return "failed", self._failure
        if self._last_frame is None:
            return "waiting", "no frame has arrived yet; start the scanner's stream"
        silence = time.monotonic() - self._last_frame
        usual = float(np.median(self._intervals_s)) if self._intervals_s else 0.0
        if silence > max(MIN_STALL_S, STALL_FACTOR * usual):
            return "stalled", f"no frame for {silence:.0f} s; check the scanner's stream"
        return "running", self._doubt
