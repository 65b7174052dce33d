"""The rules of tracking/rules.py for the guide, on courses made up here, at 36 to 730 ms per frame."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.rules import CONVINCING_MS, PREDICTION_MS, WITHDRAWN_MS
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from InstrumentTrackerLib.tracking.tracker import Tracker
from made_up_poses import ACROSS, AXIS, INTERVALS_S, Course, turned

every_pace = pytest.mark.parametrize("interval_s", INTERVALS_S)
LOOK_ALIKE = 25 * ACROSS


def test_nothing_seen_is_absent_without_numbers():
    tracked = Course().see_nothing()
    assert tracked.state is TrackingState.ABSENT
    assert tracked.tip is None and tracked.axis is None and tracked.confidence == 0


def test_a_sure_first_sight_is_tracked_at_once_and_so_is_the_needle_of_a_first_picture():
    tracked = Course().see((1, 2, 3), needle_mm=20)
    assert tracked.state is TrackingState.TRACKED and tracked.confidence == pytest.approx(0.95)
    np.testing.assert_allclose(tracked.guide_tip, [1, 2, 3], atol=1e-9)
    np.testing.assert_allclose(tracked.needle_tip, np.array([1, 2, 3]) + 20 * AXIS, atol=1e-9)


def test_low_confidence_carries_no_numbers():
    tracked = Course().see(confidence=0.3)
    assert tracked.state is TrackingState.ABSENT and tracked.tip is None


@every_pace
def test_prediction_lasts_a_time_and_not_a_number_of_frames(interval_s):
    course = Course(interval_s)
    course.rest()
    for missed in range(1, 40):
        state = course.see_nothing().state
        elapsed_ms = 1000 * missed * interval_s
        assert (state is TrackingState.PREDICTED) == (elapsed_ms <= PREDICTION_MS)
        if state is not TrackingState.PREDICTED:
            break
    assert state is TrackingState.LOST


def test_the_slowest_protocol_may_miss_one_frame_and_the_fastest_twenty_two():
    for interval_s, expected in ((0.73, 1), (0.036, 22)):
        course = Course(interval_s)
        course.rest()
        states = [course.see_nothing().state for _ in range(30)]
        assert states.count(TrackingState.PREDICTED) == expected


@every_pace
def test_a_withdrawn_instrument_is_lost_and_then_absent(interval_s):
    course = Course(interval_s)
    course.rest()
    states = [course.see_nothing().state for _ in range(round(3.0 / interval_s))]
    absent_from = states.index(TrackingState.ABSENT)
    assert WITHDRAWN_MS <= 1000 * interval_s * (absent_from + 1) < WITHDRAWN_MS + 1000 * interval_s
    assert set(states[absent_from:]) == {TrackingState.ABSENT}
    assert TrackingState.LOST in states[:absent_from]


@every_pace
def test_a_guide_that_the_samples_miss_twice_is_lost_at_once_and_a_single_mistake_is_bridged(interval_s):
    course = Course(interval_s)
    course.rest()
    assert course.miss().state is TrackingState.PREDICTED
    assert course.see().state is TrackingState.TRACKED
    assert course.miss().state is TrackingState.PREDICTED
    lost = course.miss()
    assert lost.state is TrackingState.LOST and lost.tip is None
    assert [course.see().state for _ in range(3)][-1] is TrackingState.TRACKED, "it may come back"


@every_pace
def test_pictures_that_cannot_be_believed_lose_the_instrument_but_never_make_it_absent(interval_s):
    course = Course(interval_s)
    course.rest()
    states = {course.see_nothing(0.0, is_reliable=False).state for _ in range(round(10 / interval_s))}
    assert states == {TrackingState.PREDICTED, TrackingState.LOST}
    assert Course().see_nothing(0.0, is_reliable=False).state is TrackingState.LOST


@pytest.mark.parametrize(("confidence", "first"), [(0.85, TrackingState.LOST), (0.95, TrackingState.TRACKED)])
def test_in_a_doubted_picture_a_sure_sight_is_enough_and_of_others_two(confidence, first):
    course = Course()
    course.rest()
    states = []
    for index in (50, 51):
        pose = InstrumentPose([25.0, 0, 0], None, AXIS, confidence, index=index, time_s=100 + index * 0.22)
        states.append(course.tracker.update(pose, is_reliable=False).state)
    assert states == [first, TrackingState.TRACKED]


@every_pace
def test_a_jump_to_a_look_alike_is_not_followed_and_the_old_place_is_called_predicted(interval_s):
    course = Course(interval_s)
    course.rest(needle_mm=15)
    away = course.see(LOOK_ALIKE, needle_mm=15)
    assert away.state is TrackingState.PREDICTED and away.confidence < 0.5
    assert np.linalg.norm(away.guide_tip) < 1.0
    back = course.see(needle_mm=15)
    assert back.state is TrackingState.TRACKED
    np.testing.assert_allclose(back.tip, 15 * AXIS, atol=1.0)


@every_pace
def test_a_look_alike_is_followed_only_if_it_persists_for_three_pictures_and_a_third_of_a_second(interval_s):
    course = Course(interval_s)
    course.rest()
    seen = 0
    while (away := course.see(LOOK_ALIKE)).state is not TrackingState.TRACKED:
        seen += 1
        assert away.guide_tip is None or np.linalg.norm(away.guide_tip) < 1.0
    assert seen >= 2 and 1000 * seen * interval_s >= CONVINCING_MS
    np.testing.assert_allclose(away.guide_tip, LOOK_ALIKE, atol=0.5)


@every_pace
def test_look_alikes_in_changing_places_are_never_followed(interval_s):
    course = Course(interval_s)
    course.rest()
    for frame in range(int(PREDICTION_MS / 1000 / interval_s)):
        away = course.see(LOOK_ALIKE if frame % 2 else -LOOK_ALIKE)
        assert away.state is TrackingState.PREDICTED and np.linalg.norm(away.guide_tip) < 1.0


@every_pace
@pytest.mark.parametrize("missed_ms", [200, 500, 750])
def test_a_look_alike_is_not_followed_after_missed_pictures_either(interval_s, missed_ms):
    course = Course(interval_s)
    course.rest()
    for _ in range(int(missed_ms / 1000 / interval_s)):
        course.see_nothing()
    away = course.see(LOOK_ALIKE)
    assert away.state is not TrackingState.TRACKED
    back = course.see()
    assert back.state is TrackingState.TRACKED
    np.testing.assert_allclose(back.guide_tip, 0, atol=0.5)


@every_pace
def test_an_instrument_that_really_moved_while_it_was_lost_is_found_with_its_third_sight(interval_s):
    course = Course(interval_s)
    course.rest()
    while course.see_nothing().state is not TrackingState.LOST:
        pass
    states = [course.see(LOOK_ALIKE).state for _ in range(3)]
    assert states == [TrackingState.LOST, TrackingState.LOST, TrackingState.TRACKED]


@every_pace
def test_a_lost_instrument_is_tracked_again_at_once_where_it_was(interval_s):
    course = Course(interval_s)
    course.rest()
    while course.see_nothing().state is not TrackingState.LOST:
        pass
    assert course.see(2 * AXIS).state is TrackingState.TRACKED


def test_a_doubtful_sight_of_a_lost_instrument_waits_for_a_second_one():
    course = Course()
    course.rest()
    while course.see_nothing().state is not TrackingState.LOST:
        pass
    assert course.see(confidence=0.7).state is TrackingState.LOST
    assert course.see(confidence=0.7).state is TrackingState.TRACKED


def test_what_may_be_a_look_alike_is_none_however_often_it_is_seen():
    course = Course()
    assert {course.see(confidence=0.6).state for _ in range(30)} == {TrackingState.ABSENT}


def test_an_axis_that_flips_for_one_frame_is_not_followed():
    course = Course()
    course.rest()
    flipped = course.see(axis=np.array([0.0, -1.0, 0.0]))
    assert flipped.state is TrackingState.PREDICTED
    np.testing.assert_allclose(flipped.axis, AXIS, atol=1e-6)


def test_missing_frames_count_as_time():
    course = Course()
    course.rest()
    course.index += 5
    assert course.see_nothing().state is TrackingState.LOST


def test_after_a_long_pause_the_instrument_may_be_anywhere():
    course = Course()
    course.rest()
    course.index += 20
    assert course.see(LOOK_ALIKE, confidence=0.7).state is TrackingState.LOST
    assert course.see(LOOK_ALIKE, confidence=0.7).state is TrackingState.TRACKED


def test_pictures_seconds_apart_each_stand_for_themselves():
    tracker = Tracker()
    for index in range(4):
        moved = 5.0 * index * ACROSS
        pose = InstrumentPose(moved, axis=AXIS, confidence=0.95, index=index, time_s=3.5 * index)
        tracked = tracker.update(pose)
        assert tracked.state is TrackingState.TRACKED
        np.testing.assert_allclose(tracked.guide_tip, moved, atol=1e-6)


def test_reset_forgets_the_past():
    course = Course()
    course.rest()
    course.tracker.reset()
    assert course.see_nothing().state is TrackingState.ABSENT


def test_an_index_that_steps_back_begins_a_new_series():
    course = Course()
    course.rest()
    course.index = -1
    assert course.see_nothing().state is TrackingState.ABSENT


@pytest.mark.parametrize("times", [[0.0] * 6, [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]])
def test_useless_times_do_not_harm(times):
    tracker = Tracker()
    for index, time_s in enumerate(times):
        tracked = tracker.update(InstrumentPose([0, 0, 0.5 * index], None, AXIS, 0.95, index=index, time_s=time_s))
    assert tracked.state is TrackingState.TRACKED
    assert np.linalg.norm(tracked.guide_tip - [0, 0, 2.5]) < 1.0
    assert np.all(np.isfinite(tracked.tip_covariance))


@every_pace
def test_a_guide_that_is_withdrawn_slowly_is_followed_out_of_the_picture_and_then_absent(interval_s):
    course = Course(interval_s)
    for frame in range(round(3.0 / interval_s)):
        out = course.see(-10.0 * frame * interval_s * AXIS)
        assert out.state is TrackingState.TRACKED
    assert out.motion is Motion.SLIDE
    leaving = course.see_nothing()
    assert leaving.state is TrackingState.PREDICTED
    expected = -10.0 * (frame + 1) * interval_s * AXIS
    np.testing.assert_allclose(leaving.guide_tip, expected, atol=1.0)
    assert [course.see_nothing() for _ in range(round(2.5 / interval_s))][-1].state is TrackingState.ABSENT


@every_pace
def test_a_prediction_comes_to_rest_because_hands_do(interval_s):
    course = Course(interval_s)
    for frame in range(round(3.0 / interval_s)):
        course.see(20.0 * frame * interval_s * AXIS)
    last = 20.0 * frame * interval_s
    while (tracked := course.see_nothing()).state is TrackingState.PREDICTED:
        assert tracked.guide_tip @ AXIS - last < 20.0 * (interval_s + 0.3) + 1.0


@every_pace
def test_confidence_falls_while_nothing_is_measured_and_is_gone_with_the_numbers(interval_s):
    course = Course(interval_s)
    before = course.rest().confidence
    assert before == pytest.approx(0.95, abs=0.01)
    while (tracked := course.see_nothing()).state is TrackingState.PREDICTED:
        assert 0 <= tracked.confidence < before
        before = tracked.confidence
    assert tracked.confidence == 0


def test_a_measurement_at_the_border_of_what_fits_is_worth_less_than_one_that_is_expected():
    course = Course()
    expected = course.rest().confidence
    for offset_mm in np.arange(1.0, 20.0):
        probe = Course()
        probe.rest()
        tracked = probe.see(offset_mm * ACROSS)
        if tracked.state is not TrackingState.TRACKED:
            break
        assert tracked.confidence <= expected
        last = tracked.confidence
    assert 0.45 < last < 0.7


@pytest.mark.parametrize(
    ("motion", "tip", "needle_mm", "degrees"),
    [
        (Motion.STILL, 0.0, 15.0, 0.0),
        (Motion.SLIDE, 12.0, 15.0, 0.0),
        (Motion.PIVOT, 0.0, 15.0, 12.0),
        (Motion.ADVANCE, 0.0, 12.0, 0.0),
    ],
)
def test_a_motion_is_named_by_what_the_hand_does(motion, tip, needle_mm, degrees):
    """Speeds in mm/s and deg/s over two seconds; the needle is pushed only in the last case."""
    course = Course(0.1)
    for frame in range(20):
        seconds = 0.1 * frame
        depth = 10 + needle_mm * seconds if motion is Motion.ADVANCE else needle_mm
        tracked = course.see(tip * seconds * AXIS, depth, turned(degrees * seconds))
    assert tracked.motion is motion


def test_a_tip_of_which_only_one_direction_is_known_is_no_tip():
    covariance = np.diag([0.3, 1e6, 1e6])
    assert Course().see(covariance=covariance).state is TrackingState.ABSENT


def test_a_localizer_without_covariance_is_accepted():
    assert Course().see(covariance=None).state is TrackingState.TRACKED
