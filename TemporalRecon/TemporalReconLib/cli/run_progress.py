"""How far a benchmark has come, whose runs differ much in time."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from TemporalReconLib.cli.progress import Progress, duration_text

if TYPE_CHECKING:
    from TemporalReconLib.benchmark.runs import Run


class RunProgress:
    """One line of progress with the time to go.

    Methods differ a hundredfold in time, so the rest is estimated from the mean of each; one that has not been run
    yet counts as the mean of all.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._open: Counter[str] = Counter()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._total = 0
        self._begin = 0.0

    def start(self, runs: list[Run]) -> None:
        self._open = Counter(run.method for run in runs)
        self._total = len(runs)
        self._begin = time.monotonic()

    def finished(self, run: Run, seconds: float) -> None:
        self._open[run.method] -= 1
        self._seconds[run.method].append(seconds)
        condition = run.condition
        text = f"series {run.series} R {condition.acceleration:g} {condition.mask} {run.method}"
        done = self._total - self._open.total()
        self._progress.show(f"run {done}/{self._total}, {duration_text(self._remaining())} to go ({text})".ljust(90))

    def stage(self, text: str) -> None:
        self._progress.show(text.ljust(90))

    def _remaining(self) -> float:
        every = [seconds for taken in self._seconds.values() for seconds in taken]
        usual = sum(every) / len(every)
        means = {method: sum(taken) / len(taken) for method, taken in self._seconds.items()}
        rest = sum(count * means.get(method, usual) for method, count in self._open.items())
        # Simulation, and several processes, make the clock run faster or slower than the runs.
        return rest * (time.monotonic() - self._begin) / max(sum(every), 1e-9)
