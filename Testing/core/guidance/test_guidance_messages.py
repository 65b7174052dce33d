"""Guidance crosses the wire without loss, and never with numbers it must not have."""

from dataclasses import replace

import numpy as np
import pytest
from InstrumentTrackerLib.guidance.messages import ERROR_KEYS, GuidanceAssembler, guidance_envelopes, tip_matrix
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.pipeline import Guidance, error_of
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.codec import decode_body, encode
from TemporalReconLib.igtl.frames import transform_is_valid
from TemporalReconLib.igtl.header import HEADER_SIZE, decode_header

OBLIQUE = np.array([[0.9, 0.0, 0.8, -20.0], [0.3, 1.0, -2.0, 11.0], [-0.2, 0.2, 2.2, 4.0], [0, 0, 0, 1.0]])
AXIS = np.array([0.36, 0.48, 0.8])
TIP = np.array([12.5, -30.25, 7.75])
GUIDE = TIP - 22.0 * AXIS


def guidance(state=TrackingState.TRACKED, needle=True, index=3):
    image = ImageFrame(
        np.random.default_rng(index).random((2, 6, 5)).astype(np.float32), OBLIQUE, index, 100.0, 100.4, "s"
    )
    labels = np.zeros((2, 6, 5), np.uint8)
    labels[0, 1, 1], labels[1, 2, 3] = 1, 2
    if not state.has_numbers:
        tracked = TrackedPose(state, index=index, confidence=0.1)
        return Guidance(image, None, InstrumentPose(index=index), tracked, None)
    tracked = TrackedPose(state, GUIDE, TIP if needle else None, AXIS, 0.75, index=index)
    return Guidance(image, InstrumentMask(labels, OBLIQUE, index), InstrumentPose(index=index), tracked, None)


def over_the_wire(envelope):
    raw = b"".join(bytes(buffer) for buffer in encode(envelope))
    return decode_body(decode_header(raw[:HEADER_SIZE]), raw[HEADER_SIZE:])


def assembled(assembler, envelopes):
    return [whole for envelope in envelopes if (whole := assembler.add(over_the_wire(envelope))) is not None]


@pytest.mark.parametrize("needle", [True, False])
@pytest.mark.parametrize("state", [TrackingState.TRACKED, TrackingState.PREDICTED])
def test_a_frame_arrives_as_it_was_sent(state, needle):
    sent = guidance(state, needle)
    [(image, mask, tracked)] = assembled(GuidanceAssembler(), guidance_envelopes(sent))
    np.testing.assert_array_equal(image.data, sent.image.data)
    np.testing.assert_allclose(image.ijk_to_ras, OBLIQUE, atol=1e-4)
    np.testing.assert_array_equal(mask.labels, sent.mask.labels)
    assert tracked.state is state and tracked.confidence == pytest.approx(0.75)
    np.testing.assert_allclose(tracked.guide_tip, GUIDE, atol=1e-4)
    np.testing.assert_allclose(tracked.tip, TIP if needle else GUIDE, atol=1e-4)
    assert (tracked.needle_tip is not None) == needle
    np.testing.assert_allclose(tracked.axis, AXIS, atol=1e-5)
    assert tracked.time_s == pytest.approx(100.2)


@pytest.mark.parametrize("state", [TrackingState.LOST, TrackingState.ABSENT])
def test_a_lost_instrument_is_sent_without_any_number(state):
    envelopes = guidance_envelopes(guidance(state), send_scan_plane=True)
    transforms = [envelope for envelope in envelopes if envelope.type_name == "TRANSFORM"]
    assert [envelope.device_name for envelope in transforms] == ["GuideTipToRAS", "TipToRAS"]
    for envelope in transforms:
        assert not transform_is_valid(envelope)
        np.testing.assert_array_equal(envelope.message.matrix, np.eye(4))
    [(_, mask, tracked)] = assembled(GuidanceAssembler(), envelopes)
    assert mask is None and tracked.state is state and tracked.tip is None and tracked.axis is None


def test_parts_of_different_frames_are_never_mixed():
    """A client that was slow gets the newest message of each device, perhaps of different frames."""
    first, second = guidance_envelopes(guidance(index=3)), guidance_envelopes(guidance(index=4))
    assert assembled(GuidanceAssembler(), [second[0], first[1], first[2], first[3]]) == []
    [(image, mask, _)] = assembled(GuidanceAssembler(), [second[0], first[1], second[2], second[3]])
    assert image.index == 4 and mask is None


