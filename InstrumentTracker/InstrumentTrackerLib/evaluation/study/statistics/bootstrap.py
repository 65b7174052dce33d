"""Bootstrap that draws whole patients, because the frames of a patient are alike.

The interval of a mean is studentized (bootstrap-t). Where some frames fail and count as a large error, differences are
so skewed that percentile and BCa intervals claim noninferiority far too often: with 20 patients in 11 and 8 of 100
studies that are exactly at the margin, bootstrap-t in 2. SciPy has no studentized bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from InstrumentTrackerLib.evaluation.study.statistics.estimate import (
    CONFIDENCE_LEVEL,
    MIN_INTERVAL_PATIENTS,
    Array,
    Clusters,
    Estimate,
)

N_RESAMPLES = 4999
# Drawing patients in blocks bounds the memory that quantiles of many frames take.
_BLOCK_ELEMENTS = 2_000_000
_TAILS = ((1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2)


def clustered_mean(values: ArrayLike, patients: ArrayLike, n_resamples: int = N_RESAMPLES) -> Estimate | None:
    """Mean over frames with its studentized bootstrap interval (Efron and Tibshirani, 1993, section 12.5).

    The same values always give the same interval. Values that are all equal give an interval without width.

    Parameters
    ----------
    values, patients
        Of each frame.

    Returns
    -------
    Estimate, None without values.
    """
    clusters = Clusters.of(values, patients)
    if clusters.values.size == 0:
        return None
    n, mean = clusters.n_patients, clusters.mean
    if n < MIN_INTERVAL_PATIENTS:
        return Estimate(mean, None, None, clusters.values.size, n)
    error = np.sqrt(clusters.mean_variance)
    # Rounding alone is no spread.
    if error <= 1e-12 * max(1.0, float(np.abs(clusters.values).max())):
        return Estimate(mean, mean, mean, clusters.values.size, n)
    low, high = _quantiles(_pivots(clusters, n_resamples))
    return Estimate(mean, float(mean - high * error), float(mean - low * error), clusters.values.size, n)


def clustered_quantile(values: ArrayLike, patients: ArrayLike, share: float, n_resamples: int = 999) -> Estimate | None:
    """Quantile over frames with its percentile bootstrap interval; None without values.

    Parameters
    ----------
    values, patients
        (frame,): numbers in any unit, which is also the estimate's, and whose each is.
    share
        0.5 for the median, 0.95 for the value that 95 % of the frames do not exceed.
    """
    clusters = Clusters.of(values, patients)
    size, n = clusters.values.size, clusters.n_patients
    if size == 0:
        return None
    value = float(np.quantile(clusters.values, share))
    if n < MIN_INTERVAL_PATIENTS:
        return Estimate(value, None, None, size, n)
    order = np.argsort(clusters.values, kind="stable")
    ordered, which = clusters.values[order], clusters.which[order]
    found = []
    for weights in _blocks(n, n_resamples, size):
        heights = np.cumsum(weights[:, which], axis=1)
        places = (heights < share * heights[:, -1:] - 1e-9).sum(axis=1)
        found.append(ordered[np.minimum(places, size - 1)])
    low, high = _quantiles(np.concatenate(found))
    return Estimate(value, float(low), float(high), size, n)


def _pivots(clusters: Clusters, n_resamples: int) -> Array:
    """(resampled mean - mean) / resampled standard error; infinite where a resample has no spread."""
    n, mean = clusters.n_patients, clusters.mean
    # About the mean, so that squares of large values do not cancel.
    sums, counts = clusters.sums - mean * clusters.counts, clusters.counts
    squares = np.stack([sums * sums, sums * counts, counts * counts])
    found = []
    for weights in _blocks(n, n_resamples, 3 * n):
        totals = weights @ counts
        shifts = (weights @ sums) / totals
        own, mixed, size = squares @ weights.T
        spread = np.maximum(own - 2 * shifts * mixed + shifts**2 * size, 0.0)
        spread[spread <= 1e-12 * np.maximum(own, 1e-300)] = 0.0
        errors = np.sqrt(n / (n - 1) * spread) / totals
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(np.where((errors == 0) & (np.abs(shifts) < 1e-15), 0.0, shifts / errors))
    return np.concatenate(found)


def _blocks(n: int, n_resamples: int, width: int) -> Iterator[Array]:
    """How often each resample draws each patient, float64 (resample, patient), in blocks of bounded memory."""
    size = max(1, min(n_resamples, _BLOCK_ELEMENTS // max(width, 1)))
    draws = _draws(n, n_resamples)
    return (draws[start : start + size].astype(np.float64) for start in range(0, n_resamples, size))


@lru_cache(maxsize=2)
def _draws(n: int, n_resamples: int) -> NDArray[np.uint16]:
    """Kept, because a study asks for the same ones hundreds of times."""
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), n_resamples)
    return drawn.astype(np.uint16)


def _quantiles(values: Array) -> Array:
    """Both ends; order statistics, because infinite values cannot be interpolated."""
    return np.asarray(np.quantile(values, _TAILS, method="inverted_cdf"))
