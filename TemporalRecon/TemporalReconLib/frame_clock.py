"""How often pictures come, and from when on their absence makes the shown one stale."""

from __future__ import annotations

import statistics
from collections import deque

STALE_INTERVALS = 3.0
MIN_STALE_S = 0.5
MAX_STALE_S = 5.0


class FrameClock:
    """Arrival times of pictures -> their usual interval, and how long a pause is too long.

    A picture is stale when none has followed for ``STALE_INTERVALS`` = 3 usual intervals (the median of the last
    20), but never sooner than ``MIN_STALE_S`` = 0.5 s: clinicians steer by nothing older at fast rates, and slow
    series must not be called stale between any two pictures. After ``MAX_STALE_S`` = 5 s any picture is: a hand has
    moved the needle since, however slow the series. Not thread-safe.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=20)

    def picture_arrived(self, time_s: float) -> None:
        """A picture came at this time of a monotonic clock, s."""
        if self._last is not None:
            self._intervals.append(time_s - self._last)
        self._last = time_s

    @property
    def interval_s(self) -> float | None:
        """The usual interval, s; None before the second picture."""
        return statistics.median(self._intervals) if self._intervals else None

    @property
    def stale_after_s(self) -> float:
        """Silence after which the shown picture is stale, s."""
        return min(max(MIN_STALE_S, STALE_INTERVALS * (self.interval_s or 0.0)), MAX_STALE_S)
