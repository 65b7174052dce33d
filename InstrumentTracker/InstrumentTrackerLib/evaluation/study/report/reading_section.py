"""Results of the readers of one origin, by reader and condition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.evaluation.study.report.measures import (
    CLOSE,
    MEAN,
    PENALIZED,
    PERCENT,
    WITHIN,
    Measure,
)
from InstrumentTrackerLib.evaluation.study.report.reader_agreement import Agreement, Points, agreement_of
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Condition, Section, Tested
from InstrumentTrackerLib.evaluation.study.statistics.crossed import (
    crossed_mean,
    crossed_rate,
    crossed_rate_difference,
)
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Array, Estimate
from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import Comparison, Margins, in_sequence, outcome_of
from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM
from InstrumentTrackerLib.reading.joined import Reading, ReadingRow, readers_of

ALL_READERS = "all readers"
NOT_VISIBLE = Measure("not_visible", "said not visible, of pictures with the tip", PERCENT, 1)
FALSE_MARKS = Measure("false_marks", "marked, of pictures without the tip", PERCENT, 1)
CONFIDENCE = Measure("confidence", "confidence, 1 to 5, mean")
SECONDS = Measure("reading_time", "reading time, mean", "s", 1)
READER_MEASURES = (PENALIZED, MEAN, WITHIN, CLOSE, NOT_VISIBLE, FALSE_MARKS, CONFIDENCE, SECONDS)


@dataclass(frozen=True, eq=False)
class Readings:
    """Some readings as columns: one entry each."""

    rows: tuple[ReadingRow, ...]

    @property
    def errors(self) -> Array:
        """mm, NaN where not marked or not there."""
        return np.array([np.nan if row.error_mm is None else row.error_mm for row in self.rows], dtype=np.float64)

    @property
    def readers(self) -> list[int]:
        return [row.reader for row in self.rows]

    @property
    def patients(self) -> list[str]:
        return [row.picture.patient for row in self.rows]

    def where(self, chosen: Iterable[bool]) -> Readings:
        return Readings(tuple(row for row, is_in in zip(self.rows, chosen, strict=True) if is_in))

    def mean(self, values: Sequence[float] | Array) -> Estimate | None:
        return crossed_mean(values, self.readers, self.patients)

    def rate(self, hits: Sequence[bool] | NDArray[np.bool_]) -> Estimate | None:
        return crossed_rate(hits, self.readers, self.patients)


class ReadingSection:
    """Statistics of what readers marked in the pictures of one origin.

    Attributes
    ----------
    readers
        Numbers, ascending.
    n_other
        Readings of conditions that the study does not have.
    """

    def __init__(self, section: Section, reading: Reading) -> None:
        self._section = section
        self.rows = tuple(row for row in reading.rows if row.picture.origin == section.origin)
        self.readers = readers_of(self.rows)
        self.answered = reading.answered or {}
        grouped: dict[Condition, list[ReadingRow]] = defaultdict(list)
        for row in self.rows:
            grouped[Condition(row.picture.method, row.picture.acceleration, row.picture.mask)].append(row)
        self._grouped = {condition: Readings(tuple(grouped.get(condition, ()))) for condition in section.frames}
        self.n_other = sum(len(rows) for condition, rows in grouped.items() if condition not in self._grouped)

    @cached_property
    def measures(self) -> dict[tuple[str, Condition], dict[Measure, Estimate | None]]:
        """By "reader 1" ... and "all readers", and condition; the conditions that were read."""
        margins = self._section.config.margins
        found = {}
        for condition, readings in self._grouped.items():
            if not readings.rows:
                continue
            for reader in self.readers:
                own = readings.where(row.reader == reader for row in readings.rows)
                if own.rows:
                    found[f"reader {reader}", condition] = _measured(own, margins)
            if len(self.readers) > 1:
                found[ALL_READERS, condition] = _measured(readings, margins)
        return found

    @cached_property
    def tested(self) -> list[list[Tested]]:
        """All readers against what they marked in the fully sampled pictures: one sequence per method and mask."""
        sequences = []
        for sequence in self._section.tested:
            conditions = [each.condition for each in sequence if self._grouped[each.condition].rows]
            comparisons = [self._compared(condition) for condition in conditions]
            outcomes = in_sequence(comparisons)
            if conditions:
                sequences.append([Tested(*each) for each in zip(conditions, comparisons, outcomes, strict=True)])
        return sequences

    @cached_property
    def agreement(self) -> Agreement | None:
        """Between readers, on the pictures of all conditions that both marked."""
        return agreement_of(self._points(self._grouped))

    def agreement_by_condition(self) -> dict[Condition, Agreement]:
        """The same for each condition."""
        found = {condition: agreement_of(self._points([condition])) for condition in self._grouped}
        return {condition: each for condition, each in found.items() if each is not None}

    def _compared(self, condition: Condition) -> Comparison:
        margins = self._section.config.margins
        reference = {_place(row): row for row in self._grouped[FULL].rows}
        readings = self._grouped[condition]
        readings = readings.where(row.has_tip and _place(row) in reference for row in readings.rows)
        others = Readings(tuple(reference[_place(row)] for row in readings.rows))
        columns = (readings.readers, readings.patients)
        errors, reference_mm = readings.errors, others.errors
        penalized = [np.nan_to_num(each, nan=margins.penalty_mm) for each in (errors, reference_mm)]
        both = ~np.isnan(errors + reference_mm)
        error = readings.mean(penalized[0] - penalized[1])
        found = readings.where(both).mean((errors - reference_mm)[both])
        success = crossed_rate_difference(errors <= margins.success_mm, reference_mm <= margins.success_mm, *columns)
        n_patients = len(set(readings.patients))
        outcome = outcome_of(error, success, n_patients, margins)
        return Comparison(error, found, success, n_patients, len(readings.rows), outcome)

    def _points(self, conditions: Iterable[Condition]) -> dict[str, Points]:
        points: dict[str, Points] = {f"reader {reader}": {} for reader in self.readers}
        for condition in conditions:
            for row in self._grouped[condition].rows:
                if row.tip is not None:
                    place = (row.picture.patient, f"{row.picture.case} {condition}", row.picture.frame)
                    points[f"reader {row.reader}"][place] = np.array(row.tip)
        return {reader: marks for reader, marks in points.items() if marks}


def _measured(readings: Readings, margins: Margins) -> dict[Measure, Estimate | None]:
    there = readings.where(row.has_tip for row in readings.rows)
    empty = readings.where(not row.has_tip for row in readings.rows)
    timed = readings.where(row.seconds is not None for row in readings.rows)
    errors = there.errors
    marked = ~np.isnan(errors)
    return {
        PENALIZED: _not_negative(there.mean(np.nan_to_num(errors, nan=margins.penalty_mm))),
        MEAN: _not_negative(there.where(marked).mean(errors[marked])),
        WITHIN: there.rate(errors <= margins.success_mm),
        CLOSE: there.rate(errors <= CLOSE_MM),
        NOT_VISIBLE: there.rate(~marked),
        FALSE_MARKS: empty.rate([row.tip is not None for row in empty.rows]),
        CONFIDENCE: readings.mean([float(row.confidence) for row in readings.rows]),
        SECONDS: _not_negative(timed.mean([row.seconds for row in timed.rows if row.seconds is not None])),
    }


def _not_negative(found: Estimate | None) -> Estimate | None:
    """Student's interval knows nothing of what cannot be."""
    return found if found is None or found.low is None else replace(found, low=max(0.0, found.low))


def _place(row: ReadingRow) -> tuple[int, str, str, int]:
    return row.reader, row.picture.patient, row.picture.case, row.picture.frame
