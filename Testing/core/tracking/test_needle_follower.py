"""The rules of tracking/rules.py for the needle: fired, pushed, hidden, pulled back, mistaken."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.rules import PREDICTION_MS, WITHDRAWN_MS, WITHDRAWN_PICTURES
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from made_up_poses import AXIS, INTERVALS_S, Course

every_pace = pytest.mark.parametrize("interval_s", INTERVALS_S)


@every_pace
@pytest.mark.parametrize("throw_mm", [18.0, 20.0, 22.0, 25.0])
def test_a_fired_needle_is_followed_within_two_frames_and_then_rests(interval_s, throw_mm):
    course = Course(interval_s)
    before = course.rest(needle_mm=12)
    assert not before.has_fired
    first = course.see(needle_mm=12 + throw_mm)
    assert first.state is TrackingState.PREDICTED and first.confidence < 0.5 and not first.has_fired
    np.testing.assert_allclose(first.needle_tip, (12 + throw_mm) * AXIS, atol=0.5)
    second = course.see(needle_mm=12 + throw_mm)
    assert second.state is TrackingState.TRACKED and second.motion is Motion.FIRING and second.has_fired
    np.testing.assert_allclose(second.needle_tip, (12 + throw_mm) * AXIS, atol=0.5)
    for _ in range(5):
        after = course.see(needle_mm=12 + throw_mm)
        np.testing.assert_allclose(after.needle_tip, (12 + throw_mm) * AXIS, atol=0.5)
        np.testing.assert_allclose(after.guide_tip, 0, atol=0.5)
        assert after.state is TrackingState.TRACKED and after.has_fired


@every_pace
def test_a_needle_fired_while_it_is_pushed_is_followed_too(interval_s):
    course = Course(interval_s)
    for frame in range(round(1.5 / interval_s)):
        course.see(needle_mm=6 + 4 * frame * interval_s)
    depth = 6 + 4 * frame * interval_s + 20
    course.see(needle_mm=depth)
    second = course.see(needle_mm=depth)
    assert second.state is TrackingState.TRACKED
    np.testing.assert_allclose(second.needle_tip, depth * AXIS, atol=0.5)


@every_pace
@pytest.mark.parametrize("where", [{"needle_mm": 12, "aside_mm": 9}, {"needle_mm": 20, "aside_mm": 30}])
def test_a_needle_that_jumps_sideways_is_not_believed_however_often(interval_s, where):
    course = Course(interval_s)
    course.rest(needle_mm=12)
    elapsed_ms = 1000 * interval_s
    while elapsed_ms <= PREDICTION_MS:
        mistaken = course.see(**where)
        assert mistaken.state is TrackingState.PREDICTED and mistaken.confidence < 0.5
        np.testing.assert_allclose(mistaken.needle_tip, 12 * AXIS, atol=1.0)
        elapsed_ms += 1000 * interval_s


@every_pace
def test_no_gun_throws_forty_millimeters(interval_s):
    course = Course(interval_s)
    course.rest(needle_mm=8)
    for _ in range(int(PREDICTION_MS / 1000 / interval_s)):
        far = course.see(needle_mm=48)
        assert far.state is TrackingState.PREDICTED
        np.testing.assert_allclose(far.needle_tip, 8 * AXIS, atol=1.0)


@pytest.mark.parametrize("guide_is_hidden", [False, True])
@pytest.mark.parametrize("interval_s", INTERVALS_S[:2])
def test_a_shot_that_one_picture_does_not_show_is_not_shown_at_its_old_place(interval_s, guide_is_hidden):
    course = Course(interval_s)
    course.rest(needle_mm=12)
    shot = course.see(needle_mm=32)
    hidden = course.see_nothing() if guide_is_hidden else course.see()
    assert hidden.state is TrackingState.PREDICTED and hidden.motion is Motion.FIRING and not hidden.has_fired
    assert hidden.confidence < shot.confidence
    np.testing.assert_allclose(hidden.needle_tip, 32 * AXIS, atol=0.5)
    again = course.see(needle_mm=32)
    assert again.state is TrackingState.TRACKED and again.has_fired
    np.testing.assert_allclose(again.needle_tip, 32 * AXIS, atol=0.5)


def test_a_shot_that_two_pictures_do_not_show_was_none():
    course = Course()
    course.rest(needle_mm=12)
    course.see(needle_mm=32)
    course.see()
    unseen = course.see()
    assert unseen.state is TrackingState.PREDICTED and not unseen.has_fired
    np.testing.assert_allclose(unseen.needle_tip, 12 * AXIS, atol=1.0)


@pytest.mark.parametrize("depth_mm", [30, 34, 50])
def test_one_picture_with_a_longer_void_is_never_called_tracked_and_does_not_last(depth_mm):
    course = Course()
    course.rest(needle_mm=12)
    longer = course.see(needle_mm=depth_mm)
    assert longer.state is TrackingState.PREDICTED and longer.confidence < 0.5
    back = course.see(needle_mm=12)
    assert back.state is TrackingState.TRACKED and not back.has_fired
    np.testing.assert_allclose(back.needle_tip, 12 * AXIS, atol=0.5)


def test_an_appearing_needle_is_reported_with_its_second_sight():
    course = Course()
    course.rest()
    first = course.see(needle_mm=9)
    assert first.needle_tip is None and first.state is TrackingState.TRACKED
    grown = course.see(needle_mm=11)
    assert grown.state is TrackingState.TRACKED and grown.needle_tip is not None


@pytest.mark.parametrize(("confidences", "is_reported"), [((0.5, 0.6), False), ((0.6, 0.6), True), ((0.5, 0.7), True)])
def test_two_doubtful_sights_of_a_new_needle_are_none(confidences, is_reported):
    course = Course()
    course.rest()
    for confidence in confidences:
        seen = course.see(needle_mm=20, confidence=confidence)
    assert (seen.needle_tip is not None) == is_reported
    assert seen.state is TrackingState.TRACKED


def test_a_doubtful_new_needle_is_no_doubt_about_the_guide_that_is_reported():
    course = Course()
    course.rest(guide_confidence=0.95)
    waiting = course.see(needle_mm=20, confidence=0.6, guide_confidence=0.95)
    assert waiting.needle_tip is None and waiting.confidence > 0.9
    reported = course.see(needle_mm=20, confidence=0.6, guide_confidence=0.95)
    assert reported.needle_tip is not None and reported.confidence <= 0.6


def test_a_new_needle_is_not_believed_while_its_guide_is_pushed():
    course = Course()
    course.rest()
    for frame in range(1, 6):
        pushed = course.see(tip=4.0 * frame * AXIS, needle_mm=20)
        assert pushed.state is TrackingState.TRACKED and pushed.needle_tip is None
    sights = [course.see(tip=20.0 * AXIS, needle_mm=20).needle_tip is not None for _ in range(4)]
    # The guide comes to rest, the needle is seen, and seen again.
    assert sights[-1] and sights == sorted(sights) and not sights[0]


def test_a_needle_that_is_followed_may_move_with_its_guide():
    course = Course()
    course.rest(needle_mm=20)
    for frame in range(1, 6):
        assert course.see(tip=4.0 * frame * AXIS, needle_mm=20).needle_tip is not None


def test_a_needle_in_one_frame_only_is_never_reported():
    course = Course()
    course.rest()
    assert course.see(needle_mm=35).needle_tip is None
    assert course.see().needle_tip is None


@every_pace
def test_a_needle_that_is_not_seen_is_predicted_then_lost_and_counts_as_drawn_in_after_two_seconds(interval_s):
    course = Course(interval_s)
    course.rest(needle_mm=20)
    for frame in range(1, 90):
        tracked = course.see()
        unseen_ms = 1000 * interval_s * frame
        if unseen_ms <= PREDICTION_MS:
            assert tracked.state is TrackingState.PREDICTED and tracked.needle_tip is not None
        elif unseen_ms < WITHDRAWN_MS or frame < WITHDRAWN_PICTURES:
            assert tracked.state is TrackingState.LOST
            assert tracked.needle_tip is None and tracked.guide_tip is None and tracked.confidence == 0
        else:
            assert tracked.state is TrackingState.TRACKED and tracked.needle_tip is None


@every_pace
def test_a_fired_needle_that_pictures_show_late_is_never_mistaken_for_the_guide_tip(interval_s):
    """The guide's tip 30 mm short of the needle's would say that the core misses."""
    course = Course(interval_s)
    course.rest(needle_mm=12)
    for _ in range(2):
        course.see(needle_mm=32)
    for _ in range(int(1.5 / interval_s)):
        hidden = course.see()
        assert hidden.state is not TrackingState.TRACKED
    course.see(needle_mm=32)
    again = course.see(needle_mm=32)
    assert again.state is TrackingState.TRACKED and again.has_fired
    np.testing.assert_allclose(again.needle_tip, 32 * AXIS, atol=0.7)


def test_doubted_pictures_never_say_that_a_needle_was_drawn_in():
    course = Course()
    course.rest(needle_mm=20)
    for _ in range(40):
        tracked = course.see(is_reliable=False)
    assert tracked.state is TrackingState.LOST
    assert course.rest(frames=12).state is TrackingState.TRACKED


@every_pace
def test_a_needle_out_of_sight_stays_lost_while_its_guide_is_hidden_too(interval_s):
    course = Course(interval_s)
    course.rest(needle_mm=20)
    for _ in range(int(0.6 / interval_s) + 1):
        course.see()
    elapsed_s = interval_s * (int(0.6 / interval_s) + 1)
    for _ in range(2):
        elapsed_s += interval_s
        hidden = course.see_nothing()
        if 1000 * elapsed_s > PREDICTION_MS:
            assert hidden.state is TrackingState.LOST and hidden.needle_tip is None


@every_pace
def test_a_needle_that_is_not_seen_moves_with_its_guide(interval_s):
    course = Course(interval_s)
    frames = round(2.0 / interval_s)
    for frame in range(frames):
        course.see(10 * frame * interval_s * AXIS, needle_mm=20)
    for frame in range(frames, frames + int(PREDICTION_MS / 1000 / interval_s)):
        tip = 10 * frame * interval_s * AXIS
        hidden = course.see(tip)
        assert hidden.state is TrackingState.PREDICTED
        np.testing.assert_allclose(hidden.needle_tip, tip + 20 * AXIS, atol=0.7)


@every_pace
def test_a_needle_drawn_into_its_guide_gives_way_to_the_guide_tip_at_once(interval_s):
    """It was about to disappear: nothing is missing, so nothing is predicted."""
    course = Course(interval_s)
    depth = 16.0
    while depth > 8.5:
        course.see(needle_mm=depth)
        depth -= 8 * interval_s
    inside = course.see()
    assert inside.state is TrackingState.TRACKED and inside.needle_tip is None
    np.testing.assert_allclose(inside.tip, inside.guide_tip)


@every_pace
def test_a_fired_needle_that_is_pulled_back_is_followed_and_ready_again(interval_s):
    course = Course(interval_s)
    course.rest(needle_mm=12)
    course.rest(needle_mm=32)
    back = course.see(needle_mm=10)
    assert back.state is TrackingState.PREDICTED and back.has_fired
    np.testing.assert_allclose(back.needle_tip, 32 * AXIS, atol=0.7)
    pulled = course.rest(frames=2, needle_mm=10)
    assert pulled.state is TrackingState.TRACKED and not pulled.has_fired
    np.testing.assert_allclose(pulled.needle_tip, 10 * AXIS, atol=0.7)


def test_a_needle_jump_never_moves_the_guide():
    course = Course()
    course.rest(needle_mm=12)
    for _ in range(3):
        tracked = course.see(needle_mm=32)
        np.testing.assert_allclose(tracked.guide_tip, 0, atol=0.1)


@every_pace
def test_a_void_that_ends_with_the_cap_is_no_needle(interval_s):
    """The cap reaches 5 mm beyond the guide tip: a needle that was taken for one, or drawn in, is not out any more."""
    course = Course(interval_s)
    assert course.rest(needle_mm=5.0).needle_tip is None
    course = Course(interval_s)
    for depth_mm in np.arange(12.0, 4.0, -0.5):
        tracked = course.see(needle_mm=float(depth_mm))
        assert tracked.state is TrackingState.TRACKED
        assert (tracked.needle_tip is not None) == (depth_mm >= 7.0) or 5.5 < depth_mm < 7.5
    assert tracked.needle_tip is None and not tracked.has_fired
