"""What the types between the stages promise and refuse."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError

NAN = float("nan")


def a_kspace_frame(**changes) -> KSpaceFrame:
    fields = {
        "data": np.ones((2, 3, 8, 6), dtype=np.complex64),
        "mask": np.ones((3, 8), dtype=bool),
        "ijk_to_ras": np.eye(4),
    }
    return KSpaceFrame(**{**fields, **changes})


def an_image_frame(**changes) -> ImageFrame:
    return ImageFrame(**{"data": np.ones((3, 8, 6), dtype=np.float32), "ijk_to_ras": np.eye(4), **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": np.ones((2, 3, 8, 6), dtype=np.complex128)}, "complex64"),
        ({"data": np.ones((3, 8, 6), dtype=np.complex64)}, "coil, slice, ky, kx"),
        ({"data": np.ones((0, 3, 8, 6), dtype=np.complex64)}, "empty"),
        ({"data": np.ones((128, 3, 8, 6), dtype=np.complex64)}, "at most 127"),
        ({"data": np.full((2, 3, 8, 6), NAN, dtype=np.complex64)}, "NaN"),
        ({"mask": np.ones((3, 6), dtype=bool)}, "mask must be bool"),
        ({"mask": np.ones((3, 8), dtype=np.uint8)}, "mask must be bool"),
        ({"mask": np.zeros((3, 8), dtype=bool)}, "no sampled line"),
        ({"index": -1}, "negative"),
        ({"acquisition_start_time": 2.0, "acquisition_end_time": 1.0}, "before it starts"),
        ({"acquisition_start_time": NAN}, "before it starts"),
        ({"ijk_to_ras": np.diag([1.0, 1.0, 0.0, 1.0])}, "singular"),
    ],
)
def test_a_kspace_frame_refuses(changes, reason):
    with pytest.raises(InputError, match=reason) as caught:
        a_kspace_frame(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": np.ones((3, 8, 6))}, "float32"),
        ({"data": np.ones((8, 6), dtype=np.float32)}, "slice, row, col"),
        ({"data": np.ones((3, 0, 6), dtype=np.float32)}, "non-empty"),
        ({"data": np.full((3, 8, 6), NAN, dtype=np.float32)}, "NaN"),
        ({"complex_data": np.ones((3, 8, 5), dtype=np.complex64)}, "does not fit"),
        ({"quality": 1.5}, "outside 0..1"),
        ({"ijk_to_ras": np.zeros((4, 4))}, "last row|singular"),
    ],
)
def test_an_image_frame_refuses(changes, reason):
    with pytest.raises(InputError, match=reason) as caught:
        an_image_frame(**changes)
    assert "\n" not in str(caught.value)


def test_acceleration_counts_lines_over_all_slices():
    mask = np.zeros((3, 8), dtype=bool)
    mask[0, :4] = mask[1, 0] = mask[2, 7] = True
    frame = a_kspace_frame(mask=mask)
    assert frame.acceleration == pytest.approx(24 / 6)
    assert not frame.is_fully_sampled
    assert a_kspace_frame().is_fully_sampled
    assert (frame.n_coils, frame.image_shape) == (2, (3, 8, 6))


def test_an_image_stating_its_latency_is_otherwise_the_same():
    image = an_image_frame(acquisition_start_time=1.0, acquisition_end_time=2.0, quality=0.5)
    timed = image.with_latency(0.07)
    assert timed.latency_s == 0.07
    assert timed.data is image.data
    assert timed.mid_acquisition_time == 1.5
    assert image.latency_s == 0.0


def test_an_instrument_mask_refuses_unknown_labels_and_wrong_types():
    with pytest.raises(InputError, match="label 3"):
        InstrumentMask(np.full((1, 2, 2), 3, dtype=np.uint8), np.eye(4))
    with pytest.raises(InputError, match="uint8"):
        InstrumentMask(np.zeros((1, 2, 2), dtype=np.int16), np.eye(4))
    assert InstrumentMask(np.zeros((1, 2, 2), dtype=np.uint8), np.eye(4)).is_empty


def test_a_pose_prefers_the_needle_tip_and_never_merges_it_with_the_guide_tip():
    pose = InstrumentPose(guide_tip=[0, 0, 0], needle_tip=[0, 0, 20], axis=[0, 0, 1], confidence=1.0)
    assert pose.tip.tolist() == [0, 0, 20]
    assert pose.guide_tip.tolist() == [0, 0, 0]
    assert InstrumentPose(guide_tip=[1, 2, 3], axis=[0, 0, 1]).tip.tolist() == [1, 2, 3]
    assert not InstrumentPose().is_present


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"guide_tip": [0, NAN, 0]}, "finite"),
        ({"axis": [0, 0, 2]}, "unit vector"),
        ({"confidence": 1.1}, "outside 0..1"),
        ({"guide_tip_covariance": np.eye(2)}, r"\(3, 3\)"),
    ],
)
def test_a_pose_refuses(fields, reason):
    with pytest.raises(InputError, match=reason):
        InstrumentPose(**fields)


@pytest.mark.parametrize("state", [TrackingState.LOST, TrackingState.ABSENT])
def test_a_lost_or_absent_instrument_carries_no_numbers(state):
    with pytest.raises(InputError, match="must not carry numbers"):
        TrackedPose(state, guide_tip=[0, 0, 0], axis=[0, 0, 1])
    assert TrackedPose(state).tip is None


@pytest.mark.parametrize("state", [TrackingState.TRACKED, TrackingState.PREDICTED])
def test_a_tracked_instrument_has_an_axis_and_a_tip(state):
    with pytest.raises(InputError, match="needs an axis and a tip"):
        TrackedPose(state, guide_tip=[0, 0, 0])
    assert TrackedPose(state, guide_tip=[0, 0, 0], axis=[0, 0, 1]).tip.tolist() == [0, 0, 0]


def test_the_targeting_error_splits_a_known_triangle():
    error = TargetingError.of(tip=[0, 0, 0], axis=[0, 0, 1], target=[3, 0, 4], entry=[3, 0, -40])
    assert (error.distance_mm, error.lateral_mm, error.depth_mm) == pytest.approx((5, 3, 4))
    assert error.angle_deg == pytest.approx(0.0, abs=1e-6)


def test_a_needle_past_the_target_has_negative_depth():
    assert TargetingError.of([0, 0, 10], [0, 0, 1], [0, 2, 4]).depth_mm == pytest.approx(-6)


def test_without_an_entry_point_the_angle_is_to_the_target():
    error = TargetingError.of([0, 0, 0], [0, 0, 1], [5, 0, 5])
    assert error.angle_deg == pytest.approx(45.0)
    assert TargetingError.of([1, 1, 1], [0, 0, 1], [1, 1, 1]).distance_mm == 0.0
