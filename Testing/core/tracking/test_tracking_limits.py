"""The corners of the tracker's rules: no time, no place, too far for a hand, and a needle that is not believed."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.instrument_pose import MIN_CONFIDENCE, InstrumentPose
from InstrumentTrackerLib.tracking.acquisition import Acquisition
from InstrumentTrackerLib.tracking.guide_filter import GuideFilter
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from InstrumentTrackerLib.tracking.tracker import Tracker
from made_up_poses import ACROSS, AXIS, COVARIANCE, Course
from TemporalReconLib.errors import InputError

TIP = np.array([1.0, 2.0, 3.0])


def pose(index: int, time_s: float, **changes: object) -> InstrumentPose:
    known: dict[str, object] = {
        "guide_tip": TIP,
        "axis": AXIS,
        "confidence": 0.95,
        "guide_tip_covariance": COVARIANCE,
    }
    return InstrumentPose(index=index, time_s=time_s, **{**known, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [TrackingState.LOST, TrackingState.ABSENT])
@pytest.mark.parametrize("field", ["guide_tip", "needle_tip", "axis"])
def test_what_is_lost_or_absent_cannot_carry_a_number(state: TrackingState, field: str) -> None:
    with pytest.raises(InputError, match="must not carry numbers"):
        TrackedPose(state, **{field: AXIS})


@pytest.mark.parametrize("state", [TrackingState.TRACKED, TrackingState.PREDICTED])
@pytest.mark.parametrize("known", [{}, {"axis": AXIS}, {"guide_tip": TIP}])
def test_what_is_tracked_or_predicted_has_a_tip_and_an_axis(state: TrackingState, known: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError, match="needs an axis and a tip"):
        TrackedPose(state, **known)


def test_the_tip_is_a_fired_needles_from_the_shot_on() -> None:
    def tracked(**changes: object) -> TrackedPose:
        return TrackedPose(TrackingState.TRACKED, TIP, TIP + 20 * AXIS, AXIS, **changes)  # type: ignore[arg-type]

    assert not tracked(motion=Motion.STILL).tip_is_fired
    assert tracked(motion=Motion.FIRING).tip_is_fired
    assert tracked(motion=Motion.STILL, has_fired=True).tip_is_fired


def test_where_nothing_was_seen_nothing_is_followed() -> None:
    acquisition = Acquisition()
    assert not acquisition.is_complete
    acquisition.see(pose(0, 0.0), 0.2)
    assert acquisition.is_complete, "a sure first sight"
    acquisition.see(None, 0.2)
    assert not acquisition.is_complete


@pytest.mark.parametrize("missing", [{"guide_tip": None}, {"axis": None}])
def test_a_filter_begins_with_a_tip_and_an_axis(missing: dict[str, None]) -> None:
    with pytest.raises(ValueError, match="by its tip and its axis"):
        GuideFilter(pose(0, 0.0, **missing))


def test_frames_without_times_are_followed_at_the_usual_pace() -> None:
    """A folder of images may know no times at all; a prediction must still end."""
    tracker = Tracker()
    for index in range(6):
        assert tracker.update(pose(index, 0.0)).state is TrackingState.TRACKED
    states = [tracker.update(InstrumentPose(confidence=0.05, index=index)).state for index in range(6, 20)]
    assert list(dict.fromkeys(states)) == [TrackingState.PREDICTED, TrackingState.LOST, TrackingState.ABSENT]


def test_a_jump_within_a_hands_reach_but_too_quick_for_it_is_not_taken() -> None:
    """9 mm aside lies within the farthest that is ever believed, but nobody moves a guide so in 36 ms."""
    quick, slow = Course(0.036), Course(0.73)
    for course in (quick, slow):
        course.rest(20, tip=TIP)
    moved = quick.see(TIP + 9 * ACROSS)
    assert moved.state is TrackingState.PREDICTED
    np.testing.assert_allclose(moved.guide_tip, TIP, atol=0.5)
    near = slow.see(TIP + 4 * ACROSS)
    assert near.state is TrackingState.TRACKED
    assert np.linalg.norm(near.guide_tip - TIP) > 1.0


def test_a_doubtful_needle_is_left_out_and_casts_no_doubt_on_a_sure_guide() -> None:
    tracker = Tracker()
    seen = {"needle_tip": TIP + 20 * AXIS, "needle_tip_covariance": COVARIANCE, "guide_confidence": 0.95}
    doubtful = tracker.update(pose(0, 0.0, **seen, confidence=MIN_CONFIDENCE - 0.1))
    assert doubtful.state is TrackingState.TRACKED
    assert doubtful.needle_tip is None
    assert doubtful.confidence == pytest.approx(0.95)
    believed = Tracker().update(pose(0, 0.0, **seen, confidence=MIN_CONFIDENCE + 0.1))
    np.testing.assert_allclose(believed.needle_tip, TIP + 20 * AXIS, atol=1e-9)


def test_a_picture_that_catches_up_does_not_carry_the_prediction_away() -> None:
    """Pictures of few lines lag and catch up at once: that leap is no speed of the guide."""
    tracker = Tracker()
    depths = [0.0, 0.5, 1.0, 14.0, None, None, None]
    for index, depth in enumerate(depths):
        changes = {"confidence": 0.0, "guide_tip": None} if depth is None else {"guide_tip": TIP + depth * AXIS}
        tracked = tracker.update(pose(index, 0.22 * index, **changes))
        if depth is None:
            assert tracked.state is TrackingState.PREDICTED
            assert abs(float((tracked.guide_tip - TIP) @ AXIS) - 14.0) <= 8.0 + 1e-6
