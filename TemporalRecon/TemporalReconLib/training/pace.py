"""How far a training run has come, and when it will end."""

from __future__ import annotations

import time
from typing import Protocol


class TimedProgress(Protocol):
    """Steps done and wall time spent, over all starts of a run."""

    step: int
    seconds: float


class Pace:
    """Counts steps and time, and foretells the end."""

    def __init__(self, checkpoint: TimedProgress, steps: int, seconds: float) -> None:
        self._checkpoint, self._steps, self._seconds = checkpoint, steps, seconds
        self._first_step, self._seconds_before = checkpoint.step, checkpoint.seconds
        self._begin = time.monotonic()

    def count_step(self) -> None:
        self._checkpoint.step += 1
        self._checkpoint.seconds = self._seconds_before + time.monotonic() - self._begin

    @property
    def is_over(self) -> bool:
        """Whether the time was over at the last step: asked twice, it answers the same."""
        return self._elapsed >= self._seconds

    @property
    def seconds_left(self) -> float:
        done = self._checkpoint.step - self._first_step
        rest = self._elapsed / done * (self._steps - self._checkpoint.step)
        return max(0.0, min(rest, self._seconds - self._elapsed))

    @property
    def _elapsed(self) -> float:
        return self._checkpoint.seconds - self._seconds_before
