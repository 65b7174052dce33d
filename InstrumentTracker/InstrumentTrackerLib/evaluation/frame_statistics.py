"""The statistics of the report: means with bounds, rates with intervals, calibration, lag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean
from InstrumentTrackerLib.evaluation.study.statistics.estimate import CONFIDENCE_LEVEL
from InstrumentTrackerLib.evaluation.study.statistics.rates import wilson_interval

_BINS = 10
# Fewer frames, or speeds that hardly differ, tell nothing of a lag.
_MIN_LAG_FRAMES, _MIN_SPEED_RANGE_MM = 10, 2.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """Of an error over frames.

    Attributes
    ----------
    upper
        Upper end of the two-sided 95 % interval of the mean, by the study's studentized bootstrap that draws whole
        series, because the frames of a series are alike; None with fewer than six series, and where they bound nothing.
    p95
        95 % of the frames are better.
    """

    mean: float
    upper: float | None
    median: float
    p95: float
    n: int


@dataclass(frozen=True)
class Rate:
    """Share of frames, with its 95 % interval by Wilson (as if frames were independent)."""

    hits: int
    n: int

    @property
    def share(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.n:
            return None
        return wilson_interval(self.hits / self.n, self.n)


@dataclass(frozen=True)
class Bin:
    """Frames of similar confidence."""

    confidence: float
    right: Rate


@dataclass(frozen=True)
class Lag:
    """How far the tip is shown behind, in frame intervals, with its 95 % interval (None where all errors are equal)."""

    frames: float
    interval: tuple[float, float] | None
    n: int


def mean_with_bound(values: ArrayLike, series: ArrayLike) -> Mean | None:
    """Mean, bound and quantiles; None without values.

    Parameters
    ----------
    values, series
        Of each frame: the error, and the series that it belongs to.
    """
    array = np.asarray(values, dtype=np.float64)
    found = clustered_mean(array, series)
    if found is None:
        return None
    median, p95 = np.percentile(array, (50, 95))
    upper = found.high if found.high is not None and math.isfinite(found.high) else None
    return Mean(found.value, upper, float(median), float(p95), found.n)


def reliability(confidences: ArrayLike, is_right: ArrayLike) -> list[Bin]:
    """Ten bins of equal width from 0 to 1, without the empty ones; mean confidence and share of right frames."""
    stated, right = np.asarray(confidences, dtype=np.float64), np.asarray(is_right, dtype=bool)
    which = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    return [
        Bin(float(stated[which == n].mean()), Rate(int(right[which == n].sum()), int((which == n).sum())))
        for n in range(_BINS)
        if (which == n).any()
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """Mean distance of confidence and share of right frames, weighted by frames (Naeini et al., AAAI 2015)."""
    total = sum(each.right.n for each in bins)
    if not total:
        return None
    return sum(abs(each.confidence * each.right.n - each.right.hits) for each in bins) / total


def lag_of(speeds_mm: ArrayLike, errors_mm: ArrayLike) -> Lag | None:
    """Lag behind a steady advance: minus the slope of the signed error along the axis over the speed.

    The slope is that of Theil and Sen, which a few frames in which something else was found do not bend.

    Parameters
    ----------
    speeds_mm, errors_mm
        Of each frame: true advance per frame interval, and measured minus true position along the axis.

    Returns
    -------
    Lag, None where there are too few frames or all are equally fast.
    """
    speeds, errors = np.asarray(speeds_mm, dtype=np.float64), np.asarray(errors_mm, dtype=np.float64)
    if speeds.size < _MIN_LAG_FRAMES or np.ptp(speeds) < _MIN_SPEED_RANGE_MM:
        return None
    with np.errstate(invalid="ignore"):
        slope, _, low, high = stats.theilslopes(errors, speeds, CONFIDENCE_LEVEL)
    interval = (-float(high), -float(low)) if np.isfinite([low, high]).all() else None
    return Lag(-float(slope), interval, int(speeds.size))
