"""How the engine is: a state with a reason, and the figures a monitor shows."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

STALL_FACTOR = 5.0
MIN_STALL_S = 1.0
# A picture that takes this much longer than usual is taken for a device that hangs.
MIN_COMPUTE_STALL_S = 3.0
# Pictures to look at before the engine is called slower than the scanner; one burst is not enough.
OVERRUN_WINDOW = 8
# How long after a foreign frame it is still told.
FOREIGN_NEWS_S = 3.0


@dataclass(frozen=True)
class HealthReport:
    """One look at the engine.

    Attributes
    ----------
    state
        ``waiting`` (no data yet), ``running``, ``stalled`` (data stopped, or a computation does not return),
        ``stopped`` (on command), ``failed`` (the last frame could not be processed; the next one is tried).
    reason
        Why, in words for a user; while running empty, or what is not as it should be: a doubtful picture, another
        method for want of memory, a planning scan that does not fit, an engine slower than the scanner, a second
        sender.
    shown, skipped, rejected
        Pictures made, pictures skipped for a newer one, frames that could not be used.
    arrived, paused, foreign
        Frames received; of these ignored on command, and left out as those of another stream.
    latency_ms_median, latency_ms_p95
        Arrival of the last byte to results handed to the sockets, and by how much a method with delay shows an
        older frame, over the last 100 pictures; NaN before.
    """

    state: str
    reason: str
    shown: int
    skipped: int
    rejected: int
    arrived: int
    paused: int
    foreign: int
    latency_ms_median: float
    latency_ms_p95: float

    @property
    def events(self) -> tuple[str | int, ...]:
        """State and counts: equal in two reports between which nothing has happened."""
        counts = self.shown, self.skipped, self.rejected, self.arrived, self.paused, self.foreign
        return self.state, *counts


class Health:
    """Thread-safe record of what happens to the frames."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_ms: deque[float] = deque(maxlen=100)
        self._intervals_s: deque[float] = deque(maxlen=20)
        self._skips: deque[int] = deque(maxlen=OVERRUN_WINDOW)
        self._durations_s: deque[float] = deque(maxlen=20)
        self._last_frame: float | None = None
        self._work_began: float | None = None
        self._foreign_at = -FOREIGN_NEWS_S
        self._foreign_text = self._fallback = ""
        self._failure = self._doubt = self._planning_note = ""
        self._is_stopped = False
        self._shown = self._skipped = self._rejected = 0
        self._arrived = self._paused = self._foreign = 0

    def frame_arrived(self) -> bool:
        """A frame was received; True if that changes the state."""
        now = time.monotonic()
        with self._lock:
            before = self._state()[0]
            self._arrived += 1
            self._paused += self._is_stopped
            if self._last_frame is not None:
                self._intervals_s.append(now - self._last_frame)
            self._last_frame = now
            return self._state()[0] != before

    def frame_foreign(self, stream_id: str, current: str) -> None:
        """A frame was left out because another stream is being shown."""
        with self._lock:
            self._foreign += 1
            self._foreign_at = time.monotonic()
            self._foreign_text = (
                f"frames of stream '{stream_id[:40]}' are left out while '{current[:40]}' comes in; stop one sender"
            )

    def work_began(self) -> None:
        """The worker has begun to compute."""
        with self._lock:
            self._work_began = time.monotonic()

    def work_ended(self) -> None:
        """The worker is done with what it began."""
        now = time.monotonic()
        with self._lock:
            if self._work_began is not None:
                self._durations_s.append(now - self._work_began)
            self._work_began = None

    def fell_back(self, what: str) -> None:
        """Memory ran out and ``what`` works instead; empty once a method was chosen anew."""
        with self._lock:
            self._fallback = f"out of memory, now {what}" if what else ""

    def picture_shown(self, latency_ms: float, n_skipped: int, doubtful_quality: float | None = None) -> bool:
        """A picture went out, ``n_skipped`` older ones did not; its quality, if that is too low to rely on.

        Returns
        -------
        bool
            True if that changes the state.
        """
        with self._lock:
            before = self._state()[0]
            self._latencies_ms.append(latency_ms)
            self._shown += 1
            self._skipped += n_skipped
            self._skips.append(n_skipped)
            self._failure = ""
            self._doubt = (
                ""
                if doubtful_quality is None
                else f"picture unreliable (quality {100 * doubtful_quality:.0f} %); if it stays, send a new planning "
                "scan or change to method compressed-sensing"
            )
            return self._state()[0] != before

    def planning_used(self, note: str) -> None:
        """What a user should know of the planning scan; empty where it is used as it was sent."""
        with self._lock:
            self._planning_note = note

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
                arrived=self._arrived,
                paused=self._paused,
                foreign=self._foreign,
                latency_ms_median=float(np.median(latencies)),
                latency_ms_p95=float(np.percentile(latencies, 95)),
            )

    def _state(self) -> tuple[str, str]:
        if self._is_stopped:
            return "stopped", "frames are ignored on command; send CMD_START to go on"
        if self._failure:
            return "failed", self._failure
        now = time.monotonic()
        busy = 0.0 if self._work_began is None else now - self._work_began
        if busy > max(MIN_COMPUTE_STALL_S, STALL_FACTOR * _median(self._durations_s)):
            return "stalled", (
                f"the computation has not returned for {busy:.0f} s; wait, or restart the engine with a faster method"
            )
        if self._last_frame is None:
            return "waiting", "no frame has arrived yet; start the scanner's stream"
        silence = now - self._last_frame
        if silence > max(MIN_STALL_S, STALL_FACTOR * _median(self._intervals_s)):
            return "stalled", f"no frame for {silence:.0f} s; check the scanner's stream"
        return "running", ", ".join(filter(None, self._remarks(now)))

    def _remarks(self, now: float) -> list[str]:
        """What a user should know although the engine runs."""
        skips = _median(self._skips)
        is_slow = len(self._skips) == OVERRUN_WINDOW and skips >= 1.0
        return [
            self._doubt,
            self._fallback,
            self._planning_note,
            f"slower than the scanner: one picture for {1 + skips:.0f} frames" if is_slow else "",
            self._foreign_text if now - self._foreign_at < FOREIGN_NEWS_S else "",
        ]


def _median(values: deque[float] | deque[int]) -> float:
    return float(np.median(values)) if values else 0.0
