"""The needle tip from one frame's samples, against a phantom whose tip is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.cramer_rao import cramer_rao_std
from InstrumentTrackerLib.localization.samples.sample_localizer import SampleLocalizer
from InstrumentTrackerLib.localization.samples.sample_pose import SamplePose
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from void_phantom import GEOMETRY, NOISE, SIZE, VoidPhantom

SEEDS = range(5)


def localized(
    localizer: SampleLocalizer, frame: KSpaceFrame, image: ImageFrame, prediction: TrackedPose | None
) -> SamplePose | None:
    localizer.ingest(frame)
    return localizer.localize(image, prediction)


def located(
    phantom: VoidPhantom, before_mm: float, now_mm: float, known: bool = True, factor: np.ndarray | float = 1.0
) -> SamplePose | None:
    """What the third frame says: the first showed no needle, the second's is tracked unless told otherwise."""
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    assert localized(localizer, phantom.frame(0.0, 0), phantom.image(0.0, 0), None) is None
    assert localized(localizer, phantom.frame(before_mm, 1), phantom.image(before_mm, 1), None) is None
    prediction = phantom.tracked(before_mm if known else None, 1)
    return localized(localizer, phantom.frame(now_mm, 2, factor), phantom.image(now_mm, 2), prediction)


def depth_of(pose: SamplePose | None, phantom: VoidPhantom) -> float:
    assert pose is not None and pose.needle_tip is not None
    return float((pose.needle_tip - phantom.guide_tip) @ phantom.axis)


def test_an_advance_is_measured_near_the_cramer_rao_bound() -> None:
    errors, bounds = [], []
    for seed in SEEDS:
        phantom = VoidPhantom(seed)
        errors.append(depth_of(located(phantom, 14.0, 17.3), phantom) - 17.3)
        bounds.append(cramer_rao_std(phantom.derivative(17.3, 2)[None], NOISE)[0])
    assert np.sqrt(np.mean(np.square(errors))) < 6 * np.median(bounds)
    assert np.max(np.abs(errors)) < 1.0


def test_the_stated_covariance_covers_the_error() -> None:
    scores = []
    for seed in SEEDS:
        phantom = VoidPhantom(seed, noise=4 * NOISE)
        pose = located(phantom, 14.0, 16.2)
        if pose is not None:
            variance = phantom.axis @ pose.needle_tip_covariance @ phantom.axis
            scores.append((depth_of(pose, phantom) - 16.2) / np.sqrt(variance))
    assert len(scores) >= 4
    assert np.abs(scores).max() < 3.0
    assert np.mean(np.square(scores)) < 2.0


def test_a_fired_needle_is_found_within_its_frame() -> None:
    for seed in SEEDS:
        phantom = VoidPhantom(seed, acceleration=16)
        pose = located(phantom, 12.0, 32.0)
        assert depth_of(pose, phantom) == pytest.approx(32.0, abs=2.0)
        assert pose.log_ratio(phantom.tip(12.0)) > np.log(1000)


@pytest.mark.parametrize(("acceleration", "speaks"), [(22, True), (32, False)])
def test_above_the_stated_acceleration_the_samples_claim_nothing(acceleration, speaks) -> None:
    phantom = VoidPhantom(0, acceleration=acceleration)
    assert (located(phantom, 12.0, 14.0) is not None) == speaks


def test_a_resting_needle_does_not_jump() -> None:
    for seed in SEEDS:
        phantom = VoidPhantom(seed, acceleration=16)
        assert depth_of(located(phantom, 15.0, 15.0), phantom) == pytest.approx(15.0, abs=1.5)


def test_a_needle_pulled_back_is_followed() -> None:
    phantom = VoidPhantom(3)
    assert depth_of(located(phantom, 22.0, 18.0), phantom) == pytest.approx(18.0, abs=1.5)


def test_a_needle_is_seen_for_the_first_time() -> None:
    phantom = VoidPhantom(4)
    assert depth_of(located(phantom, 0.0, 24.0, known=False), phantom) == pytest.approx(24.0, abs=1.5)


@pytest.mark.parametrize("acceleration", [8, 16])
def test_a_needle_that_waits_for_its_second_sight_does_not_become_tissue(acceleration) -> None:
    for seed in SEEDS:
        phantom = VoidPhantom(seed, acceleration=acceleration)
        # It appears in the second frame; that picture shows it when the third frame's samples are asked.
        second = [second_sight(phantom, shown, 24.0, waits) for shown, waits in ((24.0, True), (24.0, False))]
        assert depth_of(second[0], phantom) == pytest.approx(24.0, abs=1.5) and second[0].expected_tip is None
        assert second[1] is None


def test_a_needle_that_only_waits_is_not_expected() -> None:
    """A picture showed it, its samples and those of the next frame do not."""
    for seed in SEEDS:
        assert second_sight(VoidPhantom(seed), 24.0, 0.0, waits=True) is None


