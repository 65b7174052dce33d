"""Frames on the wire: the contract's layout, and what a sparing sender leaves out."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.codec import decode_body, encode
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import MessageError
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.igtl.frames import (
    image_envelope,
    instrument_envelope,
    kspace_envelope,
    recon_envelope,
    transform_envelope,
    transform_is_valid,
)
from TemporalReconLib.igtl.header import HEADER_SIZE, decode_header
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import StringMessage

GEOMETRY = np.array([[1.5, 0, 0, -20.0], [0, 1.5, 0, 5.0], [0, 0, 4, 30.0], [0, 0, 0, 1]])
START, END = 1700000000.25, 1700000001.75


def over_the_wire(envelope: Envelope, legacy_v1: bool = False) -> Envelope:
    raw = b"".join(encode(envelope, legacy_v1))
    return decode_body(decode_header(raw[:HEADER_SIZE]), raw[HEADER_SIZE:])


def kspace_frame(n_coils: int = 3, index: int = 4, **changes: object) -> KSpaceFrame:
    mask = sampling_mask("paper", 24, 2, 4, frame_index=index)
    generator = np.random.default_rng(index)
    data = generator.normal(size=(n_coils, 2, 24, 16, 2)).astype(np.float32).view(np.complex64)[..., 0]
    data[:, ~mask] = 0
    values = {"index": index, "acquisition_start_time": START, "acquisition_end_time": END, "stream_id": "case 7"}
    return KSpaceFrame(data, mask, GEOMETRY, **(values | changes))


def image_frame(**changes: object) -> ImageFrame:
    data = np.random.default_rng(1).random((2, 24, 16)).astype(np.float32)
    values = {"index": 4, "acquisition_start_time": START, "acquisition_end_time": END, "stream_id": "case 7"}
    return ImageFrame(data, GEOMETRY, **(values | changes))


def changed(envelope: Envelope, **metadata: str | None) -> Envelope:
    merged = dict(envelope.metadata) | {"TR." + key: value for key, value in metadata.items()}
    kept = {key: value for key, value in merged.items() if value is not None}
    return Envelope(envelope.message, envelope.device_name, envelope.timestamp, kept)


@pytest.mark.parametrize("n_coils", [1, 3])
def test_a_kspace_frame_survives_the_wire(n_coils):
    frame = kspace_frame(n_coils)
    incoming = FrameReader().read(over_the_wire(kspace_envelope(frame)))
    received = incoming.frame
    np.testing.assert_array_equal(received.data, frame.data)
    np.testing.assert_array_equal(received.mask, frame.mask)
    np.testing.assert_allclose(received.ijk_to_ras, GEOMETRY, atol=1e-5)
    assert (received.index, received.stream_id) == (4, "case 7")
    assert (received.acquisition_start_time, received.acquisition_end_time) == (START, END)
    assert received.has_geometry
    assert not incoming.is_planning
    assert incoming.time_is_known


def test_kspace_has_the_layout_of_the_contract():
    frame = kspace_frame()
    envelope = kspace_envelope(frame)
    pixels = envelope.message.data
    assert (envelope.device_name, pixels.dtype, pixels.shape) == ("KSPACE_IN", np.float32, (2, 24, 16, 6))
    ky = int(np.flatnonzero(frame.mask[1])[0])
    for coil in range(3):
        sample = frame.data[coil, 1, ky, 5]
        assert (pixels[1, ky, 5, 2 * coil], pixels[1, ky, 5, 2 * coil + 1]) == (sample.real, sample.imag)
    assert envelope.timestamp == 1700000001.0
    expected = {
        "TR.Version": "1",
        "TR.StreamID": "case 7",
        "TR.DataDomain": "kspace",
        "TR.FrameIndex": "4",
        "TR.NumCoils": "3",
        "TR.AcqStartTime": "1700000000.250000",
        "TR.AcqEndTime": "1700000001.750000",
    }
    assert {key: envelope.metadata[key] for key in expected} == expected
    packed = base64.b64decode(envelope.metadata["TR.Mask"].removeprefix("rowbits-b64:"))
    bits = "".join(f"{byte:08b}" for byte in packed)
    assert bits == "".join("1" if line else "0" for line in frame.mask.ravel())
    assert "TR.Role" not in envelope.metadata


def test_a_sampled_line_of_zeros_stays_sampled():
    frame = kspace_frame()
    ky = int(np.flatnonzero(frame.mask[0])[0])
    frame.data[:, 0, ky] = 0
    assert FrameReader().read(over_the_wire(kspace_envelope(frame))).frame.mask[0, ky]


def test_without_a_mask_lines_that_are_zero_in_all_coils_are_unsampled():
    frame = kspace_frame()
    frame.data[0, 1, np.flatnonzero(frame.mask[1])[0]] = 0  # one silent coil does not make a line unsampled
    received = FrameReader().read(over_the_wire(changed(kspace_envelope(frame), Mask=None))).frame
    np.testing.assert_array_equal(received.mask, frame.mask)


def test_values_in_lines_that_the_mask_leaves_out_are_not_data():
    frame = kspace_frame()
    full = KSpaceFrame(np.full_like(frame.data, 1 + 1j), np.ones_like(frame.mask), GEOMETRY)
    envelope = changed(kspace_envelope(full), Mask=kspace_envelope(frame).metadata["TR.Mask"])
    received = FrameReader().read(over_the_wire(envelope)).frame
    np.testing.assert_array_equal(received.mask, frame.mask)
    assert np.all(received.data[:, ~frame.mask] == 0)
    assert np.all(received.data[:, frame.mask] == 1 + 1j)


def test_legacy_frames_are_counted_up_and_timed_by_their_header():
    reader = FrameReader()
    frames = [
        reader.read(over_the_wire(kspace_envelope(kspace_frame(index=index)), legacy_v1=True)) for index in (7, 8, 9)
    ]
    assert [incoming.frame.index for incoming in frames] == [0, 1, 2]
    assert frames[0].time_is_known
    assert frames[0].frame.acquisition_start_time == pytest.approx(1700000001.0, abs=1e-6)
    np.testing.assert_array_equal(frames[0].frame.mask, kspace_frame(index=7).mask)


def test_without_any_time_the_time_of_arrival_is_used_and_flagged():
    envelope = Envelope(ImageMessage(np.ones((1, 4, 4), np.uint16), GEOMETRY), "MR Image", arrival_time=123.5)
    incoming = FrameReader().read(envelope)
    assert not incoming.time_is_known
    assert incoming.frame.acquisition_start_time == incoming.frame.acquisition_end_time == 123.5


def test_a_planning_scan_is_told_from_the_series():
    reader = FrameReader()
    full = KSpaceFrame(np.ones((1, 2, 8, 8), np.complex64), np.ones((2, 8), bool), GEOMETRY)
    assert reader.read(over_the_wire(kspace_envelope(full, planning=True))).is_planning
    assert reader.read(over_the_wire(image_envelope(image_frame(), planning=True))).is_planning
    sparing = changed(kspace_envelope(kspace_frame()), FrameIndex=None, StreamID=None)
    assert reader.read(over_the_wire(sparing)).frame.index == 0  # planning scans were not counted


def test_a_frame_without_geometry_says_so():
    received = FrameReader().read(over_the_wire(kspace_envelope(kspace_frame(has_geometry=False))))
    assert not received.frame.has_geometry


@pytest.mark.parametrize(
    ("lie", "value"),
    [
        ("NumCoils", "5"),
        ("NumCoils", "-3"),
        ("FrameIndex", "1.5"),
        ("FrameIndex", "9" * 40),
        ("AcqStartTime", "yesterday"),
        ("AcqStartTime", "nan"),
        ("AcqStartTime", None),
        ("AcqEndTime", "1.0"),
        ("DataDomain", "wavelet"),
        ("Version", "2"),
        ("Mask", "rowbits-b64:AAAA"),
        ("Mask", "rowbits-b64:%%%"),
        ("Mask", "hex:00"),
    ],
)
def test_metadata_that_lie_are_refused(lie, value):
    with pytest.raises(MessageError) as caught:
        FrameReader().read(over_the_wire(changed(kspace_envelope(kspace_frame()), **{lie: value})))
    assert caught.value.reason == "metadata"


def test_kspace_must_be_float32_pairs():
    for pixels in (np.ones((1, 4, 4), np.float32), np.ones((1, 4, 4, 3), np.float32), np.ones((1, 4, 4, 2), np.int16)):
        with pytest.raises(MessageError) as caught:
            FrameReader().read(Envelope(ImageMessage(pixels, GEOMETRY), "KSPACE_IN"))
        assert caught.value.reason == "content"


def test_nan_samples_and_empty_masks_are_refused():
    frame = kspace_frame()
    envelope = kspace_envelope(frame)
    envelope.message.data[0, int(np.flatnonzero(frame.mask[0])[0]), 3, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        FrameReader().read(over_the_wire(envelope))
    empty = Envelope(ImageMessage(np.zeros((1, 4, 4, 2), np.float32), GEOMETRY), "KSPACE_IN")
    with pytest.raises(InputError, match="no sampled line"):
        FrameReader().read(empty)


def test_a_text_message_is_no_frame():
    with pytest.raises(MessageError, match="expected IMAGE"):
        FrameReader().read(Envelope(StringMessage("x"), "KSPACE_IN"))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32, np.float64])
def test_magnitude_images_of_any_scalar_type_are_read(dtype):
    pixels = np.arange(64).reshape(1, 8, 8).astype(dtype)
    frame = FrameReader().read(over_the_wire(Envelope(ImageMessage(pixels, GEOMETRY), "MR Image"), True)).frame
    assert isinstance(frame, ImageFrame)
    assert frame.data.dtype == np.float32
    np.testing.assert_array_equal(frame.data, pixels)


def test_complex_images_keep_their_phase():
    values = (np.arange(16, dtype=np.float32).reshape(1, 4, 4) * np.exp(0.3j)).astype(np.complex64)
    frame = ImageFrame(np.abs(values), GEOMETRY, complex_data=values)
    received = FrameReader().read(over_the_wire(image_envelope(frame, send_complex=True))).frame
    np.testing.assert_array_equal(received.complex_data, values)
    np.testing.assert_allclose(received.data, np.abs(values), rtol=1e-6)
    with pytest.raises(InputError, match="no complex image"):
        image_envelope(image_frame(), send_complex=True)


def test_colour_images_are_refused():
    with pytest.raises(MessageError, match="3 components"):
        FrameReader().read(Envelope(ImageMessage(np.ones((1, 4, 4, 3), np.uint8), GEOMETRY), "MR Image"))


def test_a_reconstruction_echoes_its_input_and_adds_its_results():
    frame = image_frame(quality=0.75, latency_s=0.0125)
    envelope = over_the_wire(recon_envelope(frame, state="tracked", confidence=0.9))
    assert envelope.device_name == "RECON"
    assert envelope.message.data.dtype == np.float32
    assert envelope.message.n_components == 1
    assert envelope.timestamp == 1700000001.0
    expected = {
        "TR.FrameIndex": "4",
        "TR.AcqStartTime": "1700000000.250000",
        "TR.AcqEndTime": "1700000001.750000",
        "TR.DataDomain": "image",
        "TR.Latency_ms": "12.500",
        "TR.Quality": "0.7500",
        "TR.State": "tracked",
        "TR.Confidence": "0.9000",
    }
    assert {key: envelope.metadata[key] for key in expected} == expected
    received = FrameReader().read(envelope).frame
    assert (received.quality, received.latency_s, received.index) == (0.75, 0.0125, 4)
    np.testing.assert_array_equal(received.data, frame.data)


def test_instrument_labels_travel_as_uint8_on_the_grid_of_their_image():
    labels = np.zeros((2, 24, 16), np.uint8)
    labels[1, 3:9, 4] = 2
    envelope = over_the_wire(instrument_envelope(labels, image_frame(), state="tracked"))
    assert (envelope.device_name, envelope.message.data.dtype) == ("INSTRUMENT", np.uint8)
    np.testing.assert_array_equal(envelope.message.data, labels)
    assert envelope.metadata["TR.State"] == "tracked"
    with pytest.raises(InputError, match="uint8"):
        instrument_envelope(labels[:1], image_frame())


def test_a_tip_says_whether_it_is_known():
    pose = np.eye(4)
    pose[:3, 3] = [1, 2, 3]
    known = over_the_wire(transform_envelope(pose, "GuideTipToRAS", timestamp=5.0, index=9, state="tracked"))
    np.testing.assert_array_equal(known.message.matrix, pose)
    assert known.metadata["TransformStatus"] == "OK"
    assert (known.metadata["TR.FrameIndex"], known.metadata["TR.State"]) == ("9", "tracked")
    assert transform_is_valid(known)
    unknown = over_the_wire(transform_envelope(None, state="lost"))
    assert unknown.metadata["TransformStatus"] == "INVALID"
    assert not transform_is_valid(unknown)
