"""What a covariance knows: its directions of finite variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.instrument_pose import DEFAULT_STD_MM, UNKNOWN_VARIANCE

Array = NDArray[np.float64]

# Beyond a standard deviation of 100 mm nothing is known.
UNKNOWN_FROM = 1e4
# No measurement is better than this, whatever it states.
MIN_STD_MM = 0.1


@dataclass(frozen=True)
class KnownDirections:
    """A measurement's covariance, split: information form without ever inverting an infinite variance.

    Attributes
    ----------
    known
        (k, 3) orthonormal rows: directions in which the measurement says something.
    variances
        (k,) mm2 along them.
    unknown
        (3 - k, 3) orthonormal rows: directions in which it says nothing.
    """

    known: Array
    variances: Array
    unknown: Array

    @classmethod
    def of(cls, covariance: Array | None) -> KnownDirections:
        """Of a (3, 3) covariance in mm2; infinite or NaN elements are unknown, None is the default spread."""
        if covariance is None:
            return cls(np.eye(3), np.full(3, DEFAULT_STD_MM**2), np.zeros((0, 3)))
        if not np.all(np.isfinite(covariance)):
            diagonal = np.diag(covariance)
            covariance = np.diag(np.where(np.isfinite(diagonal), diagonal, UNKNOWN_VARIANCE))
        variances, columns = np.linalg.eigh(0.5 * (covariance + covariance.T))
        is_known = variances < UNKNOWN_FROM
        return cls(columns.T[is_known], np.maximum(variances[is_known], MIN_STD_MM**2), columns.T[~is_known])

    @property
    def covariance(self) -> Array:
        """(3, 3) mm2 with ``UNKNOWN_VARIANCE`` where nothing is known."""
        result = (self.known.T * self.variances) @ self.known + UNKNOWN_VARIANCE * self.unknown.T @ self.unknown
        return np.asarray(result, dtype=np.float64)
