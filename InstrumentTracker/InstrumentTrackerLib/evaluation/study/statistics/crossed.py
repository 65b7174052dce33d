"""Means and rates of readers who all read the same patients: both are drawn at random.

Multi-reader multi-case: what is found should hold for other readers and other patients, so both are resampled, each by
itself (the two-way or "pigeonhole" bootstrap; Owen, Ann Appl Stat 1:386, 2007). It counts the spread between patients
and between readers, and errs to the safe side where both are crossed. Few readers tell little of how much readers
differ; intervals are as wide as Student's with the degrees of freedom of a two-way analysis of variance (Satterthwaite;
Hillis, Stat Med 26:596, 2007), at least as many as the smaller of both numbers less one. Of one reader alone they say
nothing of others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean
from InstrumentTrackerLib.evaluation.study.statistics.estimate import (
    CONFIDENCE_LEVEL,
    MIN_INTERVAL_PATIENTS,
    Array,
    Estimate,
)
from InstrumentTrackerLib.evaluation.study.statistics.rates import (
    clustered_rate,
    clustered_rate_difference,
    tango_interval,
    wilson_interval,
)

N_RESAMPLES = 1999
_UPPER_TAIL = (1 + CONFIDENCE_LEVEL) / 2


def crossed_mean(values: ArrayLike, readers: ArrayLike, patients: ArrayLike) -> Estimate | None:
    """Mean over readings; None without any.

    Parameters
    ----------
    values, readers, patients
        (reading,): numbers in any unit, which is also the estimate's, whose reading each is, and of whom. A reader may
        have read a patient never or several times.
    """
    table = _Table.of(values, readers, patients)
    if table.n == 0 or table.n_readers < 2:
        return clustered_mean(values, patients)
    if table.n_patients < MIN_INTERVAL_PATIENTS:
        return Estimate(table.mean, None, None, table.n, table.n_patients)
    reach = table.quantile * table.standard_error
    return Estimate(table.mean, table.mean - reach, table.mean + reach, table.n, table.n_patients)


def crossed_rate(hits: ArrayLike, readers: ArrayLike, patients: ArrayLike) -> Estimate | None:
    """Share of readings with Wilson's interval at the effective number of readings; None without any.

    That number is never above that of the patients: readings of a patient count once, however many read it.

    Parameters
    ----------
    hits, readers, patients
        (reading,): whether each counts, true or 1, whose reading it is, and of whom.

    Returns
    -------
    Estimate, 0 to 1.
    """
    table = _Table.of(hits, readers, patients)
    if table.n == 0 or table.n_readers < 2:
        return clustered_rate(hits, patients)
    share = table.mean
    if table.n_patients < MIN_INTERVAL_PATIENTS:
        return Estimate(share, None, None, table.n, table.n_patients)
    low, high = wilson_interval(share, table.effective_size(share * (1 - share)), table.quantile)
    return Estimate(share, low, high, table.n, table.n_patients)


def crossed_rate_difference(
    hits: ArrayLike, others: ArrayLike, readers: ArrayLike, patients: ArrayLike
) -> Estimate | None:
    """Share of ``hits`` minus share of ``others``, paired by reading, with Tango's interval; None without any.

    Parameters
    ----------
    hits, others, readers, patients
        (reading,): whether each counts for the one and for the other, true or 1, whose reading it is, and of whom.

    Returns
    -------
    Estimate, -1 to 1.
    """
    first, second = np.asarray(hits, dtype=np.float64), np.asarray(others, dtype=np.float64)
    table = _Table.of(first - second, readers, patients)
    if table.n == 0 or table.n_readers < 2:
        return clustered_rate_difference(hits, others, patients)
    gained, lost = float((first > second).mean()), float((first < second).mean())
    if table.n_patients < MIN_INTERVAL_PATIENTS:
        return Estimate(gained - lost, None, None, table.n, table.n_patients)
    size = table.effective_size(gained + lost - (gained - lost) ** 2)
    low, high = tango_interval(size * gained, size * lost, size, table.quantile)
    return Estimate(gained - lost, low, high, table.n, table.n_patients)


@dataclass(frozen=True, eq=False)
class _Table:
    """Sums and counts by (reader, patient), float64."""

    sums: Array
    counts: Array

    @classmethod
    def of(cls, values: ArrayLike, readers: ArrayLike, patients: ArrayLike) -> _Table:
        array = np.asarray(values, dtype=np.float64)
        rows, columns = (np.unique(np.asarray(each), return_inverse=True)[1] for each in (readers, patients))
        shape = (int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1)
        sums, counts = np.zeros(shape), np.zeros(shape)
        np.add.at(sums, (rows, columns), array)
        np.add.at(counts, (rows, columns), 1.0)
        return cls(sums, counts)

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def n_readers(self) -> int:
        return int(self.counts.shape[0])

    @property
    def n_patients(self) -> int:
        return int(self.counts.shape[1])

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())

    @property
    def standard_error(self) -> float:
        """Spread of the mean over resamples of readers and of patients."""
        readers, patients = _draws(self.n_readers, 0), _draws(self.n_patients, 1)
        # About the mean, so that squares of large values do not cancel.
        sums = ((readers @ (self.sums - self.mean * self.counts)) * patients).sum(axis=1)
        counts = ((readers @ self.counts) * patients).sum(axis=1)
        drawn = counts > 0
        error = float(np.std(sums[drawn] / counts[drawn], ddof=1))
        return error if error > 1e-12 * max(1.0, abs(self.mean)) else 0.0

    @property
    def quantile(self) -> float:
        return float(stats.t.ppf(_UPPER_TAIL, self._degrees_of_freedom))

    @property
    def _degrees_of_freedom(self) -> float:
        least = float(min(self.n_readers, self.n_patients) - 1)
        complete = (self.counts > 0).all(axis=0)
        if complete.sum() < 2:
            return least
        cells = self.sums[:, complete] / self.counts[:, complete]
        n_readers, n_patients = cells.shape
        readers, patients = cells.mean(axis=1) - cells.mean(), cells.mean(axis=0) - cells.mean()
        rest = cells - cells.mean() - readers[:, None] - patients
        squares = np.array([n_patients * (readers @ readers), n_readers * (patients @ patients), (rest**2).sum()])
        freedom = np.array([n_readers - 1, n_patients - 1, (n_readers - 1) * (n_patients - 1)])
        means = squares / freedom
        spread = float((means**2 / freedom).sum())
        if spread == 0:  # nothing differs: what bounds a rate is the number of patients
            return float(n_patients - 1)
        return max(least, float((means[0] + means[1] - means[2]) ** 2 / spread))

    def effective_size(self, variance: float) -> float:
        """Independent readings that would tell as much of a rate whose single readings have this variance."""
        error = self.standard_error
        return float(self.n_patients) if error == 0 else min(float(self.n_patients), variance / error**2)


def _draws(n: int, seed: int) -> NDArray[np.float64]:
    """How often each resample draws each of n; the same values always give the same interval."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), N_RESAMPLES).astype(np.float64)
