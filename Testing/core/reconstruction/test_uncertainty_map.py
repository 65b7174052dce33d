"""The expected error of each pixel: measured against the true one, and carried with the image."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from reconstruction_frames import acquire, smooth_object
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

# In air a magnitude errs by the whole noise, not by its part along the phase: darker pixels are left out.
IN_BODY = 0.1


@pytest.fixture(scope="module")
def method():
    return make_reconstructor("temporal", "cpu")


def expected_and_true(method, seed, acceleration, mask, has_planning):
    """Expected and true absolute errors of all pixels in the body of a simulated patient."""
    config = SimulationConfig(
        frames=7, acceleration=acceleration, mask=mask, coils=4, seed=seed, n_slices=1, matrix=128, noise=0.019
    )
    series = simulate_series(config)
    method.reset()
    if has_planning:
        method.set_planning(series.planning)
    expected, true = [], []
    for n, frame in enumerate(series.frames):
        method.ingest(frame)
        image = method.reconstruct()
        truth = series.image(n)
        in_body = truth > IN_BODY * series.level
        expected.append(image.uncertainty[in_body])
        true.append(np.abs(image.data - truth)[in_body])
    return np.concatenate(expected), np.concatenate(true)


@pytest.fixture(scope="module")
def errors(method):
    """Of three series at different accelerations, with and without planning scan."""
    cases = [(900_811, 8, "golden", True), (900_812, 16, "paper", True), (900_814, 16, "paper", False)]
    return np.concatenate([expected_and_true(method, *case) for case in cases], axis=1)


def test_the_expected_error_is_within_a_factor_of_two_of_the_true_one(errors):
    expected, true = errors
    assert 0.5 <= true.mean() / expected.mean() <= 2.0


def test_where_more_error_is_expected_there_is_more(errors):
    expected, true = errors
    deciles = [part.mean() for part in np.array_split(true[np.argsort(expected)], 10)]
    assert all(low < high for low, high in pairwise(deciles)), deciles


def test_brighter_samples_have_proportionally_larger_errors(method):
    frame = acquire(smooth_object(), 4, 4, 0, noise=0.01)
    maps = []
    for factor in (1.0, 2.0**20):
        method.reset()
        method.ingest(replace(frame, data=frame.data * np.float32(factor)))
        maps.append(method.reconstruct().uncertainty / factor)
    np.testing.assert_allclose(maps[1], maps[0], rtol=1e-4)


def image_with(uncertainty):
    return ImageFrame(np.ones((1, 4, 3), np.float32), np.eye(4), uncertainty=uncertainty)


def test_a_copy_with_another_latency_keeps_the_uncertainty():
    uncertainty = np.full((1, 4, 3), 0.5, np.float32)
    assert image_with(uncertainty).with_latency(0.1).uncertainty is uncertainty


@pytest.mark.parametrize(
    "uncertainty",
    [
        np.ones((1, 3, 4), np.float32),
        np.ones((1, 4, 3), np.float64),
        np.full((1, 4, 3), -0.1, np.float32),
        np.full((1, 4, 3), np.nan, np.float32),
    ],
    ids=["other matrix", "other type", "negative", "nan"],
)
def test_an_uncertainty_that_cannot_be_one_is_refused(uncertainty):
    with pytest.raises(InputError, match="image frame 0: uncertainty"):
        image_with(uncertainty)


def test_a_method_without_an_estimate_gives_none():
    method = make_reconstructor("zero-filled", "cpu")
    method.ingest(acquire(smooth_object(), 2, 4))
    assert method.reconstruct().uncertainty is None
