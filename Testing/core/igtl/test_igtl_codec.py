"""Bytes on the wire: against bytes of the reference C++ library, and there and back."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from fastcrc import crc64
from hypothesis import given, settings
from hypothesis import strategies as st
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.codec import decode_body, encode
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import FramingError, MessageError
from TemporalReconLib.igtl.header import HEADER_SIZE, decode_header
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import (
    CapabilityMessage,
    PointElement,
    PointMessage,
    QueryMessage,
    StatusMessage,
    StringMessage,
    TrackedTool,
    TrackingDataMessage,
    TransformMessage,
)

# Captured from libopenigtlink 1.11 (Testing/interop/cpp/igtl_sender.cxx), time stamp 1700000000.25 s.
CPP_TRANSFORM = bytes.fromhex(
    "00015452414e53464f524d0000004378785472616e73666f726d00000000000000006553f1003fffffff0000000000000030"
    "d014c90aa45f55be000000003f80000000000000bf800000000000000000000000000000000000003f80000041280000c1a2000041f00000"
)
CPP_STRING = bytes.fromhex(
    "0001535452494e47000000000000437878537472696e6700000000000000000000006553f1003fffffff000000000000001a"
    "0332e79d366d4c4d000300167b226d6574686f64223a202274656d706f72616c227d"
)
CPP_STATUS = bytes.fromhex(
    "000153544154555300000000000043787853746174757300000000000000000000006553f1003fffffff0000000000000034"
    "ae0f3e90f75a4f86000d000000000000002a5761726d696e67207570000000000000000000006772616469656e7420636f696c"
    "20697320636f6c6400"
)

printable = st.text(st.characters(min_codepoint=32, max_codepoint=126))
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
metadata = st.dictionaries(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), printable)
times = st.floats(0, 2**32 - 1, allow_nan=False)
coordinates = st.floats(-1e4, 1e4, width=32)


def decode(raw: bytes, **options: str) -> Envelope:
    return decode_body(decode_header(raw[:HEADER_SIZE]), raw[HEADER_SIZE:], **options)


def there_and_back(envelope: Envelope, legacy_v1: bool = False) -> Envelope:
    return decode(b"".join(encode(envelope, legacy_v1)))


def with_crc(raw: bytearray) -> bytes:
    raw[42:50] = struct.pack(">Q", len(raw) - HEADER_SIZE)
    raw[50:58] = struct.pack(">Q", crc64.ecma_182(bytes(raw[HEADER_SIZE:])))
    return bytes(raw)


def poses() -> st.SearchStrategy[np.ndarray]:
    def build(position: list[float], angle: float) -> np.ndarray:
        pose = np.eye(4)
        pose[:3, 3] = position
        pose[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        return pose

    return st.builds(build, st.lists(coordinates, min_size=3, max_size=3), st.floats(0, 6))


@pytest.mark.parametrize(
    ("golden", "message", "name"),
    [
        (CPP_STRING, StringMessage('{"method": "temporal"}'), "CxxString"),
        (CPP_STATUS, StatusMessage(13, "gradient coil is cold", "Warming up", 42), "CxxStatus"),
        (
            CPP_TRANSFORM,
            TransformMessage(np.array([[0, -1, 0, 10.5], [1, 0, 0, -20.25], [0, 0, 1, 30], [0, 0, 0, 1]])),
            "CxxTransform",
        ),
    ],
    ids=["string", "status", "transform"],
)
def test_legacy_messages_are_the_bytes_of_the_cpp_library(golden, message, name):
    # The clock of the library rounds a quarter of a second to one unit of 2^-32 s less.
    assert golden[38:42] == b"\x3f\xff\xff\xff"
    expected = golden[:38] + b"\x40\0\0\0" + golden[42:]
    assert b"".join(encode(Envelope(message, name, 1700000000.25), legacy_v1=True)) == expected


def test_the_bytes_of_the_cpp_library_are_read():
    envelope = decode(CPP_TRANSFORM)
    assert envelope.device_name == "CxxTransform"
    assert envelope.timestamp == pytest.approx(1700000000.25, abs=1e-6)
    np.testing.assert_array_equal(envelope.message.matrix[:3, 3], [10.5, -20.25, 30.0])
    assert decode(CPP_STRING).message == StringMessage('{"method": "temporal"}')


def test_a_version_2_message_has_the_layout_of_the_specification():
    raw = b"".join(encode(Envelope(StringMessage("hi"), "CMD", 1.5, {"Key": "value"}, message_id=9)))
    content, index, body = b"\0\3\0\2hi", struct.pack(">HHHI", 1, 3, 3, 5), b"Keyvalue"
    extended = struct.pack(">HHII", 12, len(index), len(body), 9)
    whole = extended + content + index + body
    header = struct.pack(">H12s20sIIQQ", 2, b"STRING", b"CMD", 1, 2**31, len(whole), crc64.ecma_182(whole))
    assert raw == header + whole


@settings(max_examples=30, deadline=None)
@given(name=names, time=times, extra=metadata, text=st.text(max_size=200))
def test_a_string_with_metadata_survives_the_wire(name, time, extra, text):
    envelope = there_and_back(Envelope(StringMessage(text), name, time, extra, 7))
    assert envelope.message == StringMessage(text)
    assert (envelope.device_name, envelope.metadata, envelope.message_id) == (name, extra, 7)
    assert envelope.timestamp == pytest.approx(time, abs=2**-21)


@settings(max_examples=30, deadline=None)
@given(pose=poses(), legacy=st.booleans())
def test_poses_survive_the_wire(pose, legacy):
    transform = there_and_back(Envelope(TransformMessage(pose), "TipToRAS"), legacy).message
    np.testing.assert_allclose(transform.matrix, pose, rtol=1e-6, atol=1e-6)
    tools = there_and_back(Envelope(TrackingDataMessage((TrackedTool("Needle", pose, 4),)), "T"), legacy).message.tools
    np.testing.assert_allclose(tools[0].matrix, pose, rtol=1e-6, atol=1e-6)
    assert (tools[0].name, tools[0].kind) == ("Needle", 4)


@settings(max_examples=30, deadline=None)
@given(position=st.tuples(coordinates, coordinates, coordinates), name=st.text("abc XYZ", max_size=64))
def test_points_survive_the_wire(position, name):
    message = PointMessage((PointElement(position, name, "Target", (1, 2, 3, 4), 2.5, "MR Image"),))
    assert there_and_back(Envelope(message, "TARGET")).message == message


@pytest.mark.parametrize(
    "message",
    [
        StatusMessage(2, "weights missing: ü", "Error", -5),
        CapabilityMessage(("IMAGE", "TRANSFORM")),
        QueryMessage("GET_CAPABIL"),
        QueryMessage("STT_TDATA", b"\0\0\0\x32" + bytes(32)),
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_other_messages_survive_the_wire(message, legacy):
    assert there_and_back(Envelope(message, "Device"), legacy).message == message


def test_legacy_messages_carry_no_metadata():
    envelope = there_and_back(Envelope(StringMessage("x"), "CMD", metadata={"Key": "value"}), legacy_v1=True)
    assert envelope.metadata == {}


def test_header_version_3_with_a_longer_extended_header_is_read():
    raw = bytearray(b"".join(encode(Envelope(StringMessage("hi"), "CMD", metadata={"a": "b"}))))
    raw[0:2] = b"\0\3"
    raw[58:60] = struct.pack(">H", 16)
    raw[70:70] = b"new!"
    envelope = decode(with_crc(raw))
    assert (envelope.message, envelope.metadata) == (StringMessage("hi"), {"a": "b"})


@pytest.mark.parametrize(
    "start",
    [b"GET / HTTP/1.1\r\nHost: a\r\n", bytes.fromhex("160301020001000001fc0303"), b"\0\4STRING", b"\0\0", b"\xff" * 58],
)
def test_what_is_not_openigtlink_loses_framing(start):
    with pytest.raises(FramingError, match="version"):
        decode_header(start.ljust(HEADER_SIZE, b"\0"))


def test_absurd_sizes_lose_framing_before_anything_is_read():
    for type_name, size in ((b"IMAGE", 2**32), (b"IMAGE", 2**63), (b"TRANSFORM", 10**6), (b"NDARRAY", 2**32)):
        with pytest.raises(FramingError, match=f"body of {size} bytes"):
            decode_header(struct.pack(">H12s20sIIQQ", 1, type_name, b"x", 0, 0, size, 0))


def test_a_type_with_control_characters_loses_framing():
    with pytest.raises(FramingError, match="type"):
        decode_header(struct.pack(">H12s20sIIQQ", 1, b"IMA\x07GE", b"x", 0, 0, 0, 0))


@pytest.mark.parametrize("position", [58, 70, 76, -1])
def test_one_damaged_bit_is_noticed(position):
    raw = bytearray(b"".join(encode(Envelope(StringMessage("text"), "CMD", metadata={"a": "b"}))))
    raw[position] ^= 4
    with pytest.raises(MessageError) as caught:
        decode(bytes(raw))
    assert caught.value.reason == "crc"


@pytest.mark.parametrize("name", [b"CMD\x1b[2J", b"../\xff", b"a\nb"])
def test_names_with_control_characters_are_refused(name):
    raw = bytearray(b"".join(encode(Envelope(StringMessage("text"), "CMD"))))
    raw[14:34] = name.ljust(20, b"\0")
    with pytest.raises(MessageError) as caught:
        decode(bytes(raw))
    assert caught.value.reason == "name"


@pytest.mark.parametrize(
    ("offset", "layout", "lie"),
    [
        (58, ">H", 60_000),  # extended header larger than the body
        (58, ">H", 4),  # smaller than its own fields
        (60, ">H", 60_000),  # metadata index
        (62, ">I", 2**31),  # metadata body
        (62, ">I", 0),  # entries reach beyond it
        (76, ">H", 500),  # number of entries
        (78, ">H", 5),  # key size: the entries no longer fill the body
        (80, ">H", 4711),  # encoding
    ],
)
def test_lying_metadata_are_refused(offset, layout, lie):
    raw = bytearray(b"".join(encode(Envelope(StringMessage("hi"), "CMD", metadata={"a": "bcdefghi"}))))
    raw[offset : offset + struct.calcsize(layout)] = struct.pack(layout, lie)
    with pytest.raises(MessageError) as caught:
        decode(with_crc(raw))
    assert caught.value.reason in ("metadata", "size")


@pytest.mark.parametrize(
    "values", [[np.nan] + [0.0] * 11, [np.inf] * 12, [0.0] * 12, [1, 0, 0, 1, 0, 0, 0, 0, 1, 5, 5, 5]]
)
def test_impossible_transforms_are_refused(values):
    raw = bytearray(CPP_TRANSFORM)
    raw[58:] = struct.pack(">12f", *values)
    with pytest.raises(MessageError) as caught:
        decode(with_crc(raw))
    assert caught.value.reason == "matrix"


@settings(max_examples=200, deadline=None)
@given(
    type_name=st.sampled_from(["IMAGE", "TRANSFORM", "POINT", "STRING", "STATUS", "TDATA", "CAPABILITY", "GET_IMAGE"]),
    version=st.sampled_from([1, 2, 3]),
    body=st.binary(max_size=200),
)
def test_random_bodies_are_read_or_refused_never_worse(type_name, version, body):
    header = struct.pack(">H12s20sIIQQ", version, type_name.encode(), b"fuzz", 0, 0, len(body), crc64.ecma_182(body))
    try:
        assert decode(header + body).type_name == type_name
    except MessageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        (Envelope(StringMessage("x"), ""), "1 to 20 printable ASCII"),
        (Envelope(StringMessage("x"), "n" * 21), "1 to 20 printable ASCII"),
        (Envelope(StringMessage("x"), "Größe"), "1 to 20 printable ASCII"),
        (Envelope(StringMessage("x"), "a\nb"), "1 to 20 printable ASCII"),
        (Envelope(StringMessage("x"), "CMD", float("nan")), "time stamp"),
        (Envelope(StringMessage("x"), "CMD", -1.0), "time stamp"),
        (Envelope(StringMessage("x" * 65_536), "CMD"), "65535"),
        (Envelope(StringMessage("x"), "CMD", metadata={"key": "v" * 65_530}), "metadata of"),
        (Envelope(StringMessage("x"), "CMD", metadata={"": "v"}), "non-empty key"),
        (Envelope(StringMessage("x"), "CMD", metadata={"k": "ü"}), "printable ASCII"),
        (Envelope(PointMessage((PointElement((0, 0, 0), rgba=(999, 0, 0, 0)),)), "P"), "cannot be sent"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_one_line(envelope, expected):
    with pytest.raises(InputError, match=expected) as caught:
        encode(envelope)
    assert "\n" not in str(caught.value)


def test_pixels_are_not_copied_for_sending():
    pixels = np.zeros((2, 3, 4), np.float32)
    buffers = encode(Envelope(ImageMessage(pixels, np.eye(4)), "RECON"))
    assert np.shares_memory(np.frombuffer(buffers[1], np.float32), pixels)
