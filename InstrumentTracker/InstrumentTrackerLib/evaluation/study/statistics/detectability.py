"""How well an ideal linear observer with a few channels tells the tip from its surroundings: d'.

The channelized Hotelling observer (Barrett, Yao, Rolland and Myers, Proc Natl Acad Sci USA 90:9758, 1993). It knows
where to look. The observer that judges a patient is made from the others, so that it cannot know them; with few samples
d' is rather too low than too high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from InstrumentTrackerLib.evaluation.study.statistics.estimate import CONFIDENCE_LEVEL, MIN_PATIENTS, Array, Estimate

# Fewer samples than this many times the channels make an observer of chance.
_SAMPLES_PER_CHANNEL = 3
N_RESAMPLES = 999


def detectability(
    present: ArrayLike,
    absent: ArrayLike,
    patients: Sequence[str] | NDArray[np.str_],
    absent_patients: Sequence[str] | NDArray[np.str_],
) -> Estimate | None:
    """d' of two classes of channel outputs with an interval over patients (percentile bootstrap).

    Parameters
    ----------
    present, absent
        (sample, channel).
    patients, absent_patients
        Whose each sample is.

    Returns
    -------
    Estimate, None with too few samples or patients.
    """
    signal, noise = np.asarray(present, dtype=np.float64), np.asarray(absent, dtype=np.float64)
    names = np.array(sorted({*patients, *absent_patients}))
    if signal.ndim != 2 or noise.ndim != 2 or len(names) < MIN_PATIENTS:
        return None
    if min(len(signal), len(noise)) < _SAMPLES_PER_CHANNEL * signal.shape[1]:
        return None
    classes = [
        _Class.of(outputs, np.searchsorted(names, np.asarray(whose)), len(names))
        for outputs, whose in ((signal, patients), (noise, absent_patients))
    ]
    templates = np.stack(
        [hotelling_template(*(each.moments_without(patient) for each in classes)) for patient in range(len(names))]
    )
    scored = [each.scored(templates) for each in classes]
    weights = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), N_RESAMPLES)
    value = _distance(scored, np.ones((1, len(names))))
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(_distance(scored, weights.astype(np.float64)), [tail, 1 - tail])
    return Estimate(float(value[0]), float(low), float(high), len(signal), len(names))


@dataclass(frozen=True, eq=False)
class _Class:
    """Samples of one class, float64 (sample, channel), with sums by patient."""

    outputs: Array
    whose: NDArray[np.intp]
    counts: Array
    sums: Array
    squares: Array

    @classmethod
    def of(cls, outputs: Array, whose: NDArray[np.intp], n_patients: int) -> _Class:
        counts = np.bincount(whose, minlength=n_patients).astype(np.float64)
        sums = np.zeros((n_patients, outputs.shape[1]))
        squares = np.zeros((n_patients, outputs.shape[1], outputs.shape[1]))
        # About the mean, so that squares of large values do not cancel.
        centered = outputs - outputs.mean(axis=0)
        np.add.at(sums, whose, centered)
        np.add.at(squares, whose, centered[:, :, None] * centered[:, None])
        return cls(outputs, whose, counts, sums, squares)

    def moments_without(self, patient: int) -> tuple[Array, Array]:
        """Mean and covariance of the samples of all other patients."""
        count = self.counts.sum() - self.counts[patient]
        shift = (self.sums.sum(axis=0) - self.sums[patient]) / count
        square = (self.squares.sum(axis=0) - self.squares[patient]) / count
        return self.outputs.mean(axis=0) + shift, square - np.outer(shift, shift)

    def scored(self, templates: Array) -> Array:
        """Count, sum and sum of squares of the scores by patient, (3, patient); each by the patient's own template."""
        scores = np.einsum("sc,sc->s", self.outputs, templates[self.whose])
        powers = [np.bincount(self.whose, weights=scores**power, minlength=len(templates)) for power in range(3)]
        return np.stack(powers)


def hotelling_template(present: tuple[Array, Array], absent: tuple[Array, Array]) -> Array:
    """Weights of the channels from mean and covariance of both classes, scaled to scores of standard deviation one."""
    difference = present[0] - absent[0]
    covariance = 0.5 * (present[1] + absent[1])
    # What never varies cannot be whitened.
    covariance = covariance + 1e-6 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    template = np.linalg.lstsq(covariance, difference, rcond=None)[0]
    norm = np.sqrt(template @ covariance @ template)
    return np.asarray(template / norm if norm > 0 else template)


def _distance(scored: Sequence[Array], weights: Array) -> Array:
    """Difference of the mean scores over their common standard deviation, for each row of patients' weights."""
    means, variances = [], []
    for sums in scored:
        count, total, square = (np.maximum(weights @ sums[0], 1), weights @ sums[1], weights @ sums[2])
        means.append(total / count)
        variances.append(np.maximum(square / count - (total / count) ** 2, 0.0))
    spread = np.sqrt(0.5 * (variances[0] + variances[1]))
    return np.asarray((means[0] - means[1]) / np.maximum(spread, 1e-12))