def second_sight(phantom: VoidPhantom, shown_mm: float, now_mm: float, waits: bool) -> SamplePose | None:
    """What the third frame says after the picture of the second showed a needle that nobody follows."""
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    localized(localizer, phantom.frame(0.0, 0), phantom.image(0.0, 0), None)
    localized(localizer, phantom.frame(now_mm, 1), phantom.image(shown_mm, 1), phantom.tracked(None, 0))
    localizer.ingest(phantom.frame(now_mm, 2))
    seen_once = phantom.tip(shown_mm) if waits else None
    return localizer.localize(phantom.image(now_mm, 2), phantom.tracked(None, 1), seen_once)


def test_without_a_needle_none_is_claimed() -> None:
    assert [located(VoidPhantom(seed), 0.0, 0.0, known=False) for seed in SEEDS] == [None] * len(SEEDS)


def test_a_smooth_change_of_gain_is_noticed_or_does_little() -> None:
    gain = 1 + 0.2 * np.sin(np.arange(SIZE) / SIZE * 2 * np.pi)[:, None]
    for seed in SEEDS:
        phantom = VoidPhantom(seed)
        pose = located(phantom, 14.0, 17.0, factor=gain)
        assert pose is None or abs(depth_of(pose, phantom) - 17.0) < 3.0


def test_another_contrast_is_noticed() -> None:
    for seed in SEEDS:
        phantom = VoidPhantom(seed)
        other = VoidPhantom(seed + 100).picture(None) / np.maximum(phantom.picture(None), 0.3)
        assert located(phantom, 14.0, 17.0, factor=2 * other) is None


def test_the_position_through_the_plane_is_the_predicted_one_and_unknown() -> None:
    phantom = VoidPhantom(0)
    pose = located(phantom, 14.0, 16.0)
    normal = GEOMETRY[:3, 2] / 3.0
    assert pose.needle_tip @ normal == pytest.approx(phantom.tip(14.0) @ normal, abs=1e-6)
    assert normal @ pose.needle_tip_covariance @ normal > 1e5
    assert (pose.guide_tip, pose.index) == (None, 2)


def test_without_prediction_or_previous_picture_nothing_is_said() -> None:
    phantom = VoidPhantom(0)
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    assert localized(localizer, phantom.frame(14.0, 0), phantom.image(14.0, 0), phantom.tracked(14.0, 0)) is None
    assert localized(localizer, phantom.frame(14.0, 1), phantom.image(14.0, 1), None) is None
    localizer.restart()
    assert localized(localizer, phantom.frame(14.0, 3), phantom.image(14.0, 3), phantom.tracked(14.0, 2)) is None


def test_samples_of_another_frame_than_the_picture_say_nothing() -> None:
    phantom = VoidPhantom(0)
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    localized(localizer, phantom.frame(14.0, 0), phantom.image(14.0, 0), None)
    assert localized(localizer, phantom.frame(14.0, 2), phantom.image(14.0, 1), phantom.tracked(14.0, 0)) is None
    assert localizer.localize(phantom.image(14.0, 2), phantom.tracked(14.0, 1)) is not None


def test_an_axis_across_the_slices_has_no_depth() -> None:
    phantom = VoidPhantom(0)
    localizer = SampleLocalizer()
    localized(localizer, phantom.frame(14.0, 0), phantom.image(14.0, 0), None)
    across = replace(phantom.tracked(14.0, 0), axis=np.array([0.0, 1.0, 0.0]))
    assert localized(localizer, phantom.frame(14.0, 1), phantom.image(14.0, 1), across) is None


def test_empty_samples_and_a_tip_outside_of_the_image_say_nothing() -> None:
    phantom = VoidPhantom(0)
    localizer = SampleLocalizer()
    silent = [phantom.frame(14.0, index) for index in range(2)]
    silent = [KSpaceFrame(np.zeros_like(frame.data), frame.mask, GEOMETRY, frame.index) for frame in silent]
    for pixels in (phantom.image(14.0, 0).data, np.zeros((1, SIZE, SIZE), dtype=np.float32)):
        pictures = [replace(phantom.image(14.0, index), data=pixels) for index in range(2)]
        localizer.restart()
        localized(localizer, silent[0], pictures[0], None)
        assert localized(localizer, silent[1], pictures[1], phantom.tracked(14.0, 0)) is None
    localizer.restart()
    localized(localizer, phantom.frame(14.0, 0), phantom.image(14.0, 0), None)
    far = replace(phantom.tracked(None, 0), guide_tip=phantom.guide_tip + 500.0)
    assert localized(localizer, phantom.frame(14.0, 1), phantom.image(14.0, 1), far) is None


def test_frames_of_another_matrix_begin_anew() -> None:
    phantom = VoidPhantom(0)
    localizer = SampleLocalizer()
    localized(localizer, phantom.frame(14.0, 0), phantom.image(14.0, 0), None)
    frame, image = phantom.frame(14.0, 1), phantom.image(14.0, 1)
    smaller = KSpaceFrame(frame.data[:3].copy(), frame.mask, GEOMETRY, 1)
    assert localized(localizer, smaller, image, phantom.tracked(14.0, 0)) is None
