"""A number with its interval, and the patients that it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE_LEVEL = 0.95
# Fewer patients tell nothing of how much patients differ.
MIN_INTERVAL_PATIENTS = 6
# With fewer, no interval of so skewed values as tip errors or of d' can be trusted.
MIN_PATIENTS = 10

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Of a quantity over frames whose patients are drawn at random.

    Attributes
    ----------
    value
        Over all frames alike.
    low, high
        Two-sided 95 % interval, each end a one-sided 97.5 % bound; infinite where the data bound nothing on that
        side; None with fewer than six patients.
    n, n_patients
        Frames and patients.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    n_patients: int

    @property
    def has_interval(self) -> bool:
        return self.low is not None and self.high is not None and math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Values by the patient that they belong to.

    Attributes
    ----------
    values
        float64 (n,).
    which
        int (n,): number of the patient, 0 ... n_patients - 1.
    sums, counts
        float64 (n_patients,).
    """

    values: Array
    which: NDArray[np.intp]
    sums: Array
    counts: Array

    @classmethod
    def of(cls, values: ArrayLike, patients: ArrayLike) -> Clusters:
        array = np.asarray(values, dtype=np.float64)
        _, which = np.unique(np.asarray(patients), return_inverse=True)
        n = int(which.max()) + 1 if which.size else 0
        sums = np.asarray(np.bincount(which, weights=array, minlength=n), dtype=np.float64)
        counts = np.asarray(np.bincount(which, minlength=n), dtype=np.float64)
        return cls(array, which, sums, counts)

    @property
    def n_patients(self) -> int:
        return int(self.sums.size)

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())

    @property
    def mean_variance(self) -> float:
        """Of the mean, from the spread between patients (linearized ratio estimator; Cochran, 1977, section 6.4)."""
        residuals = self.sums - self.mean * self.counts
        n = self.n_patients
        return float(n / (n - 1) * (residuals @ residuals) / self.counts.sum() ** 2)

    @property
    def equal_patients(self) -> float:
        """As many frames count at least if those of a patient tell all the same (Kish, 1965)."""
        return float(self.counts.sum() ** 2 / (self.counts @ self.counts))
