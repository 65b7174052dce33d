"""What every image file is read into: time points of one volume with one geometry (or one per time point)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_series import NOMINAL_FRAME_INTERVAL_S, FrameList
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix

# 4 GiB of float32: far above any in-bore series, far below what a corrupt header can ask for.
MAX_VOXELS = 2**30


@dataclass(frozen=True, eq=False)
class ImageVolume:
    """Pixels of a file and where they lie.

    Attributes
    ----------
    pixels
        (time, slice, row, col), real or complex, any numeric type.
    ijk_to_ras
        One 4x4 per time point, mm, RAS.
    times_s
        Start of every time point in seconds, None where the file has no clock.
    has_geometry
        False where the file states no position.
    """

    pixels: NDArray
    ijk_to_ras: Sequence[Matrix]
    times_s: NDArray[np.float64] | None = None
    has_geometry: bool = True


def require_plausible_size(path: Path, sizes: Sequence[int]) -> None:
    """Refuse empty and absurd image sizes before any memory is taken for them.

    Raises
    ------
    InputError
        If a size is below 1 or the product exceeds :data:`MAX_VOXELS`.
    """
    if any(size < 1 for size in sizes):
        raise InputError(f"{path}: image size {tuple(sizes)} is empty; expected at least one pixel along every axis")
    if int(np.prod([int(size) for size in sizes], dtype=object)) > MAX_VOXELS:
        raise InputError(
            f"{path}: image size {tuple(sizes)} exceeds {MAX_VOXELS} pixels; is the header corrupt? Crop the series"
        )


def series_from_volume(path: Path, name: str, volume: ImageVolume) -> FrameList:
    """Frames of a volume.

    Magnitude images become non-negative float32. Complex and signed ones keep their complex value beside the
    magnitude (a negative real pixel is a phase of 180 degrees), so that k-space made from them is faithful.

    Raises
    ------
    InputError
        If pixels are not finite or do not fit float32.
    """
    times = volume.times_s
    frames = []
    for index, pixels in enumerate(volume.pixels):
        time = index * NOMINAL_FRAME_INTERVAL_S if times is None else float(times[index])
        with np.errstate(over="ignore"):
            is_signed = np.iscomplexobj(pixels) or bool(np.any(pixels < 0))
            complex_data = pixels.astype(np.complex64) if is_signed else None
            data = np.abs(complex_data) if complex_data is not None else pixels.astype(np.float32)
        if not np.all(np.isfinite(data)):
            raise InputError(f"{path}: NaN or infinite pixels in frame {index}; repair or export the image again")
        frames.append(
            ImageFrame(
                data=np.ascontiguousarray(data),
                ijk_to_ras=volume.ijk_to_ras[index],
                index=index,
                acquisition_start_time=time,
                acquisition_end_time=time,
                stream_id=name,
                has_geometry=volume.has_geometry,
                complex_data=complex_data,
            )
        )
    return FrameList(name, frames, frame_interval_of(times))


def frame_interval_of(times_s: NDArray[np.float64] | None) -> float | None:
    """Mean interval of increasing times; None for a single frame or none."""
    if times_s is None or len(times_s) < 2:
        return None
    interval = float(times_s[-1] - times_s[0]) / (len(times_s) - 1)
    return interval if interval > 0 else None
