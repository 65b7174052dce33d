"""What one sight of an instrument is worth."""

from dataclasses import replace

import pytest
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.tracking.tracker import Tracker


def sight(index, confidence, offset_mm=0.0, ahead_mm=0.0):
    tip = [10.0, -20.0 + offset_mm + 0.6 * ahead_mm, 5.0 + 0.8 * ahead_mm]
    return InstrumentPose(tip, None, [0.0, 0.6, 0.8], confidence, index=index, time_s=0.2 * index)


def nothing(index):
    return InstrumentPose(confidence=0.1, index=index, time_s=0.2 * index)


def states(*poses):
    tracker = Tracker()
    return [tracker.update(pose).state.value for pose in poses]


def test_a_single_frame_with_a_sure_sight_is_tracked():
    assert states(sight(0, 0.95)) == ["tracked"]


def test_a_single_frame_with_a_doubtful_sight_carries_no_number():
    assert states(sight(0, 0.7)) == ["absent"]


def test_two_doubtful_sights_that_agree_are_tracked_and_two_that_do_not_are_not():
    assert states(sight(0, 0.7), sight(1, 0.7, 3.0)) == ["absent", "tracked"]
    assert states(sight(0, 0.7), sight(1, 0.7, 30.0)) == ["absent", "absent"]


@pytest.mark.parametrize(("first", "second"), [(0.85, 0.4), (0.4, 0.85)])
def test_a_strong_sight_makes_up_for_a_weak_one(first, second):
    assert states(sight(0, first), sight(1, second)) == ["absent", "tracked"]
    assert states(sight(0, first), sight(1, second, 30.0)) == ["absent", "absent"]


def test_weak_sights_alone_never_add_up():
    """What resembles an instrument stays where it is, picture after picture."""
    assert set(states(*(sight(index, 0.45) for index in range(20)))) == {"absent"}
    assert states(sight(0, 0.6), sight(1, 0.35)) == ["absent", "absent"]


def test_what_enters_agrees_ahead_on_its_line_and_nowhere_else():
    assert states(sight(0, 0.7), sight(1, 0.7, ahead_mm=15.0)) == ["absent", "tracked"]
    assert states(sight(0, 0.7), sight(1, 0.7, ahead_mm=-15.0)) == ["absent", "absent"]
    assert states(sight(0, 0.7), sight(1, 0.7, offset_mm=15.0)) == ["absent", "absent"]
    assert states(sight(0, 0.7), sight(1, 0.7, ahead_mm=40.0)) == ["absent", "absent"]


def test_pictures_that_show_nothing_may_lie_between_two_sights_for_half_a_second():
    assert states(sight(0, 0.7), nothing(1), nothing(2), sight(3, 0.7, ahead_mm=15.0))[-1] == "tracked"
    assert states(sight(0, 0.7), nothing(1), nothing(2), nothing(3), sight(4, 0.7))[-1] == "absent"
    assert states(sight(0, 0.7), nothing(1), sight(2, 0.7, 30.0))[-1] == "absent"


def test_what_no_picture_shows_takes_three_sights_in_the_samples_or_one_in_a_picture():
    def unshown(index, offset_mm=0.0):
        return replace(sight(index, 0.8, offset_mm), is_unshown=True)

    assert states(unshown(0), unshown(1), unshown(2)) == ["absent", "absent", "tracked"]
    assert states(unshown(0), unshown(1, 30.0), unshown(2, 30.0)) == ["absent", "absent", "absent"]
    assert states(unshown(0), sight(1, 0.7)) == ["absent", "tracked"]
    assert states(sight(0, 0.7), unshown(1)) == ["absent", "tracked"]


@pytest.mark.parametrize("confidence", [0.95, 1.0])
def test_nothing_is_predicted_from_one_sight(confidence):
    """A look-alike in one slice must not go on as a needle in the next."""
    assert states(nothing(0), sight(1, confidence), nothing(2)) == ["absent", "tracked", "lost"]


def test_after_two_sights_a_short_loss_is_bridged():
    assert states(sight(0, 0.95), sight(1, 0.95), nothing(2)) == ["tracked", "tracked", "predicted"]
