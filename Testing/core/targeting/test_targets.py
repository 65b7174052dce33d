"""Several targets: their names, which can be reached, and which lie nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.targeting.target_bounds import outside_warning
from InstrumentTrackerLib.targeting.targets import Targets
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import ijk_to_ras_from_center

NEEDLE = BiopsyNeedle()
POSE = TrackedPose(TrackingState.TRACKED, needle_tip=[0, 0, 0], axis=[0, 0, 1])
CORONAL = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
SHAPE = (5, 256, 256)
GEOMETRY = ijk_to_ras_from_center([10.0, -40.0, 20.0], CORONAL, [1.1, 1.1, 3.0], SHAPE[::-1])


def test_targets_are_read_with_and_without_names():
    targets = Targets.parse(["left=-12,30,5", "1,2,3", "apex = 4,5,6"], "0,-60,-80", 4.0)
    assert [target.name for target in targets] == ["left", "target 2", "apex"]
    np.testing.assert_array_equal(targets.items[0].position, [-12, 30, 5])
    assert all(target.radius_mm == 4.0 and target.entry is not None for target in targets)
    assert len(Targets.parse([])) == 0


@pytest.mark.parametrize(
    ("texts", "entry", "reason"),
    [
        (["left=1,2"], None, "--target"),
        (["=1,2,3"], None, "name"),
        (["left=1,2,3", "left=4,5,6"], None, "given twice"),
        ([], "1,2,3", "without --target"),
        (["a\nb=1,2,3"], None, "name"),
    ],
)
def test_a_text_that_is_no_target_is_refused_in_one_line(texts, entry, reason):
    with pytest.raises(InputError, match=reason) as caught:
        Targets.parse(texts, entry)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("radius_mm", [0.0, -1.0, float("nan"), 500.0])
def test_a_lesion_of_impossible_size_is_refused(radius_mm):
    with pytest.raises(InputError, match="radius"):
        Target([1, 2, 3], radius_mm=radius_mm)


def test_the_nearest_target_that_a_straight_advance_reaches_is_named():
    targets = Targets(
        (
            Target([2.0, 0, 45.0], name="far"),
            Target([0, 1.0, 30.0], name="near"),
            Target([8.0, 0, 10.0], name="beside"),
            Target([0, 0, -15.0], name="behind"),
            Target([0, 0, 120.0], name="too far"),
        )
    )
    assert targets.nearest_reachable(POSE, NEEDLE).name == "near"


@pytest.mark.parametrize(
    ("offset", "is_reached"), [((2.9, 0, -0.5), True), ((2.9, 0, -2.9), False), ((0, 0, -2.9), True)]
)
def test_a_lesion_just_behind_the_notch_is_reached_only_where_its_sphere_is(offset, is_reached):
    """Of 3 mm radius: the corner of a cylinder around it would be 4.1 mm away."""
    targets = Targets((Target(offset, name="t"),))
    assert (targets.nearest_reachable(POSE, NEEDLE) is not None) == is_reached


def test_where_none_can_be_reached_none_is_named():
    targets = Targets((Target([8.0, 0, 10.0], name="beside"), Target([0, 0, -15.0], name="behind")))
    assert targets.nearest_reachable(POSE, NEEDLE) is None
    assert targets.nearest_reachable(TrackedPose(TrackingState.LOST), NEEDLE) is None
    assert Targets().nearest_reachable(POSE, NEEDLE) is None


def test_a_target_in_or_near_the_pictures_gives_no_warning():
    for position in ([10, -40, 20], [10, -10, 20], [10, -75, 20], [10 + 165, -40, 20]):
        assert outside_warning(Target(position), GEOMETRY, SHAPE) is None


def test_a_target_far_outside_is_named_with_how_far():
    text = outside_warning(Target([10.0, 60.0, 20.0], name="left"), GEOMETRY, SHAPE)
    assert text.startswith("left: ") and "\n" not in text
    # The slab of five slices of 3 mm ends 7.5 mm in front of its middle.
    assert "92 mm before or behind" in text or "93 mm before or behind" in text
    assert "LPS" not in text


def test_a_target_in_lps_is_recognized():
    text = outside_warning(Target([-10.0, 40.0, 20.0]), GEOMETRY, SHAPE)
    assert "LPS" in text