def test_the_tip_frame_is_right_handed_with_z_along_the_shaft():
    for axis in (AXIS, np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])):
        matrix = tip_matrix(TIP, axis)
        np.testing.assert_allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-12)
        assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
        np.testing.assert_allclose(matrix[:3, 2], axis)
        np.testing.assert_allclose(matrix[:3, 3], TIP)


def test_the_scan_plane_is_sent_only_when_asked_for_and_passes_through_the_tip():
    assert "PLANE_0" not in [envelope.device_name for envelope in guidance_envelopes(guidance())]
    plane = next(e for e in guidance_envelopes(guidance(), send_scan_plane=True) if e.device_name == "PLANE_0")
    np.testing.assert_allclose(plane.message.matrix[:3, 3], TIP)
    np.testing.assert_allclose(plane.message.matrix[:3, 0], OBLIQUE[:3, 0] / np.linalg.norm(OBLIQUE[:3, 0]))


def test_what_a_receiver_needs_to_judge_the_tip_arrives_with_it():
    covariance = np.array([[0.5, 0.1, -0.2], [0.1, 1.5, 0.3], [-0.2, 0.3, 1e6]])
    tracked = TrackedPose(
        TrackingState.TRACKED,
        GUIDE,
        TIP,
        AXIS,
        0.75,
        covariance,
        3,
        axis_covariance=1e-3 * np.eye(3),
        motion=Motion.FIRING,
        has_fired=True,
        artifact_correction_mm=2.25,
    )
    [(_, _, arrived)] = assembled(GuidanceAssembler(), guidance_envelopes(replace(guidance(), tracked=tracked)))
    np.testing.assert_allclose(arrived.tip_covariance, covariance, rtol=1e-5)
    np.testing.assert_allclose(arrived.axis_covariance, 1e-3 * np.eye(3), rtol=1e-5)
    assert arrived.motion is Motion.FIRING and arrived.has_fired and arrived.artifact_correction_mm == 2.25


def test_what_is_not_known_of_the_tip_is_not_sent():
    tip = guidance_envelopes(guidance())[-1]
    assert not {"TR.TipCovariance_mm2", "TR.AxisCovariance_rad2", "TR.Motion", "TR.ArtifactCorrection_mm"} & set(
        tip.metadata
    )
    [(_, _, arrived)] = assembled(GuidanceAssembler(), guidance_envelopes(guidance()))
    assert arrived.tip_covariance is None and arrived.artifact_correction_mm is None and not arrived.has_fired


def test_the_tip_says_how_far_it_is_from_a_target_that_the_engine_knows():
    """6 mm ahead on the axis and 8 mm beside it: 10 mm, without an entry point at atan(8 / 6)."""
    beside = np.array([0.8, -0.6, 0.0])
    target = Target(TIP + 6.0 * AXIS + 8.0 * beside)
    sent = guidance()
    tip = guidance_envelopes(replace(sent, error=error_of(sent.tracked, target)))[-1]
    told = {key: over_the_wire(tip).metadata.get(key) for key in ERROR_KEYS}
    expected = {"TR.Distance_mm": "10.00", "TR.Lateral_mm": "8.00", "TR.Depth_mm": "6.00", "TR.Angle_deg": "53.13"}
    assert told == expected
    lost = guidance(TrackingState.LOST)
    for silent in (guidance_envelopes(sent)[-1], guidance_envelopes(lost)[-1]):
        assert not ERROR_KEYS.keys() & silent.metadata.keys()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("TR.TipCovariance_mm2", "1 2 3"),
        ("TR.TipCovariance_mm2", "1 2 3 4 5 nan"),
        ("TR.AxisCovariance_rad2", "a b c d e f"),
        ("TR.Motion", "flying"),
        ("TR.ArtifactCorrection_mm", ""),
    ],
)
def test_lying_metadata_is_refused_by_name(key, text):
    envelopes = guidance_envelopes(guidance())
    envelopes[-1].metadata[key] = text
    with pytest.raises(InputError, match=key.replace(".", r"\.")):
        assembled(GuidanceAssembler(), envelopes)


def test_an_unknown_state_is_refused_by_name():
    envelopes = guidance_envelopes(guidance())
    envelopes[-1].metadata["TR.State"] = "certain"
    with pytest.raises(InputError, match=r"unknown TR\.State 'certain'"):
        assembled(GuidanceAssembler(), envelopes)
