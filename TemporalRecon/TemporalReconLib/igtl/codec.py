"""Envelope <-> bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial

from fastcrc import crc64

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.envelope import Envelope, Message
from TemporalReconLib.igtl.errors import MessageError
from TemporalReconLib.igtl.header import Header, encode_header, is_query
from TemporalReconLib.igtl.image_message import ImageCoordinates, decode_image
from TemporalReconLib.igtl.messages import (
    QueryMessage,
    decode_capability,
    decode_points,
    decode_status,
    decode_string,
    decode_tracking_data,
    decode_transform,
)
from TemporalReconLib.igtl.metadata import decode_metadata, encode_metadata

_EXTENDED_HEADER = struct.Struct(">HHII")

_DECODERS: dict[str, Callable[[memoryview], Message]] = {
    "TRANSFORM": decode_transform,
    "POINT": decode_points,
    "STRING": decode_string,
    "STATUS": decode_status,
    "TDATA": decode_tracking_data,
    "CAPABILITY": decode_capability,
}


def is_known_type(type_name: str) -> bool:
    """True if messages of this type are decoded; others are skipped."""
    return type_name == "IMAGE" or type_name in _DECODERS or is_query(type_name)


def encode(envelope: Envelope, legacy_v1: bool = False) -> list[bytes | memoryview]:
    """Buffers to be sent one after the other; pixels are not copied.

    Parameters
    ----------
    legacy_v1
        Send a version 1 header, without extended header and metadata, for receivers of protocols 1 and 2.

    Raises
    ------
    InputError
        If the name, the time, the metadata or the content cannot be sent.
    """
    try:
        buffers = envelope.message.encode_content()
    except (struct.error, OverflowError) as error:
        raise InputError(f"{envelope.type_name} {envelope.device_name}: a number cannot be sent ({error})") from None
    if not legacy_v1:
        index, body = encode_metadata(envelope.metadata)
        extended = _EXTENDED_HEADER.pack(_EXTENDED_HEADER.size, len(index), len(body), envelope.message_id)
        buffers = [extended + buffers[0], *buffers[1:], index + body]
    crc = 0
    for buffer in buffers:
        crc = crc64.ecma_182(buffer, crc)
    size = sum(len(buffer) for buffer in buffers)
    header = encode_header(
        1 if legacy_v1 else 2, envelope.type_name, envelope.device_name, envelope.timestamp, size, crc
    )
    return [header + buffers[0], *buffers[1:]]


def decode_body(
    header: Header, body: bytes | bytearray | memoryview, image_coordinates: ImageCoordinates = "label"
) -> Envelope:
    """Decode and check a body; images keep their pixels in ``body``.

    Parameters
    ----------
    image_coordinates
        ``label`` converts LPS-labelled images to RAS; ``ras`` and ``lps`` overrule the label.

    Raises
    ------
    MessageError
        If the message must be dropped: CRC, name, type, sizes, metadata, matrix or content.
    """
    decoder = _decoder(header.type_name, image_coordinates)
    view = memoryview(body)
    if len(view) != header.body_size:
        raise MessageError("size", f"{header.type_name}: {len(view)} bytes of body, its header says {header.body_size}")
    if crc64.ecma_182(view) != header.crc:
        raise MessageError("crc", f"{header.type_name}: the checksum does not fit; the message was damaged")
    device_name = header.device_name
    content, metadata, message_id = (view, {}, 0) if header.version == 1 else _split_extended(header.type_name, view)
    try:
        message = decoder(content)
    except MessageError:
        raise
    except InputError as error:
        raise MessageError("content", str(error)) from None
    return Envelope(message, device_name, header.timestamp, metadata, message_id)


def _decoder(type_name: str, image_coordinates: ImageCoordinates) -> Callable[[memoryview], Message]:
    if type_name == "IMAGE":
        return partial(decode_image, coordinates=image_coordinates)
    if is_query(type_name):
        return lambda content: QueryMessage(type_name, bytes(content))
    if type_name not in _DECODERS:
        raise MessageError("type", f"message type {type_name} is not supported")
    return _DECODERS[type_name]


def _split_extended(type_name: str, body: memoryview) -> tuple[memoryview, dict[str, str], int]:
    if len(body) < _EXTENDED_HEADER.size:
        raise MessageError("size", f"{type_name}: {len(body)} bytes, its extended header has {_EXTENDED_HEADER.size}")
    extended_size, index_size, metadata_size, message_id = _EXTENDED_HEADER.unpack_from(body)
    end = len(body) - index_size - metadata_size
    # A longer extended header belongs to a newer protocol; its extra fields are skipped.
    if not _EXTENDED_HEADER.size <= extended_size <= end:
        raise MessageError(
            "metadata",
            f"{type_name}: extended header of {extended_size} and metadata of {index_size} + {metadata_size} bytes "
            f"do not fit into {len(body)}",
        )
    metadata = decode_metadata(body[end : end + index_size], body[end + index_size :])
    return body[extended_size:end], metadata, message_id
