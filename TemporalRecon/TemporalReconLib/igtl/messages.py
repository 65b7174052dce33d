"""Contents of the small messages: TRANSFORM, POINT, STRING, STATUS, TDATA, CAPABILITY and queries.

Numbers are mm, RAS. Source: OpenIGTLink protocol 3, one page per type.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, validated_ijk_to_ras
from TemporalReconLib.igtl.errors import MessageError
from TemporalReconLib.igtl.header import TYPE_LENGTH, is_printable_ascii, is_query
from TemporalReconLib.igtl.metadata import ASCII, UTF8, decode_text

_TRANSFORM = struct.Struct(">12f")
_POINT = struct.Struct(">64s32s4B3ff20s")
_STRING = struct.Struct(">HH")
_STATUS = struct.Struct(">Hq20s")
_TRACKED = struct.Struct(">20sBB12f")

STATUS_OK = 1
STATUS_UNKNOWN_ERROR = 2
STATUS_NOT_FOUND = 4
STATUS_NOT_READY = 13


@dataclass(frozen=True, eq=False)
class TransformMessage:
    """A rigid or affine transform; ``matrix`` is 4x4, invertible, from the tool to RAS, mm."""

    matrix: Matrix

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", validated_ijk_to_ras(self.matrix, "TRANSFORM"))

    @property
    def type_name(self) -> str:
        return "TRANSFORM"

    def encode_content(self) -> list[bytes | memoryview]:
        return [_TRANSFORM.pack(*self.matrix[:3].T.ravel())]


@dataclass(frozen=True)
class PointElement:
    """One point: RAS mm position, with what a display needs."""

    position: tuple[float, float, float]
    name: str = ""
    group: str = ""
    rgba: tuple[int, int, int, int] = (255, 255, 0, 255)
    diameter: float = 0.0
    owner: str = ""

    def __post_init__(self) -> None:
        if len(self.position) != 3 or not np.all(np.isfinite(self.position)):
            raise InputError(f"POINT {self.name!r}: expected three finite numbers in mm, got {self.position}")


@dataclass(frozen=True)
class PointMessage:
    """One or more points."""

    points: tuple[PointElement, ...]

    @property
    def type_name(self) -> str:
        return "POINT"

    def encode_content(self) -> list[bytes | memoryview]:
        return [
            b"".join(
                _POINT.pack(
                    _padded(point.name, 64),
                    _padded(point.group, 32),
                    *point.rgba,
                    *point.position,
                    point.diameter,
                    _padded(point.owner, 20),
                )
                for point in self.points
            )
        ]


@dataclass(frozen=True)
class StringMessage:
    """Text, at most 65,535 bytes (sent as ASCII, else as UTF-8)."""

    text: str

    @property
    def type_name(self) -> str:
        return "STRING"

    def encode_content(self) -> list[bytes | memoryview]:
        raw = self.text.encode("utf-8")
        if len(raw) > 65_535:
            raise InputError(f"STRING: text of {len(raw)} bytes, at most 65535 can be sent")
        return [_STRING.pack(ASCII if self.text.isascii() else UTF8, len(raw)) + raw]


@dataclass(frozen=True)
class StatusMessage:
    """Health of a device; ``code`` 1 is OK, 2..19 as in the protocol, ``sub_code`` and ``error_name`` are ours."""

    code: int = STATUS_OK
    text: str = ""
    error_name: str = ""
    sub_code: int = 0

    @property
    def type_name(self) -> str:
        return "STATUS"

    def encode_content(self) -> list[bytes | memoryview]:
        raw = self.text.encode("utf-8") + b"\0"
        if len(raw) > 65_535:
            raise InputError(f"STATUS: text of {len(raw)} bytes, at most 65535 can be sent")
        return [_STATUS.pack(self.code, self.sub_code, _padded(self.error_name, 20)) + raw]


@dataclass(frozen=True, eq=False)
class TrackedTool:
    """One tool of a tracking device: its name, kind (1 tracker, 2 6D, 3 3D, 4 5D) and 4x4 tool-to-RAS matrix."""

    name: str
    matrix: Matrix
    kind: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", validated_ijk_to_ras(self.matrix, f"TDATA {self.name!r}"))


@dataclass(frozen=True, eq=False)
class TrackingDataMessage:
    """Positions of the tools of a tracking device."""

    tools: tuple[TrackedTool, ...]

    @property
    def type_name(self) -> str:
        return "TDATA"

    def encode_content(self) -> list[bytes | memoryview]:
        return [
            b"".join(
                _TRACKED.pack(_padded(tool.name, 20), tool.kind, 0, *tool.matrix[:3].T.ravel()) for tool in self.tools
            )
        ]


@dataclass(frozen=True)
class CapabilityMessage:
    """Names of the message types a peer understands."""

    types: tuple[str, ...]

    @property
    def type_name(self) -> str:
        return "CAPABILITY"

    def encode_content(self) -> list[bytes | memoryview]:
        return [b"".join(_padded(name, TYPE_LENGTH).ljust(TYPE_LENGTH, b"\0") for name in self.types)]


@dataclass(frozen=True)
class QueryMessage:
    """GET_, STT_, STP_ or RTS_ of some type; its content is kept as it came."""

    query: str
    content: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if not is_query(self.query) or len(self.query) > TYPE_LENGTH or not self.query.isascii():
            raise InputError(f"query {self.query!r}: expected GET_, STT_, STP_ or RTS_ and a type (<= 12 letters)")

    @property
    def type_name(self) -> str:
        return self.query

    def encode_content(self) -> list[bytes | memoryview]:
        return [self.content]


def decode_transform(content: memoryview) -> TransformMessage:
    if len(content) != _TRANSFORM.size:
        raise MessageError("size", f"TRANSFORM: {len(content)} bytes, expected {_TRANSFORM.size}")
    return TransformMessage(_matrix(_TRANSFORM.unpack(content), "TRANSFORM"))


def decode_points(content: memoryview) -> PointMessage:
    _check_elements("POINT", content, _POINT.size)
    points = []
    for name, group, red, green, blue, alpha, x, y, z, diameter, owner in _POINT.iter_unpack(content):
        if not np.all(np.isfinite([x, y, z, diameter])):
            raise MessageError("content", "POINT: NaN or infinite position")
        text = [_text(raw, "POINT") for raw in (name, group, owner)]
        points.append(PointElement((x, y, z), text[0], text[1], (red, green, blue, alpha), diameter, text[2]))
    return PointMessage(tuple(points))


def decode_string(content: memoryview) -> StringMessage:
    if len(content) < _STRING.size:
        raise MessageError("size", f"STRING: {len(content)} bytes, its header alone has {_STRING.size}")
    encoding, length = _STRING.unpack_from(content)
    if len(content) - _STRING.size != length:
        raise MessageError("size", f"STRING: {len(content) - _STRING.size} bytes of text, its header says {length}")
    return StringMessage(decode_text(bytes(content[_STRING.size :]), encoding, "content"))


def decode_status(content: memoryview) -> StatusMessage:
    if len(content) < _STATUS.size:
        raise MessageError("size", f"STATUS: {len(content)} bytes, its header alone has {_STATUS.size}")
    code, sub_code, error_name = _STATUS.unpack_from(content)
    text = decode_text(bytes(content[_STATUS.size :]).partition(b"\0")[0], UTF8, "content")
    return StatusMessage(code, text, _text(error_name, "STATUS"), sub_code)


def decode_tracking_data(content: memoryview) -> TrackingDataMessage:
    _check_elements("TDATA", content, _TRACKED.size)
    tools = []
    for name, kind, _, *values in _TRACKED.iter_unpack(content):
        tools.append(TrackedTool(_text(name, "TDATA"), _matrix(tuple(values), "TDATA"), kind))
    return TrackingDataMessage(tuple(tools))


def decode_capability(content: memoryview) -> CapabilityMessage:
    _check_elements("CAPABILITY", content, TYPE_LENGTH)
    starts = range(0, len(content), TYPE_LENGTH)
    return CapabilityMessage(
        tuple(_text(bytes(content[start : start + TYPE_LENGTH]), "CAPABILITY") for start in starts)
    )


def _matrix(values: tuple[float, ...], what: str) -> Matrix:
    matrix = np.eye(4)
    matrix[:3] = np.array(values).reshape(4, 3).T
    try:
        return validated_ijk_to_ras(matrix, what)
    except InputError as error:
        raise MessageError("matrix", str(error)) from None


def _check_elements(what: str, content: memoryview, size: int) -> None:
    if len(content) % size:
        raise MessageError("size", f"{what}: {len(content)} bytes, expected a multiple of {size}")


def _text(raw: bytes, what: str) -> str:
    """A NUL-padded name field: printable ASCII only."""
    name = raw.partition(b"\0")[0]
    if not is_printable_ascii(name):
        raise MessageError("name", f"{what}: name {name!r} is not printable ASCII")
    return name.decode("ascii")


def _padded(text: str, length: int) -> bytes:
    raw = text.encode("ascii", "replace")
    if not text.isascii() or not is_printable_ascii(raw) or len(raw) > length:
        raise InputError(f"name {text!r}: expected at most {length} printable ASCII characters")
    return raw
