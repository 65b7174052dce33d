"""The quadrature against seeded Monte Carlo and against cases with a closed answer."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.targeting.sampling_probability import sampling_probability
from scipy.spatial.transform import Rotation
from scipy.special import ndtr
from scipy.stats import ncx2

CORE = (0.0, 18.0)
NOWHERE = np.zeros((2, 2))


def monte_carlo(offset, core, radius, tip_covariance, axis_covariance, n=400_000, seed=900_010):
    """Draw tips and directions; measure the distance from the target to the segment in space."""
    rng = np.random.default_rng(seed)
    tip = rng.multivariate_normal(np.zeros(3), tip_covariance, n)
    turn = rng.multivariate_normal(np.zeros(2), axis_covariance, n)
    direction = np.concatenate([turn, np.ones((n, 1))], axis=1)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    to_target = offset - tip
    along = np.clip(np.einsum("ni,ni->n", to_target, direction), *core)
    return float(np.mean(np.linalg.norm(to_target - along[:, None] * direction, axis=1) <= radius))


def covariance(stds, degrees):
    rotation = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    return rotation @ np.diag(np.square(stds)) @ rotation.T


@pytest.mark.parametrize(
    ("offset", "stds", "degrees", "axis_deg"),
    [
        ((0.0, 0.0, 9.0), (0.8, 1.0, 1.5), (0, 0, 0), (1.0, 1.0)),
        ((2.5, -1.0, 12.0), (0.5, 2.0, 1.0), (20, 50, -30), (1.5, 0.5)),
        ((1.0, 3.0, 19.0), (1.0, 1.0, 2.5), (10, -40, 70), (2.0, 2.0)),
        ((0.0, 2.0, -2.0), (0.3, 0.6, 0.9), (0, 30, 0), (0.0, 0.0)),
        ((6.0, 0.0, 30.0), (3.0, 3.0, 4.0), (45, 45, 45), (3.0, 1.0)),
    ],
)
def test_it_agrees_with_a_monte_carlo_of_tips_and_directions(offset, stds, degrees, axis_deg):
    tip, axis = covariance(stds, degrees), np.diag(np.square(np.deg2rad(axis_deg)))
    expected = monte_carlo(np.array(offset), CORE, 3.0, tip, axis)
    assert sampling_probability(np.array(offset), CORE, 3.0, tip, axis) == pytest.approx(expected, abs=0.004)


@pytest.mark.parametrize("lateral_mm", [0.0, 1.5, 3.0, 5.0])
@pytest.mark.parametrize("std_mm", [0.05, 0.7, 2.0])
def test_beside_the_middle_of_a_long_core_it_is_the_noncentral_chi_square(lateral_mm, std_mm):
    """Far from both ends only the sideways offset matters: its squared length has a known distribution."""
    offset = np.array([lateral_mm * 0.6, lateral_mm * 0.8, 0.0])
    exact = ncx2.cdf((3.0 / std_mm) ** 2, 2, (lateral_mm / std_mm) ** 2) if lateral_mm else ncx2.cdf(
        (3.0 / std_mm) ** 2, 2, 1e-12
    )  # fmt: skip
    found = sampling_probability(offset, (-200.0, 200.0), 3.0, std_mm**2 * np.eye(3), NOWHERE)
    assert found == pytest.approx(exact, abs=1e-4)


def test_on_the_axis_of_a_certain_direction_only_the_depth_decides():
    depth_std = 2.0
    tip = np.diag([1e-10, 1e-10, depth_std**2])
    for depth in (-4.0, 0.0, 10.0, 20.0):
        exact = ndtr((21.0 - depth) / depth_std) - ndtr((-3.0 - depth) / depth_std)
        assert sampling_probability(np.array([0, 0, depth]), CORE, 3.0, tip, NOWHERE) == pytest.approx(exact, abs=1e-4)


def test_without_uncertainty_it_is_yes_or_no():
    certain = np.zeros((3, 3))
    for offset, answer in (((2.9, 0, 9), 1.0), ((3.1, 0, 9), 0.0), ((0, 0, 20.9), 1.0), ((0, 0, 21.1), 0.0)):
        assert sampling_probability(np.array(offset, float), CORE, 3.0, certain, NOWHERE) == pytest.approx(answer)


def test_an_uncertain_direction_matters_more_farther_from_the_tip():
    tip, axis = 0.1 * np.eye(3), np.deg2rad(4.0) ** 2 * np.eye(2)
    near, far = (sampling_probability(np.array([0, 0, z]), (z - 9, z + 9), 3.0, tip, axis) for z in (9.0, 60.0))
    assert far < 0.6 * near
