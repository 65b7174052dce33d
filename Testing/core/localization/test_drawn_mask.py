"""The mask drawn from a pose, against volumes known from geometry."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.drawn_mask import draw_mask
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.instrument_mask import empty_mask
from scipy.spatial.transform import Rotation
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ijk_to_ras_from_parts


def plane_of(rotation, shape=(11, 180, 180), spacing=(1.0, 1.0, 1.0)):
    directions = rotation.as_matrix() @ np.diag([-1.0, -1.0, 1.0])
    half = (np.array(shape[::-1]) - 1) / 2 * np.array(spacing)
    geometry = ijk_to_ras_from_parts(-directions @ half, directions, spacing)
    return ImagePlane.of(ImageFrame(np.ones(shape, np.float32), geometry)), directions


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, -10, 35)])
def test_guide_and_needle_have_the_volume_of_their_bars_in_any_orientation(angles):
    plane, directions = plane_of(Rotation.from_euler("xyz", angles, degrees=True))
    axis = directions @ np.array([0.6, -0.8, 0.0])
    pose = InstrumentPose(np.zeros(3), 30 * axis, axis, 1.0)
    mask = draw_mask(plane, pose, guide_radius_mm=5.0, guide_length_mm=60.0)
    # A cylinder of 60 mm whose round ends reach 5 mm beyond it; the near end begins at the cap's middle.
    expected = np.pi * 25 * 60 + 4 / 3 * np.pi * 125
    assert np.sum(mask.labels == 1) == pytest.approx(expected, rel=0.05)
    # The needle shows from the cap (5 mm) to its tip at 30 mm, with a radius of 1.5 mm in the plane.
    middle = mask.labels[5]
    assert np.sum(middle == 2) == pytest.approx(25 * 3, rel=0.25)


def test_slices_that_the_bar_does_not_reach_stay_empty():
    plane, directions = plane_of(Rotation.identity(), shape=(5, 180, 180), spacing=(1.0, 1.0, 4.0))
    axis = directions @ np.array([0.0, -1.0, 0.0])
    mask = draw_mask(plane, InstrumentPose(np.zeros(3), None, axis, 1.0), guide_radius_mm=5.0)
    assert [bool(labels.any()) for labels in mask.labels] == [False, True, True, True, False]


def test_nothing_found_draws_nothing():
    plane, _ = plane_of(Rotation.identity())
    assert draw_mask(plane, InstrumentPose()).is_empty
    assert empty_mask(plane, 4).index == 4
