"""The network's grid: the instrument from below, pixels of one size, brightness that no scaling changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.working_grid import PIXEL_MM, WorkingGrid, normalized, with_neighbors
from TemporalReconLib.acquisition.image_frame import ImageFrame

STRIDE = 64
# Where the instrument points to in an image whose rows or columns run along patient axes: (column, row) directions.
PLANES = {
    "up": ((-1, 0, 0), (0, 0, -1)),
    "down": ((-1, 0, 0), (0, 0, 1)),
    "left": ((0, 0, -1), (-1, 0, 0)),
    "right": ((0, 0, 1), (-1, 0, 0)),
}


def plane_of(column, row, spacing=(1.0, 1.0, 3.0), shape=(2, 96, 120)) -> ImagePlane:
    geometry = np.eye(4)
    directions = np.array([column, row, np.cross(column, row)], dtype=float).T
    geometry[:3, :3] = directions * np.array(spacing)
    return ImagePlane.of(ImageFrame(np.zeros(shape, dtype=np.float32), geometry))


def spot(shape, row, column, width):
    """A smooth bright spot, and its center of mass must be found again."""
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    picture = np.exp(-0.5 * (((rows - row) / width[0]) ** 2 + ((columns - column) / width[1]) ** 2))
    return torch.from_numpy(np.broadcast_to(picture, shape).astype(np.float32).copy())


def center_of(picture):
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    weight = picture.numpy()
    return np.array([(weight * rows).sum(), (weight * columns).sum()]) / weight.sum()


@pytest.mark.parametrize("pointing", PLANES)
def test_the_instrument_comes_from_below_whichever_way_the_image_is_turned(pointing):
    plane = plane_of(*PLANES[pointing])
    grid = WorkingGrid.of(plane, STRIDE)
    middle = np.array([(plane.shape[1] - 1) / 2, (plane.shape[2] - 1) / 2])
    inner = middle + 20 * plane.inward[::-1]
    found = [center_of(grid.forward(spot(plane.shape, *place, (5, 5)))[0]) for place in (middle, inner)]
    step = found[1] - found[0]
    assert step[0] < -15 and abs(step[1]) < 8, "farther in is higher up"


@pytest.mark.parametrize("pointing", PLANES)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 3.0), (0.6, 1.7, 4.0), (2.5, 2.5, 3.0)])
def test_maps_come_back_to_where_they_were(pointing, spacing):
    plane = plane_of(*PLANES[pointing], spacing=spacing)
    grid = WorkingGrid.of(plane, STRIDE)
    there = spot(plane.shape, 40, 71, (9 / spacing[1], 9 / spacing[0]))
    forth = grid.forward(there)
    assert forth.shape[1] % STRIDE == 0 and forth.shape[2] % STRIDE == 0
    back = grid.backward(forth[None])[0]
    assert back.shape == there.shape
    assert np.abs(center_of(back[0]) - center_of(there[0])).max() * max(spacing[:2]) < 0.1
    assert float((back - there).abs().max()) < 0.06


def test_distances_in_mm_are_kept():
    plane = plane_of(*PLANES["up"], spacing=(0.7, 1.9, 3.0))
    grid = WorkingGrid.of(plane, STRIDE)
    spots = [grid.forward(spot(plane.shape, *place, (4, 11)))[0] for place in ((30, 40), (60, 80))]
    step = (center_of(spots[1]) - center_of(spots[0])) * PIXEL_MM
    assert step == pytest.approx([30 * 1.9, 40 * 0.7], rel=0.01)


def test_a_field_of_view_that_no_patient_fills_stays_small():
    plane = plane_of(*PLANES["up"], spacing=(10.0, 10.0, 3.0), shape=(1, 512, 512))
    assert max(WorkingGrid.of(plane, STRIDE).padded) <= 640


@pytest.mark.parametrize("change", [lambda x: 1000 * x, lambda x: x - 7, lambda x: 1e-6 * x + 1e-6])
def test_brightness_does_not_depend_on_scale_and_offset(change):
    picture = np.random.default_rng(0).random((3, 64, 64), dtype=np.float32)
    assert normalized(change(picture).astype(np.float32)) == pytest.approx(normalized(picture), abs=2e-3)


def test_a_few_hot_pixels_do_not_darken_the_rest():
    picture = np.random.default_rng(0).random((3, 64, 64), dtype=np.float32)
    hot = picture.copy()
    hot[:, ::20, ::20] = np.float32(3e38)
    shown = normalized(hot)
    others = np.ones(picture.shape, dtype=bool)
    others[:, ::20, ::20] = False
    assert np.isfinite(shown).all()
    assert shown[others] == pytest.approx(normalized(picture)[others], abs=0.02)


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0, 1e-42])
def test_a_picture_without_contrast_has_no_brightness(value):
    assert normalized(np.full((2, 32, 32), value, dtype=np.float32)) is None


def test_each_slice_sees_its_neighbors_and_the_outer_ones_themselves():
    stack = torch.arange(3.0).reshape(3, 1, 1)
    assert with_neighbors(stack, 3).flatten(1).tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 2]]
    assert with_neighbors(stack[:1], 3).flatten(1).tolist() == [[0, 0, 0]]
