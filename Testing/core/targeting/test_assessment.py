"""What is said of a tip and a target, also where a direction is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.targeting.assessment import Assessment, CoreVerdict
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.direction_words import direction_words
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

NEEDLE = BiopsyNeedle(throw_mm=22.0, notch_mm=18.0, dead_tip_mm=4.0)  # the core: 0 to 18 mm beyond the tip
KNOWN = np.diag([0.25, 0.25, 0.25])
UNKNOWN_THROUGH_A = np.diag([0.25, 1e4, 0.25])


def pose(covariance: np.ndarray | None = KNOWN, **more: object) -> TrackedPose:
    """A needle tip at the origin, pointing along S."""
    settings = {"axis": [0, 0, 1], "needle_tip": [0, 0, 0], "tip_covariance": covariance, **more}
    return TrackedPose(TrackingState.TRACKED, **settings)


def assess(target: tuple[float, float, float], tracked: TrackedPose, margin_mm: float = 1.0) -> Assessment:
    result = Assessment.of(tracked, Target(target, radius_mm=3.0), NEEDLE, margin_mm)
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("sideways", "verdict"),
    [(1.9, CoreVerdict.HIT), (2.1, CoreVerdict.EDGE), (2.9, CoreVerdict.EDGE), (3.1, CoreVerdict.MISS)],
)
def test_a_hit_keeps_the_margin_an_edge_does_not_and_a_miss_is_outside_the_lesion(
    sideways: float, verdict: CoreVerdict
) -> None:
    assert assess((sideways, 0.0, 9.0), pose()).verdict is verdict


def test_a_target_beyond_the_core_is_missed_until_the_needle_advances() -> None:
    assessment = assess((0.0, 0.0, 30.0), pose())
    assert assessment.verdict is CoreVerdict.MISS
    assert assessment.forecast.advance_mm == pytest.approx(21.0)  # the notch's middle is 9 mm ahead


def test_without_the_position_through_the_plane_no_hit_is_promised() -> None:
    assert assess((0.5, 0.0, 9.0), pose(UNKNOWN_THROUGH_A)).verdict is CoreVerdict.UNSURE
    assert assess((0.5, 8.0, 9.0), pose(UNKNOWN_THROUGH_A)).verdict is CoreVerdict.UNSURE
    assert assess((8.0, 0.0, 9.0), pose(UNKNOWN_THROUGH_A)).verdict is CoreVerdict.MISS, "missed wherever it is"


def test_distances_are_those_within_the_known_directions() -> None:
    assessment = assess((3.0, 50.0, 4.0), pose(UNKNOWN_THROUGH_A))
    assert assessment.is_partly_unknown
    assert assessment.distance_mm == pytest.approx(5.0)
    np.testing.assert_allclose(assessment.sideways_mm, [3.0, 0.0, 0.0], atol=1e-9)
    known = assess((3.0, 4.0, 12.0), pose())
    assert (known.distance_mm, known.lateral_mm) == pytest.approx((13.0, 5.0))


def test_an_unknown_depth_is_told_from_an_unknown_position_across() -> None:
    assert assess((0.0, 0.0, 9.0), pose(np.diag([0.2, 0.2, 1e6]))).depth_is_unknown
    assert not assess((0.0, 0.0, 9.0), pose(UNKNOWN_THROUGH_A)).depth_is_unknown
    assert not assess((0.0, 0.0, 9.0), pose()).depth_is_unknown


def test_an_uncertain_direction_leaves_the_verdict_open() -> None:
    tracked = pose(axis_covariance=np.diag([0.3, 0.01, 0.0]))
    assert assess((0.0, 0.0, 9.0), tracked).verdict is CoreVerdict.UNSURE


def test_an_engine_that_states_no_covariance_is_believed() -> None:
    assessment = assess((0.0, 0.0, 9.0), pose(None))
    assert assessment.verdict is CoreVerdict.HIT
    assert assessment.forecast.probability is None


def test_after_the_shot_the_core_lies_behind_the_tip() -> None:
    fired = pose(has_fired=True, motion=Motion.STILL)
    assert assess((0.0, 0.0, -10.0), fired).verdict is CoreVerdict.HIT
    assert assess((0.0, 0.0, -10.0), fired).has_fired
    assert assess((0.0, 0.0, 9.0), fired).verdict is CoreVerdict.MISS


def test_a_pose_without_numbers_is_not_assessed() -> None:
    assert Assessment.of(TrackedPose(TrackingState.LOST), Target((0, 0, 9)), NEEDLE) is None


def test_directions_are_sides_of_the_patient_the_largest_first() -> None:
    assert direction_words([-2.1, 1.0, 0.2]) == "2.1 mm patient left, 1.0 mm anterior"
    assert direction_words([0.6, -0.7, -3.0]) == "3.0 mm inferior, 0.7 mm posterior, 0.6 mm patient right"
    assert direction_words([0.4, -0.4, 0.4]) == ""
