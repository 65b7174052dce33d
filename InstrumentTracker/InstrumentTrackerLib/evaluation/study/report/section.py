"""Results of one origin: real or simulated, never both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE, StudyConfig
from InstrumentTrackerLib.evaluation.study.report.frames import Frames, Row
from InstrumentTrackerLib.evaluation.study.report.measures import Measure, measured
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Estimate
from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import (
    Comparison,
    Outcome,
    Pairs,
    compare,
    in_sequence,
)


@dataclass(frozen=True)
class Condition:
    """A method at an acceleration with an order of lines; the reference has acceleration 1 and no mask."""

    method: str
    acceleration: float
    mask: str


FULL = Condition(REFERENCE, 1.0, "")


@dataclass(frozen=True)
class Tested:
    """A comparison and what the sequence leaves of it."""

    condition: Condition
    comparison: Comparison
    outcome: Outcome


class Section:
    """Statistics of the rows of one origin.

    Attributes
    ----------
    origin
        ``real`` or ``simulated``.
    frames
        By condition, those of the configuration in its order, the reference first.
    """

    def __init__(self, origin: str, rows: Iterable[Row], config: StudyConfig) -> None:
        self.origin = origin
        self.config = config
        self.rows = list(rows)
        grouped: dict[Condition, list[Row]] = defaultdict(list)
        for row in self.rows:
            grouped[Condition(row["method"], float(row["acceleration"]), row["mask"])].append(row)
        conditions = [FULL, *(condition for series in self._sequences() for condition in series)]
        self.frames = {condition: Frames.of(grouped.get(condition, [])) for condition in conditions}

    @property
    def n_patients(self) -> int:
        return len({row["patient"] for row in self.rows})

    @property
    def n_cases(self) -> int:
        return len({(row["patient"], row["case"]) for row in self.rows})

    @property
    def data(self) -> set[str]:
        """``pictures``, ``k-space`` or both: what was undersampled."""
        return {row["data"] for row in self.rows}

    @cached_property
    def measures(self) -> dict[Condition, dict[Measure, Estimate | None]]:
        """Every measure of every condition."""
        return {
            condition: measured(frames, self.config.point, self.config.margins)
            for condition, frames in self.frames.items()
        }

    @cached_property
    def tested(self) -> list[list[Tested]]:
        """Comparisons with the reference: one sequence per method and mask, lowest acceleration first."""
        found = []
        for conditions in self._sequences():
            comparisons = [compare(self.pairs(condition), self.config.margins) for condition in conditions]
            outcomes = in_sequence(comparisons)
            found.append([Tested(*each) for each in zip(conditions, comparisons, outcomes, strict=True)])
        return found

    def pairs(self, condition: Condition) -> Pairs:
        """Frames that show the tip, of a condition and of the reference."""
        point = self.config.point
        reference = self.frames[FULL]
        errors = dict(zip(reference.places, reference.errors(point), strict=True))
        frames = self.frames[condition]
        frames = frames.where(
            frames.is_true(point) & np.array([place in errors for place in frames.places], dtype=bool)
        )
        return Pairs(
            frames.errors(point), np.array([errors[place] for place in frames.places], dtype=float), frames.patients
        )

    def _sequences(self) -> Iterator[list[Condition]]:
        for mask in self.config.masks:
            for method in self.config.methods:
                yield [Condition(method, acceleration, mask) for acceleration in self.config.accelerations]


def sections_of(rows: Iterable[Row], config: StudyConfig) -> list[Section]:
    """Real first; simulated apart, because what holds for simulated cases need not hold for patients."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["origin"]].append(row)
    return [Section(origin, grouped[origin], config) for origin in sorted(grouped)]
