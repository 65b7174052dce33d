"""Targeting errors against geometry that is built the other way round: from the answer to the positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from scipy.spatial.transform import Rotation
from TemporalReconLib.errors import InputError

mm = st.floats(-80, 80)
angle = st.floats(-180, 180)


@given(
    depth=mm, lateral=st.floats(0, 60), around=angle, turn=st.tuples(angle, angle, angle), shift=st.tuples(mm, mm, mm)
)
def test_depth_and_lateral_are_what_the_scene_was_built_with_in_any_orientation(depth, lateral, around, turn, shift):
    """In the needle's own frame (z along it) the answer is known; turning and moving everything must not change it."""
    rotation = Rotation.from_euler("xyz", turn, degrees=True)
    target = np.array([lateral * np.cos(np.deg2rad(around)), lateral * np.sin(np.deg2rad(around)), depth])
    axis = rotation.apply([0, 0, 1.0])
    error = TargetingError.of(np.array(shift), axis / np.linalg.norm(axis), rotation.apply(target) + shift)
    assert error.depth_mm == pytest.approx(depth, abs=1e-6)
    assert error.lateral_mm == pytest.approx(lateral, abs=1e-6)
    assert error.distance_mm == pytest.approx(np.hypot(depth, lateral), abs=1e-6)


@given(between=st.floats(0, 180), turn=st.tuples(angle, angle, angle))
def test_angle_is_that_between_axis_and_planned_path(between, turn):
    rotation = Rotation.from_euler("xyz", turn, degrees=True)
    axis = rotation.apply([0, 0, 1.0])
    path = rotation.apply([np.sin(np.deg2rad(between)), 0, np.cos(np.deg2rad(between))])
    entry = np.array([3.0, -70.0, -50.0])
    error = TargetingError.of([0, 0, 0], axis / np.linalg.norm(axis), entry + 90 * path, entry)
    assert error.angle_deg == pytest.approx(between, abs=1e-5)


def test_a_tip_that_went_past_has_negative_depth():
    error = TargetingError.of([0, 0, 10], [0, 0, 1], [3, 4, 0])
    assert (error.depth_mm, error.lateral_mm) == (-10.0, 5.0)


def test_a_tip_on_the_target_has_no_error():
    error = TargetingError.of([1, 2, 3], [0, 1, 0], [1, 2, 3])
    assert (error.distance_mm, error.lateral_mm, error.depth_mm, error.angle_deg) == (0, 0, 0, 0)


@pytest.mark.parametrize("axis", [[0, 0, 2.0], [0, 0, 0], [np.nan, 0, 1]])
def test_an_axis_that_is_not_a_unit_vector_is_refused(axis):
    with pytest.raises(InputError, match="axis"):
        TargetingError.of([0, 0, 0], axis, [1, 2, 3])


def test_the_projected_miss_is_the_distance_from_the_line_ahead():
    ahead, passed = (TargetingError.of([0, 0, 0], [0, 0, 1], [3, 0, depth]) for depth in (12, -4))
    assert ahead.projected_miss_mm == ahead.lateral_mm == 3.0
    assert passed.lateral_mm == 3.0 and passed.projected_miss_mm == passed.distance_mm == 5.0
