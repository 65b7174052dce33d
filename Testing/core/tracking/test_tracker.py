"""The tracker on poses made up here: motion, outliers, gaps, a firing, and what is said about them."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from InstrumentTrackerLib.tracking.tracker import Tracker

INTERVAL_S = 0.22
AXIS = np.array([0.1, 0.6, 0.79])
AXIS = AXIS / np.linalg.norm(AXIS)
COVARIANCE = np.eye(3) * 0.6**2


def pose(index, tip=(0.0, 0.0, 0.0), needle_mm=None, axis=AXIS, confidence=0.95, time_s=None, covariance=COVARIANCE):
    tip = np.asarray(tip, dtype=float)
    return InstrumentPose(
        guide_tip=tip,
        needle_tip=None if needle_mm is None else tip + needle_mm * axis,
        axis=axis,
        confidence=confidence,
        guide_tip_covariance=covariance,
        needle_tip_covariance=None if needle_mm is None else covariance,
        index=index,
        time_s=100 + index * INTERVAL_S if time_s is None else time_s,
    )


def nothing(index, confidence=0.05):
    return InstrumentPose(confidence=confidence, index=index, time_s=100 + index * INTERVAL_S)


def states(tracker, poses):
    return [tracker.update(each).state.value for each in poses]


def test_nothing_seen_is_absent_without_numbers():
    tracked = Tracker().update(nothing(0))
    assert tracked.state is TrackingState.ABSENT
    assert tracked.tip is None and tracked.axis is None


def test_a_sure_first_sight_is_tracked_at_once():
    tracked = Tracker().update(pose(0, (1, 2, 3), 20))
    assert tracked.state is TrackingState.TRACKED
    np.testing.assert_allclose(tracked.guide_tip, [1, 2, 3])
    np.testing.assert_allclose(tracked.needle_tip, np.array([1, 2, 3]) + 20 * AXIS)


def test_a_doubtful_first_sight_waits_for_a_second_one_that_agrees():
    assert states(Tracker(), [pose(0, confidence=0.6), pose(1, (1, 0, 0), confidence=0.6)]) == ["absent", "tracked"]
    assert states(Tracker(), [pose(0, confidence=0.6), pose(1, (30, 0, 0), confidence=0.6)]) == ["absent", "absent"]


def test_low_confidence_carries_no_numbers():
    tracked = Tracker().update(pose(0, confidence=0.3))
    assert tracked.state is TrackingState.ABSENT and tracked.tip is None


def test_noise_is_reduced_while_the_guide_rests():
    rng = np.random.default_rng(0)
    raw, filtered = [], []
    tracker = Tracker()
    for index in range(200):
        noise = rng.normal(0, 0.6, 3)
        tracked = tracker.update(pose(index, noise))
        raw.append(np.linalg.norm(noise))
        filtered.append(np.linalg.norm(tracked.guide_tip))
    assert np.mean(filtered[10:]) < 0.95 * np.mean(raw[10:])


def test_a_moving_guide_is_followed_with_little_lag():
    tracker = Tracker()
    speed_mm_s = 15.0
    for index in range(12):
        at = speed_mm_s * index * INTERVAL_S * AXIS
        tracked = tracker.update(pose(index, at))
        assert tracked.state is TrackingState.TRACKED
    assert np.linalg.norm(tracked.guide_tip - at) < 0.8


def test_a_lost_instrument_is_predicted_shortly_then_lost_then_absent():
    tracker = Tracker()
    for index in range(4):
        tracker.update(pose(index))
    result = states(tracker, [nothing(index) for index in range(4, 16)])
    assert result == ["predicted"] * 3 + ["lost"] * 6 + ["absent"] * 3


def test_prediction_ends_by_time_when_frames_are_slow():
    tracker = Tracker()
    tracker.update(pose(0, time_s=0.0))
    tracker.update(pose(1, time_s=0.5))
    assert tracker.update(InstrumentPose(index=2, time_s=1.0)).state is TrackingState.PREDICTED
    assert tracker.update(InstrumentPose(index=3, time_s=1.5)).state is TrackingState.LOST


def test_missing_frames_count_as_missed():
    tracker = Tracker()
    tracker.update(pose(0))
    assert tracker.update(nothing(5)).state is TrackingState.LOST


def test_one_outlier_is_not_followed():
    tracker = Tracker()
    for index in range(5):
        tracker.update(pose(index, needle_mm=15))
    outlier = tracker.update(pose(5, (25, 0, 0), needle_mm=15))
    assert outlier.state is TrackingState.PREDICTED
    assert np.linalg.norm(outlier.guide_tip) < 1.0
    after = tracker.update(pose(6, needle_mm=15))
    assert after.state is TrackingState.TRACKED
    assert np.linalg.norm(after.guide_tip) < 1.0


def test_an_axis_that_flips_for_one_frame_is_not_followed():
    tracker = Tracker()
    for index in range(5):
        tracker.update(pose(index))
    flipped = tracker.update(pose(5, axis=np.array([0.0, -1.0, 0.0])))
    assert flipped.state is TrackingState.PREDICTED
    np.testing.assert_allclose(flipped.axis, AXIS, atol=1e-6)


def test_a_guide_that_really_jumped_is_taken_on_its_second_sight():
    tracker = Tracker()
    for index in range(5):
        tracker.update(pose(index))
    tracker.update(pose(5, (25, 0, 0)))
    second = tracker.update(pose(6, (25.5, 0, 0)))
    assert second.state is TrackingState.TRACKED
    assert np.linalg.norm(second.guide_tip - [25.5, 0, 0]) < 1.0


def test_a_fired_needle_is_followed_within_two_frames_and_the_guide_never_lost():
    tracker = Tracker()
    for index in range(6):
        tracker.update(pose(index, needle_mm=12))
    first = tracker.update(pose(6, needle_mm=32))
    assert first.state is TrackingState.PREDICTED
    second = tracker.update(pose(7, needle_mm=32))
    assert second.state is TrackingState.TRACKED
    np.testing.assert_allclose(second.needle_tip, 32 * AXIS, atol=0.5)
    np.testing.assert_allclose(second.guide_tip, 0, atol=0.5)


def test_an_appearing_needle_is_reported_on_its_second_sight_and_a_withdrawn_one_gives_way_to_the_guide_tip():
    tracker = Tracker()
    tracker.update(pose(0))
    assert tracker.update(pose(1)).needle_tip is None
    assert tracker.update(pose(2, needle_mm=9)).needle_tip is None
    grown = tracker.update(pose(3, needle_mm=11))
    assert grown.state is TrackingState.TRACKED and grown.needle_tip is not None
    gone = [tracker.update(pose(index)) for index in range(4, 8)]
    assert [each.state.value for each in gone] == ["predicted", "predicted", "tracked", "tracked"]
    assert gone[-1].needle_tip is None
    np.testing.assert_allclose(gone[-1].tip, gone[-1].guide_tip)


def test_a_needle_in_one_frame_only_is_never_reported():
    tracker = Tracker()
    for index in range(4):
        tracker.update(pose(index))
    once = tracker.update(pose(4, needle_mm=35))
    assert once.needle_tip is None
    assert tracker.update(pose(5)).needle_tip is None


def test_reset_forgets_the_past():
    tracker = Tracker()
    tracker.update(pose(0))
    tracker.reset()
    assert tracker.update(nothing(1)).state is TrackingState.ABSENT


def test_an_index_that_steps_back_begins_a_new_series():
    tracker = Tracker()
    for index in range(5):
        tracker.update(pose(index))
    assert tracker.update(nothing(0)).state is TrackingState.ABSENT


@pytest.mark.parametrize("times", [[0.0] * 6, [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]])
def test_useless_times_do_not_harm(times):
    tracker = Tracker()
    for index, time_s in enumerate(times):
        tracked = tracker.update(pose(index, (0, 0, 0.5 * index), time_s=time_s))
    assert tracked.state is TrackingState.TRACKED
    assert np.linalg.norm(tracked.guide_tip - [0, 0, 2.5]) < 1.0
    assert np.all(np.isfinite(tracked.tip_covariance))


def test_an_unknown_direction_stays_unknown_and_does_not_spread():
    normal = np.array([0.0, 0.6, -0.8])
    unknown = 0.5**2 * np.eye(3) + 1e6 * np.outer(normal, normal)
    tracker = Tracker()
    for index in range(10):
        tracked = tracker.update(pose(index, covariance=unknown))
    in_plane = np.array([1.0, 0, 0])
    assert in_plane @ tracked.tip_covariance @ in_plane < 1.0
    assert normal @ tracked.tip_covariance @ normal > 1e3


def test_a_localizer_without_covariance_is_accepted():
    tracked = Tracker().update(pose(0, covariance=None))
    assert tracked.state is TrackingState.TRACKED
