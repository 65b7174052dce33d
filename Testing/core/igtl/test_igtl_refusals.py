"""What a codec must not read or send, each with its reason."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from fastcrc import crc64
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.byte_order import looks_byte_swapped
from TemporalReconLib.igtl.codec import decode_body, encode
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import MessageError
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.igtl.header import HEADER_SIZE, decode_header, encode_header
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import (
    PointElement,
    PointMessage,
    QueryMessage,
    StatusMessage,
    StringMessage,
)
from TemporalReconLib.igtl.metadata import MAX_METADATA_SIZE

LARGEST_STATUS_TEXT = 65_534


def refusal(header: bytes, body: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        decode_body(decode_header(header), body)
    return caught.value


def signed(version: int, type_name: str, body: bytes) -> tuple[bytes, bytes]:
    """A message whose size and checksum are right, whatever its body says."""
    return encode_header(version, type_name, "TEST", 1.0, len(body), crc64.ecma_182(body)), body


def test_a_body_of_another_length_than_its_header_says_is_refused() -> None:
    raw = b"".join(encode(Envelope(StringMessage("hello"), "CMD")))
    header, body = raw[:HEADER_SIZE], raw[HEADER_SIZE:]
    assert decode_body(decode_header(header), body).message == StringMessage("hello")
    assert refusal(header, body[:-1]).reason == "size"
    assert refusal(header, body + b"\0").reason == "size"


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_point_that_is_nowhere_is_neither_read_nor_sent(number: float) -> None:
    (content,) = PointMessage((PointElement((1.0, 2.0, 3.0), "target"),)).encode_content()
    place = bytes(content).index(struct.pack(">f", 1.0))
    lying = bytes(content[:place]) + struct.pack(">f", number) + bytes(content[place + 4 :])
    error = refusal(*signed(1, "POINT", lying))
    assert error.reason == "content"
    assert "finite" in str(error)
    with pytest.raises(InputError, match="three finite numbers"):
        PointElement((number, 2.0, 3.0))
    with pytest.raises(InputError, match="three finite numbers"):
        PointElement((1.0, 2.0))  # type: ignore[arg-type]


def test_metadata_beyond_their_limit_are_refused_before_they_are_read() -> None:
    size = MAX_METADATA_SIZE + 1
    body = struct.pack(">HHII", 12, 2, size - 2, 7) + struct.pack(">HH", 3, 0) + bytes(size)
    error = refusal(*signed(2, "STRING", body))
    assert error.reason == "metadata"
    assert str(MAX_METADATA_SIZE) in str(error)


def test_more_than_a_receiver_may_accept_is_not_announced() -> None:
    with pytest.raises(InputError, match=r"at most \d+ can be sent"):
        encode_header(2, "STRING", "CMD", 1.0, 2**40, 0)


def test_the_longest_text_of_a_status_is_sent_and_one_byte_more_is_not() -> None:
    longest = StatusMessage(text="x" * LARGEST_STATUS_TEXT)
    raw = b"".join(encode(Envelope(longest, "HEALTH")))
    assert decode_body(decode_header(raw[:HEADER_SIZE]), raw[HEADER_SIZE:]).message == longest
    with pytest.raises(InputError, match="at most 65535"):
        StatusMessage(text="x" * (LARGEST_STATUS_TEXT + 1)).encode_content()


@pytest.mark.parametrize("name", ["n" * 21, "Größe", "two\nlines"])
def test_names_inside_a_message_must_be_short_printable_ascii(name: str) -> None:
    with pytest.raises(InputError, match="at most 20 printable ASCII"):
        StatusMessage(error_name=name).encode_content()


@pytest.mark.parametrize("query", ["START", "GET_ABCDEFGHIJ", "GET_BÜRO"])
def test_a_question_is_one_of_the_protocols_four(query: str) -> None:
    assert QueryMessage("GET_IMAGE").type_name == "GET_IMAGE"
    with pytest.raises(InputError, match="expected GET_"):
        QueryMessage(query)


def test_an_empty_picture_tells_nothing_of_its_byte_order() -> None:
    for kind in (">f4", "<f4", ">i2", "<u2"):
        assert not looks_byte_swapped(np.zeros((8, 8), kind))
    ramp = np.arange(4096, dtype=np.float32).reshape(64, 64)
    assert looks_byte_swapped(ramp.view(ramp.dtype.newbyteorder()))
    assert not looks_byte_swapped(ramp)


def test_frames_without_an_index_are_counted_from_0_again_after_a_reset() -> None:
    reader = FrameReader()
    image = Envelope(ImageMessage(np.ones((1, 8, 8), np.float32), np.eye(4)), "MR Image", 1.0, arrival_time=5.0)
    assert [reader.read(image).frame.index for _ in range(3)] == [0, 1, 2]
    reader.reset()
    assert reader.read(image).frame.index == 0
