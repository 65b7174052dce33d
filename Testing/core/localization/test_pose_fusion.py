"""Needle tips of picture and samples: weighed where they agree, decided where they do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from InstrumentTrackerLib.localization.instrument_pose import FIRST_SIGHT_TRUST, InstrumentPose
from InstrumentTrackerLib.localization.pose_fusion import fuse
from InstrumentTrackerLib.localization.samples.sample_pose import SamplePose

AXIS = np.array([0.0, 0.0, 1.0])
GUIDE = np.array([1.0, 2.0, 3.0])


def image_pose(tip: np.ndarray | None, covariance: np.ndarray | None = None, confidence: float = 0.8) -> InstrumentPose:
    return InstrumentPose(
        GUIDE, tip, AXIS, confidence, np.eye(3), covariance, index=7, time_s=1.5, guide_confidence=0.95
    )


def sample_pose(
    tip: np.ndarray, covariance: np.ndarray | None = None, confidence: float = 0.9, loss_per_mm: float = 1.0
) -> SamplePose:
    """Samples whose log likelihood falls by ``loss_per_mm`` away from their tip, where the needle was before."""
    depth = np.arange(0.0, 60.0, 0.5)
    own = float((tip - GUIDE) @ AXIS)
    return SamplePose(
        None, tip, AXIS, confidence, None, np.eye(3) if covariance is None else covariance,
        origin=GUIDE, depth=depth, log_likelihood=-loss_per_mm * np.abs(depth - own),
        expected_tip=tip,
    )  # fmt: skip


def tip_at(depth: float) -> np.ndarray:
    return GUIDE + depth * AXIS


def test_equal_covariances_give_the_mean_with_half_the_variance() -> None:
    fused = fuse(image_pose(tip_at(10.0), np.eye(3)), sample_pose(tip_at(12.0)))
    np.testing.assert_allclose(fused.needle_tip, tip_at(11.0), atol=1e-9)
    np.testing.assert_allclose(fused.needle_tip_covariance, np.eye(3) / 2, atol=1e-9)
    assert fused.confidence == 0.9


def test_the_weights_are_the_inverse_variances() -> None:
    fused = fuse(image_pose(tip_at(10.0), 9.0 * np.eye(3)), sample_pose(tip_at(12.0)))
    np.testing.assert_allclose(fused.needle_tip, tip_at(11.8), atol=1e-9)
    np.testing.assert_allclose(fused.needle_tip_covariance, 0.9 * np.eye(3), atol=1e-9)


@pytest.mark.parametrize("unknown", [np.inf, 1e6])
def test_where_one_knows_nothing_the_other_one_is_taken(unknown: float) -> None:
    beside = np.array([0.0, 1.0, 0.0])
    blind = np.diag([1.0, unknown, 1.0])
    fused = fuse(image_pose(tip_at(10.0), np.eye(3)), sample_pose(tip_at(10.0) + beside, blind))
    np.testing.assert_allclose(fused.needle_tip, tip_at(10.0), atol=1e-4)
    fused = fuse(image_pose(tip_at(10.0) + beside, blind), sample_pose(tip_at(10.0)))
    np.testing.assert_allclose(fused.needle_tip, tip_at(10.0), atol=1e-4)


@pytest.mark.parametrize("confidence", [0.3, 0.8])
def test_a_fired_needle_is_where_the_samples_say(confidence: float) -> None:
    """The old one that the picture still shows, doubtful or not, says nothing of it."""
    picture = image_pose(tip_at(10.0), np.eye(3), confidence)
    fused = fuse(picture, sample_pose(tip_at(30.0), confidence=0.7))
    np.testing.assert_array_equal(fused.needle_tip, tip_at(30.0))
    assert fused.confidence == 0.7
    np.testing.assert_array_equal(fused.guide_tip, GUIDE)


def test_a_needle_of_the_samples_does_not_make_the_guide_less_certain() -> None:
    unstated = replace(image_pose(tip_at(10.0), np.eye(3)), guide_confidence=None)
    fused = fuse(unstated, sample_pose(tip_at(30.0), confidence=0.3))
    assert fused.confidence == 0.3
    assert fused.certainty_of_guide == unstated.certainty_of_guide == 0.8


def test_samples_that_are_not_decisive_leave_the_picture_as_it_is() -> None:
    fused = fuse(image_pose(tip_at(10.0), np.eye(3)), sample_pose(tip_at(30.0), loss_per_mm=0.1))
    np.testing.assert_array_equal(fused.needle_tip, tip_at(10.0))
    assert fused.confidence == pytest.approx(0.8)


def test_a_needle_that_only_the_samples_show_joins_the_guide() -> None:
    fused = fuse(image_pose(None), sample_pose(tip_at(30.0)))
    np.testing.assert_array_equal(fused.needle_tip, tip_at(30.0))
    np.testing.assert_array_equal(fused.guide_tip, GUIDE)
    assert fused.confidence == 0.9
    assert fuse(image_pose(None), sample_pose(tip_at(30.0), confidence=1.0)).confidence == 0.95


def test_a_needle_that_only_the_samples_show_and_are_not_sure_of_is_none() -> None:
    assert fuse(image_pose(None), sample_pose(tip_at(30.0), confidence=0.85)).needle_tip is None


@pytest.mark.parametrize(("loss_per_mm", "is_taken"), [(1.0, True), (0.1, False)])
def test_a_followed_needle_that_is_decisively_no_longer_where_it_was_is_where_the_samples_say(loss_per_mm, is_taken):
    """Also where they are not sure and the picture shows none: its old place would be wrong for certain."""
    fired = replace(sample_pose(tip_at(30.0), None, 0.6, loss_per_mm), expected_tip=tip_at(10.0))
    fused = fuse(image_pose(None), fired)
    assert (fused.needle_tip is not None) == is_taken
    if is_taken:
        np.testing.assert_array_equal(fused.needle_tip, tip_at(30.0))
        assert fused.confidence == 0.6


def test_a_first_sight_in_the_samples_is_never_sure() -> None:
    first = replace(sample_pose(tip_at(30.0), confidence=1.0), expected_tip=None)
    for picture in (image_pose(None), image_pose(tip_at(10.0), np.eye(3)), image_pose(tip_at(30.0), np.eye(3), 0.55)):
        fused = fuse(picture, first)
        np.testing.assert_allclose(fused.needle_tip, tip_at(30.0), atol=1e-9)
        assert fused.confidence == FIRST_SIGHT_TRUST and fused.certainty_of_guide == 0.95
    # A picture that is surer of it stays so, and samples that are not sure of it add nothing to one without.
    assert fuse(image_pose(tip_at(30.0), np.eye(3), 0.8), first).confidence == 0.8
    assert fuse(image_pose(None), replace(first, confidence=0.85)).needle_tip is None


def test_agreement_about_the_needle_makes_no_guide_surer() -> None:
    pose = image_pose(tip_at(10.0), np.eye(3))
    assert fuse(pose, sample_pose(tip_at(10.0), confidence=0.99)).confidence == 0.95


def test_a_picture_without_an_instrument_leaves_the_needle_to_the_samples() -> None:
    fused = fuse(InstrumentPose(index=7, time_s=1.5), sample_pose(tip_at(30.0)))
    np.testing.assert_array_equal(fused.needle_tip, tip_at(30.0))
    assert (fused.guide_tip, fused.index, fused.time_s) == (None, 7, 1.5)


def test_with_its_guide_a_needle_has_left_too() -> None:
    gone = InstrumentPose(index=7, has_left=True)
    assert fuse(gone, sample_pose(tip_at(30.0))) is gone


def test_without_samples_the_picture_stays_as_it_is() -> None:
    pose = image_pose(tip_at(10.0))
    assert fuse(pose, None) is pose


def test_a_picture_of_unstated_covariance_still_counts() -> None:
    fused = fuse(image_pose(tip_at(10.0)), sample_pose(tip_at(12.0), 2.25 * np.eye(3)))
    np.testing.assert_allclose(fused.needle_tip, tip_at(11.0), atol=1e-9)
