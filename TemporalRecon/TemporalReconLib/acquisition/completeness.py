"""Is a file as long as its header says? ITK reads cut NIfTI files as zeros and prints about cut MetaImages."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from TemporalReconLib.errors import InputError

CHUNK_BYTES = 1 << 20
MAX_HEADER_BYTES = 1 << 16
# A NIfTI may carry extensions between its header and its pixels.
MAX_NIFTI_HEADER_BYTES = 1 << 28


def require_complete_nifti(path: Path, pixel_bytes: int, pixel_offset: int, float_type: str | None = None) -> None:
    """Refuse a ``.nii`` or ``.nii.gz`` that ends before its pixels do, or whose pixels are not finite.

    Parameters
    ----------
    float_type
        ``f4`` or ``f8`` for floating-point pixels (complex ones too): ITK would turn their NaN to zero in silence.

    Raises
    ------
    InputError
        If fewer than ``pixel_offset + pixel_bytes`` (uncompressed) are there, or a pixel is NaN or infinite.
    """
    if not 0 <= pixel_offset <= MAX_NIFTI_HEADER_BYTES:
        raise InputError(f"{path}: says that its pixels begin at byte {pixel_offset}; the header is corrupt")
    expected = pixel_offset + pixel_bytes
    found = 0
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            header = file.read(pixel_offset)
            found = len(header)
            byte_order = "<" if header[:4] in (b"\x5c\x01\0\0", b"\x1c\x02\0\0") else ">"
            while found < expected and (chunk := file.read(min(CHUNK_BYTES, expected - found))):
                found += len(chunk)
                if float_type is not None:
                    _require_finite(path, chunk, byte_order + float_type)
    except (OSError, EOFError, zlib.error) as error:
        raise _incomplete(path, found, expected) from error
    if found < expected:
        raise _incomplete(path, found, expected)


def require_complete_metaimage(path: Path, pixel_bytes: int) -> None:
    """Refuse a ``.mha`` or ``.mhd`` whose pixels (in it or beside it) end early.

    Raises
    ------
    InputError
        If the data are shorter than the header says, or the data file is missing.
    """
    with path.open("rb") as file:
        start = file.read(MAX_HEADER_BYTES)
    fields: dict[str, str] = {}
    header_bytes = 0
    for line in start.splitlines(keepends=True):
        header_bytes += len(line)
        key, _, value = line.decode("ascii", "replace").partition("=")
        fields[key.strip().lower()] = value.strip()
        if key.strip().lower() == "elementdatafile":
            break
    is_compressed = fields.get("compresseddata", "").lower() == "true"
    compressed_bytes = fields.get("compresseddatasize", "")
    if is_compressed and not compressed_bytes.isdigit():
        return  # nothing to compare with; zlib finds the end
    expected = int(compressed_bytes) if is_compressed else pixel_bytes
    data_file = fields.get("elementdatafile", "")
    if data_file.upper() in ("", "LIST") or "%" in data_file:
        return  # ITK opens every file of a list and refuses the missing ones
    if data_file.upper() == "LOCAL":
        found = path.stat().st_size - header_bytes
    else:
        beside = path.parent / data_file
        if not beside.is_file():
            raise InputError(f"{path}: its data file {data_file} is missing; keep both in one folder")
        found = beside.stat().st_size
    if found < expected:
        raise _incomplete(path, found, expected)


def _require_finite(path: Path, chunk: bytes, pixel_type: str) -> None:
    kind = np.dtype(pixel_type)
    if not np.all(np.isfinite(np.frombuffer(chunk, kind, len(chunk) // kind.itemsize))):
        raise InputError(f"{path}: NaN or infinite pixels; repair or export the image again")


def _incomplete(path: Path, found: int, expected: int) -> InputError:
    return InputError(f"{path}: truncated, cannot be read ({found} of {expected} bytes); copy or export it again")
