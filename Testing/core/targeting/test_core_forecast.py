"""What a shot would take, in scenes built from the answer and turned in space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.core_forecast import CoreForecast
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from scipy.spatial.transform import Rotation
from TemporalReconLib.errors import InputError

NEEDLE = BiopsyNeedle(throw_mm=22.0, notch_mm=18.0, dead_tip_mm=4.0)
TIP_STD_MM = 0.8
angle = st.floats(-180, 180)


def pose(tip=(0.0, 0.0, 0.0), axis=(0.0, 0.0, 1.0), has_fired=False, covariance=None, axis_covariance=None):
    return TrackedPose(
        TrackingState.TRACKED,
        needle_tip=tip,
        axis=axis,
        tip_covariance=TIP_STD_MM**2 * np.eye(3) if covariance is None else covariance,
        axis_covariance=axis_covariance,
        has_fired=has_fired,
    )


def test_the_core_lies_where_the_notch_comes_to_rest():
    assert NEEDLE.core(has_fired=False) == (0.0, 18.0)
    assert NEEDLE.core(has_fired=True) == (-22.0, -4.0)
    assert BiopsyNeedle(22.0, 19.0, 5.0).core(False) == (-2.0, 17.0)


@given(depth=st.floats(-30, 60), lateral=st.floats(0, 10), turn=st.tuples(angle, angle, angle))
@settings(max_examples=40, deadline=None)
def test_miss_and_advance_are_what_the_scene_was_built_with_in_any_orientation(depth, lateral, turn):
    rotation = Rotation.from_euler("xyz", turn, degrees=True)
    tip = np.array([12.0, -40.0, 7.0])
    axis = rotation.apply([0, 0, 1.0])
    target = Target(tip + rotation.apply([0.6 * lateral, 0.8 * lateral, depth]), radius_mm=3.0)
    forecast = CoreForecast.of(pose(tip, axis / np.linalg.norm(axis)), target, NEEDLE)
    beyond = max(-depth, depth - 18.0, 0.0)
    assert forecast.miss_mm == pytest.approx(np.hypot(lateral, beyond), abs=1e-6)
    assert forecast.advance_mm == pytest.approx(depth - 9.0, abs=1e-6)
    if abs(forecast.miss_mm - 3.0) > 1e-6:
        assert forecast.would_sample == (np.hypot(lateral, beyond) <= 3.0)


def test_after_the_advance_a_target_ahead_is_sampled_with_the_probability_of_its_sideways_miss():
    ahead = Target([1.0, 0.0, 40.0])
    forecast = CoreForecast.of(pose(), ahead, NEEDLE)
    assert not forecast.would_sample and forecast.probability < 1e-6
    assert forecast.advance_mm == pytest.approx(31.0)
    beside = CoreForecast.of(pose(tip=(0, 0, 31.0)), ahead, NEEDLE)
    assert beside.would_sample
    assert forecast.probability_after_advance == pytest.approx(beside.probability, abs=1e-6)
    assert 0.97 < beside.probability < 1.0


def test_a_fired_needle_is_judged_by_where_its_notch_is_now():
    fired = pose(tip=(0, 0, 22.0), has_fired=True)
    target = Target([0.0, 0.0, 9.0])
    before, after = (CoreForecast.of(each, target, NEEDLE) for each in (pose(), fired))
    assert before.would_sample and after.would_sample
    assert before.probability == pytest.approx(after.probability, abs=1e-9)
    assert before.advance_mm == after.advance_mm == pytest.approx(0.0)
    assert not CoreForecast.of(pose(tip=(0, 0, 22.0)), target, NEEDLE).would_sample


def test_a_shot_that_waits_for_its_second_sight_is_judged_as_fired():
    waiting = replace(pose(tip=(0, 0, 22.0)), motion=Motion.FIRING)
    target = Target([0.0, 0.0, 9.0])
    assert waiting.tip_is_fired and CoreForecast.of(waiting, target, NEEDLE).would_sample


def test_a_larger_lesion_is_sampled_more_probably():
    small, large = (CoreForecast.of(pose(), Target([4.0, 0, 9.0], radius_mm=r), NEEDLE) for r in (3.0, 6.0))
    assert not small.would_sample and large.would_sample
    assert small.probability < 0.2 < 0.9 < large.probability


@pytest.mark.parametrize("normal", [(1.0, 0.0, 0.0), (0.0, 0.6, 0.8)])
def test_no_probability_is_invented_where_the_position_through_the_plane_is_unknown(normal):
    unknown = 0.5 * np.eye(3) + 1e6 * np.outer(normal, normal)
    forecast = CoreForecast.of(pose(covariance=unknown), Target([0, 0, 9.0]), NEEDLE)
    assert forecast.probability is None and forecast.probability_after_advance is None
    assert forecast.would_sample
    slope_unknown = pose(axis_covariance=np.diag([400.0, 0.001, 0.0]))
    assert CoreForecast.of(slope_unknown, Target([0, 0, 9.0]), NEEDLE).probability is None


def test_the_probability_does_not_depend_on_the_orientation_of_the_patient():
    rotation = Rotation.from_euler("xyz", [70, -20, 140], degrees=True).as_matrix()
    tip, direction = np.diag([0.4, 1.5, 2.0]), np.diag([0.001, 0.0004, 0.0])
    straight = CoreForecast.of(pose(covariance=tip, axis_covariance=direction), Target([1, 2, 16.0]), NEEDLE)
    turned = CoreForecast.of(
        pose(
            axis=rotation @ [0, 0, 1.0],
            covariance=rotation @ tip @ rotation.T,
            axis_covariance=rotation @ direction @ rotation.T,
        ),
        Target(rotation @ [1, 2, 16.0]),
        NEEDLE,
    )
    assert turned.probability == pytest.approx(straight.probability, abs=1e-6)


def test_nothing_is_forecast_for_a_lost_instrument():
    assert CoreForecast.of(TrackedPose(TrackingState.LOST), Target([0, 0, 9.0]), NEEDLE) is None


@pytest.mark.parametrize("lengths", [(-1, 18, 4), (22, 0, 4), (22, 18, -2), (220, 18, 4), (22, float("nan"), 4)])
def test_a_needle_of_impossible_lengths_is_refused_in_one_line(lengths):
    with pytest.raises(InputError, match="biopsy needle") as caught:
        BiopsyNeedle(*lengths)
    assert "\n" not in str(caught.value)
