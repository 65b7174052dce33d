"""The bound against estimators that are known to reach it."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.cramer_rao import cramer_rao_std, depth_bound_mm
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.simulated_series import SimulatedSeries
from TemporalReconLib.simulation.simulation_config import SimulationConfig


def test_a_linear_fit_reaches_the_bound() -> None:
    rng = np.random.default_rng(0)
    signatures = rng.standard_normal((2, 40)) + 1j * rng.standard_normal((2, 40))
    noise = 0.3 * (rng.standard_normal((4000, 40)) + 1j * rng.standard_normal((4000, 40)))
    stacked = np.concatenate([signatures.real, signatures.imag], axis=1)
    estimates = np.concatenate([noise.real, noise.imag], axis=1) @ np.linalg.pinv(stacked)
    np.testing.assert_allclose(estimates.std(axis=0), cramer_rao_std(signatures, 0.3), rtol=0.05)


def test_four_times_the_samples_halve_the_bound() -> None:
    one = cramer_rao_std(np.ones((1, 10)), 1.0)
    assert cramer_rao_std(np.ones((1, 40)), 1.0) == pytest.approx(one / 2)


def test_parameters_that_look_alike_have_no_bound() -> None:
    with pytest.raises(InputError, match="tell them apart"):
        cramer_rao_std(np.ones((2, 10)), 1.0)


def test_a_simulated_tip_is_bounded_by_tenths_of_a_millimeter_and_twice_the_noise_doubles_it() -> None:
    config = {
        "frames": 2,
        "acceleration": 16,
        "matrix": 128,
        "coils": 4,
        "n_slices": 1,
        "seed": 900_001,
        "motion": False,
    }
    bound = depth_bound_mm(SimulatedSeries(SimulationConfig(**config, noise=0.015)), 1)
    assert 0.02 < bound < 1.0
    assert depth_bound_mm(SimulatedSeries(SimulationConfig(**config, noise=0.03)), 1) == pytest.approx(
        2 * bound, rel=1e-3
    )


def test_a_frame_without_needle_has_no_bound() -> None:
    series = SimulatedSeries(SimulationConfig(frames=2, matrix=64, coils=1, n_slices=1, seed=900_001, instrument=False))
    with pytest.raises(InputError, match="shows no needle"):
        depth_bound_mm(series, 1)
