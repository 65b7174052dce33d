"""An instrument that drifts out of the slices: truth says so, and nothing of it is left in the picture."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage
from TemporalReconLib.geometry import ras_to_ijk, slice_normal
from TemporalReconLib.simulation.simulated_series import SimulatedSeries, simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

FRAMES = 20
STAYS = SimulationConfig(frames=FRAMES, acceleration=16, coils=1, seed=900_310, n_slices=3, matrix=64, noise=0.0)
LEAVES = dataclasses.replace(STAYS, leaves_plane=True)


@pytest.fixture(scope="module")
def stays() -> SimulatedSeries:
    return simulate_series(STAYS)


@pytest.fixture(scope="module")
def leaves() -> SimulatedSeries:
    return simulate_series(LEAVES)


def change_on_shaft(series: SimulatedSeries, index: int, path: SimulatedSeries) -> float:
    """Mean change by the instrument along the axis, of the image's 99th percentile; ``path`` says where it runs."""
    truth = path.truth.frames[index]
    points = truth.guide_tip + np.arange(-40.0, 4.0, 1.0)[:, None] * truth.axis
    columns, rows, _ = ras_to_ijk(path.ijk_to_ras, points).T
    change = np.abs(series.image(index) - series.image_at(series.mid_time_s(index), with_instrument=False))
    along = [ndimage.map_coordinates(one_slice, [rows, columns], order=1).mean() for one_slice in change]
    return float(max(along)) / series.level


def test_it_is_seen_until_it_leaves_and_never_again(leaves: SimulatedSeries, stays: SimulatedSeries) -> None:
    seen = [truth.visible for truth in leaves.truth.frames]
    assert sum(seen) > 5
    gone = seen.index(False, seen.index(True))
    assert not any(seen[gone:])
    assert 11 < gone < 0.85 * FRAMES  # before the shot
    assert all(truth.visible for truth in stays.truth.frames[gone:])


def test_it_moves_across_the_slices_only(leaves: SimulatedSeries, stays: SimulatedSeries) -> None:
    moved = leaves.truth.frames[-1].guide_tip - stays.truth.frames[-1].guide_tip
    normal = slice_normal(leaves.ijk_to_ras)
    assert abs(moved @ normal) > 16.0
    assert np.linalg.norm(moved - (moved @ normal) * normal) < 1.0


def test_nothing_of_it_is_left_in_the_picture(leaves: SimulatedSeries, stays: SimulatedSeries) -> None:
    # What remains is the anatomy, pushed aside by a few mm.
    assert change_on_shaft(stays, FRAMES - 1, stays) > 0.15
    assert change_on_shaft(leaves, FRAMES - 1, stays) < 0.05


def test_before_it_leaves_the_series_are_the_same(leaves: SimulatedSeries, stays: SimulatedSeries) -> None:
    assert np.array_equal(leaves.frame(10).data, stays.frame(10).data)
    assert np.array_equal(leaves.planning.data, stays.planning.data)
    assert not np.array_equal(leaves.frame(14).data, stays.frame(14).data)
