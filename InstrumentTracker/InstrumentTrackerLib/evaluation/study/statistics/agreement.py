"""How well readers agree: intraclass correlation and limits of agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean
from InstrumentTrackerLib.evaluation.study.statistics.estimate import CONFIDENCE_LEVEL, Estimate

_MIN_SUBJECTS = 3


@dataclass(frozen=True)
class IntraclassCorrelation:
    """ICC(2,1): single readings, absolute agreement, readers and subjects drawn at random; with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LimitsOfAgreement:
    """Differences of two readers (Bland and Altman, Lancet 327:307, 1986).

    Attributes
    ----------
    bias
        Mean of first minus second, with an interval over patients.
    low, high
        Bias -/+ 1.96 standard deviations: 95 of 100 differences lie between.
    """

    bias: Estimate
    low: float
    high: float


def intraclass_correlation(readings: ArrayLike) -> IntraclassCorrelation | None:
    """ICC(2,1) by Shrout and Fleiss (Psychol Bull 86:420, 1979), its interval by McGraw and Wong (Psychol Methods 1:30,
    1996).

    Parameters
    ----------
    readings
        (subject, reader), without gaps.

    Returns
    -------
    IntraclassCorrelation, None with fewer than three subjects or two readers, or if all readings are equal.
    """
    table = np.asarray(readings, dtype=np.float64)
    n, k = table.shape
    if n < _MIN_SUBJECTS or k < 2 or np.ptp(table) == 0:
        return None
    total = table - table.mean()
    subjects, readers = table.mean(axis=1) - table.mean(), table.mean(axis=0) - table.mean()
    between = k * (subjects @ subjects) / (n - 1)
    raters = n * (readers @ readers) / (k - 1)
    rest = (total - subjects[:, None] - readers) ** 2
    error = float(rest.sum()) / ((n - 1) * (k - 1))
    value = float((between - error) / (between + (k - 1) * error + k / n * (raters - error)))
    if error <= 1e-12 * between and raters <= 1e-12 * between:
        return IntraclassCorrelation(1.0, 1.0, 1.0)
    low, high = _interval(value, float(between), float(raters), error, n, k)
    return IntraclassCorrelation(value, low, high)


def limits_of_agreement(first: ArrayLike, second: ArrayLike, patients: ArrayLike) -> LimitsOfAgreement | None:
    """Bias and limits of two readers on the same frames; None with fewer than three."""
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    bias = clustered_mean(differences, patients)
    if bias is None or differences.size < _MIN_SUBJECTS:
        return None
    reach = stats.norm.ppf((1 + CONFIDENCE_LEVEL) / 2) * float(differences.std(ddof=1))
    return LimitsOfAgreement(bias, bias.value - reach, bias.value + reach)


def _interval(value: float, between: float, raters: float, error: float, n: int, k: int) -> tuple[float, float]:
    if value >= 1:
        return 1.0, 1.0
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * raters + b * error) ** 2 / ((a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    upper = (1 + CONFIDENCE_LEVEL) / 2
    first, second = stats.f.ppf(upper, n - 1, freedom), stats.f.ppf(upper, freedom, n - 1)
    noise = k * raters + (k * n - k - n) * error
    low = n * (between - first * error) / (first * noise + n * between)
    high = n * (second * between - error) / (noise + n * second * between)
    return float(low), float(high)
