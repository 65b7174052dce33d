"""Key/value metadata at the end of a message body (header version 2 and later)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.errors import MessageError
from TemporalReconLib.igtl.header import MAX_METADATA_SIZE, is_printable_ascii

_COUNT = struct.Struct(">H")
_INDEX = struct.Struct(">HHI")
ASCII = 3  # IANA MIBenum
UTF8 = 106


def encode_metadata(metadata: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Index and body of the metadata section.

    Raises
    ------
    InputError
        If a key or value is not printable ASCII, or the section exceeds 65,535 bytes (Slicer's connector
        drops the whole message then).
    """
    index = [_COUNT.pack(len(metadata))]
    body: list[bytes] = []
    for key, value in metadata.items():
        raw_key, raw_value = key.encode("ascii", "replace"), value.encode("ascii", "replace")
        if not key or not (key + value).isascii() or not is_printable_ascii(raw_key + raw_value):
            raise InputError(f"metadata {key!r}: expected a non-empty key and a value in printable ASCII")
        index.append(_INDEX.pack(len(raw_key), ASCII, len(raw_value)))
        body += [raw_key, raw_value]
    encoded = b"".join(index), b"".join(body)
    size = len(encoded[0]) + len(encoded[1])
    if size > MAX_METADATA_SIZE:
        raise InputError(f"metadata of {size} bytes, at most {MAX_METADATA_SIZE} can be sent with a message")
    return encoded


def decode_metadata(index: memoryview, body: memoryview) -> dict[str, str]:
    """Decode; the sizes in the index must add up to the body exactly.

    Raises
    ------
    MessageError
        If the section is too large, its sizes lie, or its text is not ASCII or UTF-8.
    """
    if len(index) + len(body) > MAX_METADATA_SIZE:
        raise MessageError("metadata", f"metadata of {len(index) + len(body)} bytes, at most {MAX_METADATA_SIZE}")
    if len(index) == 0 and len(body) == 0:
        return {}
    if len(index) < _COUNT.size:
        raise MessageError("metadata", "metadata index is cut short")
    (count,) = _COUNT.unpack_from(index)
    if len(index) != _COUNT.size + count * _INDEX.size:
        raise MessageError("metadata", f"metadata index has {len(index)} bytes, {count} entries need another number")
    result: dict[str, str] = {}
    position = 0
    for entry in range(count):
        key_size, encoding, value_size = _INDEX.unpack_from(index, _COUNT.size + entry * _INDEX.size)
        end = position + key_size + value_size
        if end > len(body):
            raise MessageError("metadata", f"metadata entry {entry} reaches beyond the message")
        raw_key = bytes(body[position : position + key_size])
        raw_value = bytes(body[position + key_size : end])
        if not raw_key or not is_printable_ascii(raw_key):
            raise MessageError("metadata", f"metadata key {raw_key[:32]!r} is not printable ASCII")
        result[raw_key.decode("ascii")] = decode_text(raw_value, encoding, "metadata")
        position = end
    if position != len(body):
        raise MessageError("metadata", f"metadata body has {len(body)} bytes, its entries take {position}")
    return result


def decode_text(raw: bytes, encoding: int, reason: str) -> str:
    """Text in ASCII or UTF-8 (senders label UTF-8 as ASCII, so both are read as UTF-8)."""
    if encoding not in (ASCII, UTF8):
        raise MessageError(reason, f"text encoding {encoding} is not supported (expected 3 = ASCII or 106 = UTF-8)")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MessageError(reason, "text is neither ASCII nor UTF-8") from None
