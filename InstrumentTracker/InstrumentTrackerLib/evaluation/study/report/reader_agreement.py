"""How well readers agree where they marked the tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.evaluation.study.report.section import Section
from InstrumentTrackerLib.evaluation.study.statistics.agreement import (
    IntraclassCorrelation,
    LimitsOfAgreement,
    intraclass_correlation,
    limits_of_agreement,
)
from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Estimate

AXES = ("R", "A", "S")
Place = tuple[str, str, int]
Points = dict[Place, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class ReaderPair:
    """Two readers on the frames that both marked.

    Attributes
    ----------
    first_mm, second_mm
        float64 (n, 3), RAS.
    distance_mm
        Between both marks.
    limits
        Of first minus second, by direction R, A, S; None with fewer than three frames.
    """

    names: tuple[str, str]
    first_mm: NDArray[np.float64]
    second_mm: NDArray[np.float64]
    distance_mm: Estimate
    limits: tuple[LimitsOfAgreement | None, ...]


@dataclass(frozen=True)
class Agreement:
    """All readers.

    Attributes
    ----------
    correlations
        ICC(2,1) of the position along R, A, S, over frames that every reader marked. Positions differ much between
        patients, so that it lies near 1 even where readers are millimeters apart; the limits of agreement tell more.
    """

    readers: tuple[str, ...]
    pairs: tuple[ReaderPair, ...]
    correlations: tuple[IntraclassCorrelation | None, ...]
    n_frames: int


def reader_agreement(section: Section) -> Agreement | None:
    """Of the annotations of a study; None with fewer than two readers of the same frames."""
    return agreement_of(_points(section))


def agreement_of(points: dict[str, Points]) -> Agreement | None:
    """Of marks by reader and place; None with fewer than two readers of the same places."""
    pairs = [pair for names in combinations(points, 2) if (pair := _pair(names, points)) is not None]
    if not pairs:
        return None
    common = sorted(set.intersection(*(set(marks) for marks in points.values())))
    correlations = [
        intraclass_correlation([[marks[place][axis] for marks in points.values()] for place in common])
        if common
        else None
        for axis in range(len(AXES))
    ]
    return Agreement(tuple(points), tuple(pairs), tuple(correlations), len(common))


def _points(section: Section) -> dict[str, Points]:
    found: dict[str, Points] = {}
    for row in section.rows:
        for reading in row.get("readings", ()):
            mark = reading[section.config.point]
            if mark is not None:
                place = (row["patient"], row["case"], reading["frame"])
                found.setdefault(reading["reader"], {})[place] = np.asarray(mark, dtype=np.float64)
    return found


def _pair(names: tuple[str, str], points: dict[str, Points]) -> ReaderPair | None:
    common = sorted(points[names[0]].keys() & points[names[1]].keys())
    if not common:
        return None
    first, second = (_stacked(points[name], common) for name in names)
    patients = [place[0] for place in common]
    distance = clustered_mean(np.linalg.norm(first - second, axis=1), patients)
    assert distance is not None
    limits = tuple(limits_of_agreement(first[:, axis], second[:, axis], patients) for axis in range(len(AXES)))
    return ReaderPair(names, first, second, distance, limits)


def _stacked(marks: Points, places: Sequence[Place]) -> NDArray[np.float64]:
    return np.stack([marks[place] for place in places])
