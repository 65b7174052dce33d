"""IMAGE: pixels with their geometry.

On the wire the matrix holds the index axes times the spacing and, as position, the *center* of the image:
the point half way between the centers of the first and the last voxel, index (N - 1) / 2. That is how Slicer's
connector and pyigtl read it. (The C++ library itself only carries the numbers and names them "origin".)
Source: OpenIGTLink protocol 3, IMAGE; igtl_image.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import LPS_TO_RAS, Matrix, validated_ijk_to_ras
from TemporalReconLib.igtl.byte_order import looks_byte_swapped
from TemporalReconLib.igtl.errors import MessageError

ImageCoordinates = Literal["label", "ras", "lps"]

_IMAGE_HEADER = struct.Struct(">HBBBB3H12f6H")
_DTYPES = {2: "i1", 3: "u1", 4: "i2", 5: "u2", 6: "i4", 7: "u4", 10: "f4", 11: "f8"}
_SCALAR_TYPES = {code: scalar_type for scalar_type, code in _DTYPES.items()}
_BIG, _LITTLE = 1, 2
_RAS, _LPS = 1, 2
MAX_COMPONENTS = 254
# Far beyond any magnet: what exceeds it is not mm, or no matrix.
_MAX_SPACING_MM = 1e3
_MAX_POSITION_MM = 1e5


@dataclass(frozen=True, eq=False)
class ImageMessage:
    """Content of an IMAGE message.

    Attributes
    ----------
    data
        (slice, row, col) or, with components, (slice, row, col, component); int8 to float64. It must not be
        changed after the message was handed over for sending: it is sent from where it is.
    ijk_to_ras
        4x4, mm, RAS; index (0, 0, 0) is the center of the first voxel.
    byte_order_corrected
        True where the sender labelled little-endian pixels as big-endian (the default label of the C++
        library) and the label was overruled.
    """

    data: NDArray
    ijk_to_ras: Matrix
    byte_order_corrected: bool = False

    def __post_init__(self) -> None:
        data = np.asarray(self.data)
        if data.dtype.str[1:] not in _SCALAR_TYPES:
            raise InputError(f"IMAGE: pixels of type {data.dtype} cannot be sent, expected (u)int8..32 or float32/64")
        if data.ndim not in (3, 4) or 0 in data.shape or max(data.shape[:3]) > 65_535:
            raise InputError(f"IMAGE: expected (slice, row, col[, component]) of 1..65535 each, got {data.shape}")
        if data.ndim == 4 and data.shape[3] > MAX_COMPONENTS:
            raise InputError(f"IMAGE: {data.shape[3]} components, at most {MAX_COMPONENTS} can be sent")
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "ijk_to_ras", validated_ijk_to_ras(self.ijk_to_ras, "IMAGE matrix"))

    @property
    def type_name(self) -> str:
        return "IMAGE"

    @property
    def n_components(self) -> int:
        return int(self.data.shape[3]) if self.data.ndim == 4 else 1

    def encode_content(self) -> list[bytes | memoryview]:
        """Image header and pixels (little-endian, not copied where they are contiguous already)."""
        code = self.data.dtype.str[1:]
        pixels = np.ascontiguousarray(self.data, dtype="<" + code)
        slices, rows, columns = pixels.shape[:3]
        center = self.ijk_to_ras @ [(columns - 1) / 2, (rows - 1) / 2, (slices - 1) / 2, 1.0]
        header = _IMAGE_HEADER.pack(
            1,
            self.n_components,
            _SCALAR_TYPES[code],
            _LITTLE,
            _RAS,
            columns,
            rows,
            slices,
            *self.ijk_to_ras[:3, :3].T.ravel(),
            *center[:3],
            0,
            0,
            0,
            columns,
            rows,
            slices,
        )
        return [header, pixels.data.cast("B")]


def decode_image(content: memoryview, coordinates: ImageCoordinates = "label") -> ImageMessage:
    """Decode image header and pixels; the pixels stay in ``content`` where no byte order must be changed.

    Parameters
    ----------
    coordinates
        ``label`` converts an LPS-labelled geometry to RAS; ``ras`` and ``lps`` overrule the label.

    Raises
    ------
    MessageError
        If sizes, types or the matrix are impossible, or the message is a sub-volume.
    """
    if len(content) < _IMAGE_HEADER.size:
        raise MessageError("size", f"IMAGE: {len(content)} bytes, the image header alone has {_IMAGE_HEADER.size}")
    version, n_components, scalar_type, endian, label, columns, rows, slices, *rest = _IMAGE_HEADER.unpack_from(content)
    if version != 1:
        raise MessageError("content", f"IMAGE: image format version {version}, expected 1")
    if scalar_type not in _DTYPES or endian not in (_BIG, _LITTLE) or label not in (_RAS, _LPS):
        raise MessageError(
            "content", f"IMAGE: scalar type {scalar_type}, endianness {endian}, coordinates {label}: unknown code"
        )
    if 0 in (columns, rows, slices) or not 1 <= n_components <= MAX_COMPONENTS:
        raise MessageError("size", f"IMAGE: {columns}x{rows}x{slices} with {n_components} components is no image")
    if tuple(rest[12:]) != (0, 0, 0, columns, rows, slices):
        raise MessageError("content", "IMAGE: sub-volumes are not supported, send the whole image")
    dtype = np.dtype(_DTYPES[scalar_type])
    expected = columns * rows * slices * n_components * dtype.itemsize
    if len(content) - _IMAGE_HEADER.size != expected:
        raise MessageError(
            "size", f"IMAGE: {len(content) - _IMAGE_HEADER.size} bytes of pixels, its dimensions need {expected}"
        )
    ijk_to_ras = _geometry(rest[:12], (columns, rows, slices), label, coordinates)
    shape = (slices, rows, columns) if n_components == 1 else (slices, rows, columns, n_components)
    little = np.frombuffer(content, dtype=dtype.newbyteorder("<"), offset=_IMAGE_HEADER.size).reshape(shape)
    if endian == _LITTLE:
        return ImageMessage(little, ijk_to_ras)
    # Only the big-endian label is doubted: it is the C++ library's default, the other must be set on purpose.
    if looks_byte_swapped(little.view(dtype.newbyteorder(">")), n_components):
        return ImageMessage(little, ijk_to_ras, byte_order_corrected=True)
    return ImageMessage(little.view(dtype.newbyteorder(">")).astype(dtype), ijk_to_ras)


def _geometry(values: list[float], size: tuple[int, int, int], label: int, coordinates: ImageCoordinates) -> Matrix:
    matrix = np.eye(4)
    matrix[:3] = np.array(values).reshape(4, 3).T
    if not np.all(np.isfinite(matrix)):
        raise MessageError("matrix", "IMAGE: the matrix has NaN or infinite elements")
    matrix[:3, 3] -= matrix[:3, :3] @ ((np.array(size) - 1) / 2)
    if coordinates == "lps" or (coordinates == "label" and label == _LPS):
        matrix = LPS_TO_RAS @ matrix
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    if np.any(spacing > _MAX_SPACING_MM) or np.any(np.abs(matrix[:3, 3]) > _MAX_POSITION_MM):
        raise MessageError(
            "matrix",
            f"IMAGE: pixels of {spacing.max():.3g} mm at {np.abs(matrix[:3, 3]).max():.3g} mm are in no scanner",
        )
    try:
        return validated_ijk_to_ras(matrix, "IMAGE matrix")
    except InputError as error:
        raise MessageError("matrix", str(error)) from None
