"""Frames of made-up studies whose right verdict is known."""

from __future__ import annotations

import numpy as np
from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import Pairs

N_PATIENTS, N_FRAMES = 60, 10
EQUAL, WORSE, BETTER_BUT_FAILING = "equal", "worse by 1.5 mm", "better with 10 % failures"


def planted_pairs(seed: int, effect: str, n_patients: int = N_PATIENTS, n_frames: int = N_FRAMES) -> Pairs:
    """A study: patients differ in difficulty, frames of a patient are alike, 1 % of the reference's frames fail."""
    generator = np.random.default_rng(seed)
    shape = (n_patients, n_frames)
    difficulty = generator.gamma(4.0, 0.4, n_patients)[:, np.newaxis]
    common = np.abs(generator.normal(difficulty, 0.6, shape))
    reference = np.abs(common + generator.normal(0, 0.5, shape))
    method = np.abs(common + generator.normal(0, 0.5, shape))
    failing, method_failing = (_failures(generator, 0.01, shape) for _ in range(2))
    if effect == WORSE:
        method = method + 1.5
    if effect == BETTER_BUT_FAILING:
        method, method_failing = 0.7 * method, _failures(generator, 0.1, shape)
    return Pairs(
        np.where(method_failing, np.nan, method).ravel(),
        np.where(failing, np.nan, reference).ravel(),
        np.repeat([f"patient-{n:02d}" for n in range(n_patients)], n_frames),
    )


def _failures(generator: np.random.Generator, share: float, shape: tuple[int, int]) -> np.ndarray:
    """Beta-binomial: failures of a patient are correlated by 0.1."""
    strength = 1 / 0.1 - 1
    shares = generator.beta(share * strength, (1 - share) * strength, shape[0])[:, np.newaxis]
    return generator.random(shape) < shares
