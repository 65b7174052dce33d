"""The 58 bytes before every OpenIGTLink message, and the size a body may have.

Source: OpenIGTLink protocol 3, message header; header versions 1 (protocols 1, 2), 2 (protocol 3) and 3.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.errors import FramingError, MessageError

_HEADER = struct.Struct(">H12s20sIIQQ")
HEADER_SIZE = _HEADER.size
VERSIONS = (1, 2, 3)
NAME_LENGTH = 20
TYPE_LENGTH = 12
MAX_METADATA_SIZE = 65_535

_MAX_IMAGE_BODY = 256 * 2**20
_EXTENDED = 12 + MAX_METADATA_SIZE
# Types without a fixed size get room for more elements than a sender of this field has a use for.
_MAX_CONTENT = {
    "TRANSFORM": 48,
    "STRING": 4 + 65_535,
    "STATUS": 30 + 65_535,
    "POINT": 136 * 1_000,
    "TDATA": 70 * 1_000,
    "CAPABILITY": 12 * 1_000,
}
_QUERY_PREFIXES = ("GET_", "STT_", "STP_", "RTS_")


@dataclass(frozen=True)
class Header:
    """Decoded message header.

    Attributes
    ----------
    version
        1, 2 or 3; from 2 on the body has an extended header and metadata.
    type_name
        ``IMAGE``, ``TRANSFORM``, ...
    raw_name
        Device name as received, NUL padding removed, not yet checked; see :attr:`device_name`.
    timestamp
        UTC epoch seconds; 0 = unknown.
    body_size, crc
        Bytes that follow, and their CRC64 (ECMA-182).
    """

    version: int
    type_name: str
    raw_name: bytes
    timestamp: float
    body_size: int
    crc: int

    @property
    def device_name(self) -> str:
        """The device name; raises :class:`MessageError` if it is empty or not printable ASCII.

        Only queries may go without: they then ask whoever is there.
        """
        if not self.raw_name.strip() and not is_query(self.type_name):
            raise MessageError("name", f"{self.type_name}: the device name is empty; give the sending device a name")
        if not is_printable_ascii(self.raw_name):
            raise MessageError("name", f"{self.type_name}: device name {self.raw_name!r} is not printable ASCII")
        return self.raw_name.decode("ascii")


def is_printable_ascii(text: bytes) -> bool:
    return all(32 <= byte < 127 for byte in text)


def is_query(type_name: str) -> bool:
    """True for GET_, STT_, STP_ and RTS_ types."""
    return type_name.startswith(_QUERY_PREFIXES)


def max_body_size(type_name: str) -> int:
    """Bytes a body of this type may have at most, extended header and metadata included.

    Unknown types may be as large as an image: they are skipped without being stored.
    """
    if is_query(type_name):
        return _MAX_CONTENT["STRING"] + _EXTENDED
    content = _MAX_CONTENT.get(type_name)
    return _MAX_IMAGE_BODY if content is None else content + _EXTENDED


def check_version(first_two_bytes: bytes) -> None:
    """Tell HTTP, TLS and garbage from OpenIGTLink as soon as two bytes are there; raises FramingError."""
    version = int.from_bytes(first_two_bytes, "big")
    if version not in VERSIONS:
        raise FramingError("version", f"header version {version} is not OpenIGTLink (expected 1, 2 or 3)")


def decode_header(data: bytes | bytearray | memoryview) -> Header:
    """Decode 58 bytes.

    Raises
    ------
    FramingError
        If the version or the type is not OpenIGTLink's, or the body would be larger than its type allows.
    """
    version, raw_type, raw_name, seconds, fraction, body_size, crc = _HEADER.unpack(data)
    check_version(version.to_bytes(2, "big"))
    type_bytes, _, padding = raw_type.partition(b"\0")
    if not type_bytes or not is_printable_ascii(type_bytes) or padding.strip(b"\0"):
        raise FramingError("type", f"message type {raw_type!r} is not a name: this is not OpenIGTLink")
    type_name = type_bytes.decode("ascii").rstrip()
    if body_size > max_body_size(type_name):
        raise FramingError(
            "size", f"{type_name}: body of {body_size} bytes, at most {max_body_size(type_name)} are accepted"
        )
    timestamp = seconds + fraction / 2**32
    return Header(version, type_name, raw_name.partition(b"\0")[0], timestamp, body_size, crc)


def encode_header(version: int, type_name: str, device_name: str, timestamp: float, body_size: int, crc: int) -> bytes:
    """Encode 58 bytes.

    Raises
    ------
    InputError
        If the device name is not 1 to 20 printable ASCII characters or the time is not representable.
    """
    name = device_name.encode("ascii", errors="replace")
    if not 0 < len(name) <= NAME_LENGTH or not device_name.isascii() or not is_printable_ascii(name):
        raise InputError(f"device name {device_name!r}: expected 1 to {NAME_LENGTH} printable ASCII characters")
    if not math.isfinite(timestamp) or not 0.0 <= timestamp < 2**32:
        raise InputError(f"{type_name} {device_name}: time stamp {timestamp} is not a UTC epoch time in seconds")
    if body_size > max_body_size(type_name):
        raise InputError(
            f"{type_name} {device_name}: body of {body_size} bytes, at most {max_body_size(type_name)} can be sent"
        )
    seconds = int(timestamp)
    fraction = int((timestamp - seconds) * 2**32)
    return _HEADER.pack(version, type_name.encode("ascii"), name, seconds, fraction, body_size, crc)
