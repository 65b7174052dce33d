"""Rates of patients' frames, and differences of two rates on the same frames.

A bootstrap knows nothing of failures that happened not to occur: with 30 patients of one frame each it would call a
method that fails in 5 % noninferior whenever none failed, one time in five. Score intervals do not; frames of a patient
count as fewer, by their design effect (Rao and Scott, Biometrics 48:577, 1992).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from InstrumentTrackerLib.evaluation.study.statistics.estimate import (
    CONFIDENCE_LEVEL,
    MIN_INTERVAL_PATIENTS,
    Clusters,
    Estimate,
)

_UPPER_TAIL = (1 + CONFIDENCE_LEVEL) / 2
_FEW_PATIENTS, _ASSUMED_CORRELATION = 5, 0.2


def clustered_rate(hits: ArrayLike, patients: ArrayLike) -> Estimate | None:
    """Share of frames with Wilson's interval at the effective number of frames; None without frames.

    Parameters
    ----------
    hits, patients
        (frame,): whether each counts, true or 1, and whose it is.

    Returns
    -------
    Estimate, 0 to 1.
    """
    clusters = Clusters.of(hits, patients)
    n, size = clusters.n_patients, clusters.values.size
    if size == 0:
        return None
    share = clusters.mean
    if n < MIN_INTERVAL_PATIENTS:
        return Estimate(share, None, None, size, n)
    low, high = wilson_interval(share, _effective_size(clusters, share * (1 - share) / size), _quantile(n))
    return Estimate(share, low, high, size, n)


def clustered_rate_difference(hits: ArrayLike, others: ArrayLike, patients: ArrayLike) -> Estimate | None:
    """Share of ``hits`` minus share of ``others``, paired by frame, with Tango's interval at the effective size.

    Parameters
    ----------
    hits, others, patients
        (frame,): whether each counts for the one and for the other, true or 1, and whose it is.

    Returns
    -------
    Estimate, -1 to 1; None without frames.
    """
    first, second = np.asarray(hits, dtype=np.float64), np.asarray(others, dtype=np.float64)
    clusters = Clusters.of(first - second, patients)
    n, size = clusters.n_patients, clusters.values.size
    if size == 0:
        return None
    gained, lost = float((clusters.values > 0).sum()) / size, float((clusters.values < 0).sum()) / size
    if n < MIN_INTERVAL_PATIENTS:
        return Estimate(gained - lost, None, None, size, n)
    effective = _effective_size(clusters, (gained + lost - (gained - lost) ** 2) / size)
    low, high = tango_interval(effective * gained, effective * lost, effective, _quantile(n))
    return Estimate(gained - lost, low, high, size, n)


def wilson_interval(share: float, n: float, z: float = stats.norm.ppf(_UPPER_TAIL)) -> tuple[float, float]:
    """Score interval of a rate; ``n`` need not be whole, which SciPy's asks for (Wilson, JASA 22:209, 1927)."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def tango_interval(gained: float, lost: float, n: float, z: float = stats.norm.ppf(_UPPER_TAIL)) -> tuple[float, float]:
    """Score interval of a difference of paired rates (Tango, Stat Med 17:891, 1998).

    Parameters
    ----------
    gained, lost
        Pairs in which only the first succeeds, and only the second; they need not be whole.
    n
        Pairs.
    """
    estimate = (gained - lost) / n
    if gained + lost == 0:
        # Wilson's bound of a rate without hits, on both sides; the score equation has a second root at 0.
        return -z * z / (n + z * z), z * z / (n + z * z)

    def excess(difference: float) -> float:
        return (gained - lost - n * difference) ** 2 - z * z * _score_variance(gained, lost, n, difference)

    low = -1.0 if excess(-1.0) <= 0 else optimize.brentq(excess, -1.0, estimate)
    high = 1.0 if excess(1.0) <= 0 else optimize.brentq(excess, estimate, 1.0)
    return float(low), float(high)


def _score_variance(gained: float, lost: float, n: float, difference: float) -> float:
    """Of ``gained - lost`` if the true difference is this, with the likeliest rate of losses."""
    linear = -gained - lost + (2 * n - gained + lost) * difference
    constant = -lost * difference * (1 - difference)
    rate = (math.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
    return n * (2 * rate + difference * (1 - difference))


def _effective_size(clusters: Clusters, variance: float) -> float:
    """Independent frames that would tell as much.

    How alike the frames of a patient are is not seen in a few patients: with less than five that differ from most,
    frames are taken to be correlated by 0.2 at least.
    """
    effect = clusters.mean_variance / variance if variance > 0 else 1.0
    if (clusters.sums != np.median(clusters.values) * clusters.counts).sum() < _FEW_PATIENTS:
        effect = max(effect, 1 + (clusters.values.size / clusters.equal_patients - 1) * _ASSUMED_CORRELATION)
    return clusters.values.size / max(1.0, effect)


def _quantile(n_patients: int) -> float:
    """Student's, because the design effect is estimated from the patients."""
    return float(stats.t.ppf(_UPPER_TAIL, n_patients - 1))
