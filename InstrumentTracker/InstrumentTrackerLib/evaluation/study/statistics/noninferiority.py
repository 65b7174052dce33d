"""Is a method no worse than the fully sampled reference, by margins that were stated beforehand?

Tip error and success are compared on the same frames (paired), with patients as clusters. Both must hold, so no
correction is due for there being two. Accelerations are tested from the lowest up, each at one-sided 2.5 %, and no
further than the first that is not shown (fixed sequence; Westfall and Krishen, J Stat Plan Inference 99:25, 2001): the
chance to call any acceleration of a method noninferior that is not stays below 2.5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean
from InstrumentTrackerLib.evaluation.study.statistics.estimate import MIN_PATIENTS, Estimate
from InstrumentTrackerLib.evaluation.study.statistics.rates import clustered_rate_difference


class Outcome(str, Enum):
    """What a comparison shows."""

    NONINFERIOR = "noninferior"
    NOT_SHOWN = "not shown"
    WORSE = "worse"
    NOT_TESTED = "not tested"
    TOO_FEW = "too few patients"


@dataclass(frozen=True)
class Margins:
    """How much worse still counts as no worse, stated before any result is seen.

    Attributes
    ----------
    tip_error_mm
        More mean tip error.
    success_points
        Less success, percent of frames.
    success_mm
        A tip this near is a success.
    penalty_mm
        Error of a frame in which no tip is found.
    """

    tip_error_mm: float = 1.0
    success_points: float = 5.0
    success_mm: float = 5.0
    penalty_mm: float = 20.0


@dataclass(frozen=True, eq=False)
class Pairs:
    """Frames that method and reference both had to find the tip in.

    Attributes
    ----------
    errors_mm, reference_mm
        float64 (n,), NaN where no tip was found.
    patients
        Names (n,).
    """

    errors_mm: NDArray[np.float64]
    reference_mm: NDArray[np.float64]
    patients: NDArray[np.str_]

    @property
    def n_patients(self) -> int:
        return int(np.unique(self.patients).size)


@dataclass(frozen=True)
class Comparison:
    """A method against the reference; differences are method minus reference.

    Attributes
    ----------
    penalized_mm
        Tip error where a failure of either counts as the penalty; decides.
    found_mm
        Tip error over frames in which both found the tip; None where there is none.
    success
        Share of successes; decides.
    """

    penalized_mm: Estimate | None
    found_mm: Estimate | None
    success: Estimate | None
    n_patients: int
    n_frames: int
    outcome: Outcome


def compare(pairs: Pairs, margins: Margins) -> Comparison:
    """One comparison by itself, before the sequence decides whether it counts."""
    penalized = [np.nan_to_num(errors, nan=margins.penalty_mm) for errors in (pairs.errors_mm, pairs.reference_mm)]
    # NaN is no success.
    hits = [errors <= margins.success_mm for errors in (pairs.errors_mm, pairs.reference_mm)]
    both = ~(np.isnan(pairs.errors_mm) | np.isnan(pairs.reference_mm))
    error = clustered_mean(penalized[0] - penalized[1], pairs.patients)
    found = clustered_mean((pairs.errors_mm - pairs.reference_mm)[both], pairs.patients[both])
    success = clustered_rate_difference(hits[0], hits[1], pairs.patients)
    outcome = outcome_of(error, success, pairs.n_patients, margins)
    return Comparison(error, found, success, pairs.n_patients, int(both.size), outcome)


def in_sequence(comparisons: Sequence[Comparison]) -> list[Outcome]:
    """What counts of the comparisons of one method, lowest acceleration first."""
    outcomes: list[Outcome] = []
    is_open = True
    for comparison in comparisons:
        counts = is_open or comparison.outcome is Outcome.TOO_FEW
        outcomes.append(comparison.outcome if counts else Outcome.NOT_TESTED)
        is_open = is_open and comparison.outcome is Outcome.NONINFERIOR
    return outcomes


def outcome_of(error: Estimate | None, success: Estimate | None, n_patients: int, margins: Margins) -> Outcome:
    """What the intervals of both differences (method minus reference) show."""
    if error is None or success is None or n_patients < MIN_PATIENTS:
        return Outcome.TOO_FEW
    assert error.high is not None and error.low is not None and success.low is not None and success.high is not None
    points = margins.success_points / 100
    if error.high < margins.tip_error_mm and success.low > -points:
        return Outcome.NONINFERIOR
    if error.low > margins.tip_error_mm or success.high < -points:
        return Outcome.WORSE
    return Outcome.NOT_SHOWN
