"""When a readout line was acquired, from its MRD header."""

from __future__ import annotations

from typing import Any

from TemporalReconLib.acquisition.mrd_conventions import SECONDS_PER_TICK
from TemporalReconLib.acquisition.mrd_header import MrdEncoding

TICKS_PER_DAY = 24 * 3600 * 400


class LineClock:
    """Start and end of lines in seconds.

    Files of our own writer hold exact times after a named origin. In others the time stamp counts ticks of
    2.5 ms (Siemens: from midnight), placed so that ``first_tick`` lies at ``origin_s``. Where ticks are of another
    vendor, and so of unknown length, the clock does not run: a wrong length would make live pictures look ever older.

    Parameters
    ----------
    has_ticks
        False where all time stamps are zero: the source has no clock.
    """

    def __init__(
        self, encoding: MrdEncoding, first_tick: int = 0, origin_s: float = 0.0, has_ticks: bool = True
    ) -> None:
        self._exact_origin_s = encoding.time_origin_s
        self._first_tick = first_tick
        self._origin_s = origin_s
        self.is_running = (has_ticks and encoding.has_known_ticks) or encoding.time_origin_s is not None

    def times_of(self, head: Any) -> tuple[float, float]:
        """(start, end) of a line; the end is the start where the header does not tell how long it took."""
        if self._exact_origin_s is not None:
            seconds, microseconds, duration = (int(value) for value in head["user_int"][:3])
            start = self._exact_origin_s + seconds + microseconds * 1e-6
            return start, start + max(duration, 0) * 1e-6
        elapsed = int(head["acquisition_time_stamp"]) - self._first_tick
        if elapsed < -TICKS_PER_DAY // 2:
            elapsed += TICKS_PER_DAY
        time = self._origin_s + elapsed * SECONDS_PER_TICK
        return time, time
