"""The ``TR.*`` metadata that make an IMAGE a frame: index, times, stream, sampling mask."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.igtl.errors import MessageError

VERSION = "1"
_MASK_PREFIX = "rowbits-b64:"
_PLANNING = "planning"


@dataclass(frozen=True)
class FrameMetadata:
    """What the metadata of an IMAGE say; None where they say nothing."""

    stream_id: str | None
    domain: str | None
    index: int | None
    n_coils: int | None
    times: tuple[float, float] | None
    mask: str | None
    is_planning: bool
    has_geometry: bool


def common_metadata(frame: KSpaceFrame | ImageFrame, domain: str, planning: bool = False) -> dict[str, str]:
    """Metadata of a frame; outputs echo index and times of the input with it."""
    metadata = {
        "TR.Version": VERSION,
        "TR.StreamID": frame.stream_id,
        "TR.DataDomain": domain,
        "TR.FrameIndex": str(frame.index),
        "TR.AcqStartTime": f"{frame.acquisition_start_time:.6f}",
        "TR.AcqEndTime": f"{frame.acquisition_end_time:.6f}",
    }
    if planning:
        metadata["TR.Role"] = _PLANNING
    if not frame.has_geometry:
        metadata["TR.HasGeometry"] = "0"
    return metadata


def parse_frame_metadata(metadata: Mapping[str, str]) -> FrameMetadata:
    """Check and convert.

    Raises
    ------
    MessageError
        If a value is not what its key promises.
    """
    version = metadata.get("TR.Version", VERSION)
    if version != VERSION:
        raise MessageError("metadata", f"TR.Version {version[:32]!r} is not supported, expected {VERSION}")
    domain = metadata.get("TR.DataDomain")
    if domain not in (None, "kspace", "image"):
        raise MessageError("metadata", f"TR.DataDomain {domain[:32]!r}: expected kspace or image")
    start, end = _seconds(metadata, "TR.AcqStartTime"), _seconds(metadata, "TR.AcqEndTime")
    if (start is None) != (end is None) or (start is not None and end is not None and end < start):
        raise MessageError("metadata", f"TR.AcqStartTime {start} and TR.AcqEndTime {end} do not fit together")
    return FrameMetadata(
        stream_id=metadata.get("TR.StreamID"),
        domain=domain,
        index=_count(metadata, "TR.FrameIndex"),
        n_coils=_count(metadata, "TR.NumCoils"),
        times=None if start is None or end is None else (start, end),
        mask=metadata.get("TR.Mask"),
        is_planning=metadata.get("TR.Role") == _PLANNING,
        has_geometry=metadata.get("TR.HasGeometry") != "0",
    )


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """bool (slice, ky) -> ``rowbits-b64:`` and the packed bits, slice-major, first line in the highest bit."""
    return _MASK_PREFIX + base64.b64encode(np.packbits(mask.ravel()).tobytes()).decode("ascii")


def decode_mask(text: str, n_slices: int, n_lines: int) -> NDArray[np.bool_]:
    """The inverse of :func:`encode_mask`; raises MessageError if the bits do not fit the image."""
    if not text.startswith(_MASK_PREFIX):
        raise MessageError("metadata", f"TR.Mask begins with {text[:16]!r}, expected {_MASK_PREFIX}")
    try:
        packed = np.frombuffer(base64.b64decode(text[len(_MASK_PREFIX) :], validate=True), dtype=np.uint8)
    except binascii.Error:
        raise MessageError("metadata", "TR.Mask is not base64") from None
    n_rows = n_slices * n_lines
    if packed.size != -(-n_rows // 8):
        raise MessageError(
            "metadata", f"TR.Mask has {packed.size} bytes, {n_slices} x {n_lines} lines need {-(-n_rows // 8)}"
        )
    return np.unpackbits(packed, count=n_rows).astype(bool).reshape(n_slices, n_lines)


def number(metadata: Mapping[str, str], key: str) -> float | None:
    """A finite number; None if the key is missing or says ``nan`` (not known).

    Raises
    ------
    MessageError
        If it is anything else.
    """
    text = metadata.get(key)
    if text is None or text.strip().lower() == "nan":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MessageError("metadata", f"{key} {text[:32]!r} is not a finite number")
    return value


def _seconds(metadata: Mapping[str, str], key: str) -> float | None:
    value = number(metadata, key)
    if value is not None and not 0.0 <= value < 2**32:
        raise MessageError("metadata", f"{key} {value} is not a UTC epoch time in seconds")
    return value


def _count(metadata: Mapping[str, str], key: str) -> int | None:
    text = metadata.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise MessageError("metadata", f"{key} {text[:32]!r} is not a non-negative integer")
    return int(text)
