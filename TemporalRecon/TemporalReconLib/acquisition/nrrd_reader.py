"""NRRD images and Slicer sequences (``.nrrd``, ``.seq.nrrd``, ``.nhdr``)."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_series import FrameList, name_from_file
from TemporalReconLib.acquisition.image_volume import ImageVolume, require_plausible_size, series_from_volume
from TemporalReconLib.acquisition.nrrd_fields import FRAME_GEOMETRY_FIELD, HAS_GEOMETRY_FIELD, matrices_from_field
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, lps_to_ras, validated_ijk_to_ras

SPACES_LPS = {"left-posterior-superior", "lps"}
SPACES_RAS = {"right-anterior-superior", "ras"}
COMPONENT_KINDS = {"complex", "vector", "2-vector"}
# Kinds of a time axis; "???" and "none" leave the kind open. Colors and matrices are no frames.
LIST_KINDS = {"list", "time", "domain", "none", "???", ""}
# What pynrrd and the standard library raise on files that are not what they claim to be.
READ_ERRORS = (
    nrrd.NRRDError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    OverflowError,
    MemoryError,
    StopIteration,
    zlib.error,
)


def read_nrrd_series(path: Path) -> FrameList:
    """Read a 3D volume or a sequence of volumes.

    Axes without a space direction are time (kind ``list`` or ``time``, as Slicer writes) or the two components
    real, imaginary (kind ``complex``, ``vector`` or ``2-vector``). Index values of a sequence whose unit is
    seconds (or ms) become the times of the frames.

    Raises
    ------
    InputError
        If the file is missing, truncated, not NRRD, empty, absurdly large, not 3D in space, or without usable geometry.
    """
    header = _read_header(path)
    require_plausible_size(path, [int(size) for size in header["sizes"]])
    spatial_axes, time_axis, component_axis = _classify_axes(path, header)
    geometry, has_geometry = _geometry(path, header, spatial_axes)
    try:
        with path.open("rb") as file:
            nrrd.read_header(file)
            data = nrrd.read_data(header, file, str(path))
    except READ_ERRORS as error:
        raise InputError(f"{path}: cannot read the NRRD data ({_first_line(error)}); is the file truncated?") from error
    if data.dtype.kind not in "iuf":
        raise InputError(f"{path}: pixel type '{header['type']}' is not a number; expected integer or float pixels")
    pixels = _ordered(data, spatial_axes, time_axis, component_axis)
    count = pixels.shape[0]
    if FRAME_GEOMETRY_FIELD in header:
        geometries = matrices_from_field(path, header[FRAME_GEOMETRY_FIELD], count)
    else:
        geometries = [geometry] * count
    volume = ImageVolume(pixels, geometries, _times(header, time_axis, count), has_geometry)
    return series_from_volume(path, name_from_file(path), volume)


def _read_header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            header = dict(nrrd.read_header(file))
    except READ_ERRORS as error:
        raise InputError(f"{path}: not a readable NRRD file ({_first_line(error)})") from error
    missing = [field for field in ("type", "dimension", "sizes", "encoding") if field not in header]
    if missing:
        raise InputError(f"{path}: NRRD header lacks '{missing[0]}'; write the file again")
    if header["type"] == "block" or len(header["sizes"]) != header["dimension"]:
        raise InputError(f"{path}: NRRD type 'block' or sizes that do not fit the dimension; expected a numeric image")
    return header


def _classify_axes(path: Path, header: dict[str, Any]) -> tuple[list[int], int | None, int | None]:
    """Spatial axes (i, j, k), the time axis and the component axis."""
    dimension = int(header["dimension"])
    directions = header.get("space directions")
    kinds = [str(kind).lower() for kind in header.get("kinds", [])]
    if kinds and len(kinds) != dimension:
        raise InputError(f"{path}: {len(kinds)} NRRD kinds for {dimension} axes")
    if directions is not None:
        if len(directions) != dimension:
            raise InputError(f"{path}: {len(directions)} NRRD space directions for {dimension} axes")
        spatial = [axis for axis in range(dimension) if not np.any(np.isnan(directions[axis]))]
    elif kinds:
        spatial = [axis for axis in range(dimension) if kinds[axis] in ("domain", "space")]
    else:
        spatial = list(range(dimension))[:3]
    others = [axis for axis in range(dimension) if axis not in spatial]
    if len(spatial) != 3 or len(others) > 2:
        raise InputError(
            f"{path}: {len(spatial)} spatial and {len(others)} other NRRD axes; expected three spatial axes, "
            "optionally one list axis (time) and one of two components (real, imaginary)"
        )
    for axis in others:
        if kinds and kinds[axis] not in LIST_KINDS | COMPONENT_KINDS:
            raise InputError(
                f"{path}: NRRD axis {axis} of kind '{header['kinds'][axis]}' is neither time (list, time) "
                "nor real and imaginary (complex); expected a gray or complex image"
            )
    components = [axis for axis in others if kinds and kinds[axis] in COMPONENT_KINDS]
    if not components and len(others) == 2:
        components = others[:1]
    times = [axis for axis in others if axis not in components]
    if len(components) > 1 or len(times) > 1:
        raise InputError(f"{path}: NRRD kinds {kinds} name more than one component or list axis")
    if components and header["sizes"][components[0]] != 2:
        raise InputError(
            f"{path}: {header['sizes'][components[0]]} components per pixel; "
            "expected 1 (magnitude) or 2 (real, imaginary)"
        )
    return spatial, (times[0] if times else None), (components[0] if components else None)


def _geometry(path: Path, header: dict[str, Any], spatial_axes: list[int]) -> tuple[Matrix, bool]:
    directions, space = header.get("space directions"), str(header.get("space", "")).lower()
    if directions is None:
        matrix = np.eye(4)
        spacings = header.get("spacings")
        if spacings is not None:
            spacing = np.nan_to_num(np.abs([float(spacings[axis]) for axis in spatial_axes]), nan=1.0)
            matrix[:3, :3] = np.diag(spacing)
        return validated_ijk_to_ras(matrix, f"{path} spacings"), False
    if space not in SPACES_LPS | SPACES_RAS:
        raise InputError(
            f"{path}: NRRD space '{header.get('space', '(none)')}' is not supported; "
            "expected left-posterior-superior or right-anterior-superior"
        )
    if np.shape(directions)[-1] != 3:
        raise InputError(f"{path}: NRRD space directions have {np.shape(directions)[-1]} elements, expected 3")
    matrix = np.eye(4)
    for column, axis in enumerate(spatial_axes):
        matrix[:3, column] = directions[axis]
    origin = header.get("space origin")
    if origin is not None:
        if np.shape(origin) != (3,):
            raise InputError(f"{path}: NRRD space origin has shape {np.shape(origin)}, expected 3 numbers")
        matrix[:3, 3] = origin
    checked = validated_ijk_to_ras(matrix, f"{path} space directions")
    stated = origin is not None and str(header.get(HAS_GEOMETRY_FIELD, "true")).lower() != "false"
    return (lps_to_ras(checked) if space in SPACES_LPS else checked), stated


def _ordered(data: NDArray, spatial_axes: list[int], time_axis: int | None, component_axis: int | None) -> NDArray:
    """(time, slice, row, col), complex where there are two components."""
    i, j, k = spatial_axes
    order = [axis for axis in (component_axis, time_axis) if axis is not None]
    pixels = np.transpose(data, (*order, k, j, i))
    if component_axis is not None:
        pixels = pixels[0].astype(np.float32) + 1j * pixels[1].astype(np.float32)
    return pixels if time_axis is not None else pixels[np.newaxis]


def _times(header: dict[str, Any], time_axis: int | None, count: int) -> NDArray[np.float64] | None:
    """Index values in seconds where the sequence says so and they do not run backwards."""
    if time_axis is None:
        return None
    units = header.get("units")
    unit = str(units[time_axis]).lower() if units is not None and len(units) == header["dimension"] else ""
    scale = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3}.get(unit)
    # Older Slicer versions count the list axis as axis 0 wherever it is.
    values = header.get(f"axis {time_axis} index values", header.get("axis 0 index values"))
    if scale is None or values is None:
        return None
    try:
        times = np.array([float(value) for value in str(values).split()]) * scale
    except ValueError:
        return None
    is_usable = times.shape == (count,) and np.all(np.isfinite(times)) and np.all(np.diff(times) >= 0)
    return times if is_usable else None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
