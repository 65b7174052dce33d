"""ISMRMRD (MRD) files that hold images instead of raw data, such as our own recordings of image streams."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import ismrmrd
import numpy as np
from ismrmrd.hdf5 import image_header_dtype
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_series import NOMINAL_FRAME_INTERVAL_S, Series, name_from_file
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.image_volume import (
    ImageVolume,
    frame_interval_of,
    require_plausible_size,
    series_from_volume,
)
from TemporalReconLib.acquisition.ismrmrd_reader import HDF5_ERRORS, hdf5_reason
from TemporalReconLib.acquisition.mrd_conventions import SERIES_GROUP
from TemporalReconLib.acquisition.mrd_geometry import stack_geometry
from TemporalReconLib.acquisition.mrd_header import MrdEncoding
from TemporalReconLib.errors import InputError

# 0: not stated. Phase, real or imaginary parts alone are no pictures.
PICTURE_TYPES = (0, ismrmrd.IMTYPE_MAGNITUDE, ismrmrd.IMTYPE_COMPLEX)
TICK_S = 2.5e-3


def image_groups(group: h5py.Group) -> list[str]:
    """Names of the image series in the data set of a file."""
    return sorted(
        name for name, item in group.items() if isinstance(item, h5py.Group) and {"header", "data"} <= set(item)
    )


class IsmrmrdImageSeries(Series):
    """Frames of one image series: ISMRMRD images of one repetition, one per slice.

    Headers are read when it is opened, pixels when a frame is asked for. Frames follow each other as in the file.
    Time stamps (ticks of 2.5 ms) become the times of the frames where they increase.

    Raises
    ------
    InputError
        If headers or pixels are damaged, are not 2D single-channel pictures of one size, or a slice is missing.
    """

    is_kspace = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = name_from_file(path)
        self._group, self._heads, shape = self._read_headers()
        n_channels, depth, rows, columns = shape[1:]
        if n_channels != 1 or depth != 1:
            raise InputError(
                f"{path}: ISMRMRD images of {n_channels} channels and {depth} slices each; "
                "expected one 2D image per slice, coils combined"
            )
        types = set(self._heads["image_type"].tolist())
        if not types <= set(PICTURE_TYPES):
            raise InputError(f"{path}: ISMRMRD image types {sorted(types)}; expected magnitude (1) or complex (5)")
        self._frames = self._frames_of(self._heads)
        n_slices = len(self._frames[0])
        self.image_shape = (n_slices, rows, columns)
        require_plausible_size(path, self.image_shape)
        for index, images in enumerate(self._frames):
            if self._heads["slice"][images].tolist() != self._heads["slice"][self._frames[0]].tolist():
                raise InputError(f"{path}: image {index} has other slices than the first; the series is incomplete")
        stamps = np.array([int(self._heads["acquisition_time_stamp"][images].min()) for images in self._frames])
        self._times_s = np.arange(len(self._frames), dtype=np.float64) * NOMINAL_FRAME_INTERVAL_S
        if len(stamps) > 1 and np.all(np.diff(stamps) > 0):
            self._times_s = (stamps - stamps[0]).astype(np.float64) * TICK_S
            self.frame_interval_s = frame_interval_of(self._times_s)

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> ImageFrame:
        images = self._frames[self._checked_index(index)]
        heads = self._heads[images]
        n_slices, rows, columns = self.image_shape
        x, y, z = (float(size) for size in heads[0]["field_of_view"])
        if not (0 < x < 1e5 and 0 < y < 1e5 and 0 < z < 1e5):
            raise InputError(f"{self._path}: image {index} has a field of view of {x:g} x {y:g} x {z:g} mm")
        encoding = MrdEncoding(columns, columns, rows, n_slices, (x, y, z), rows // 2, uses_calibration_lines=False)
        geometry = stack_geometry(dict(enumerate(heads)), n_slices, encoding, f"{self._path} image {index}")
        pixels = self._read_pixels(images)[geometry.slice_order]
        volume = ImageVolume(pixels[np.newaxis], [geometry.ijk_to_ras], has_geometry=geometry.is_stated)
        frame = series_from_volume(self._path, self.name, volume).frame(0)
        assert isinstance(frame, ImageFrame)
        time = float(self._times_s[index])
        return replace(frame, index=index, acquisition_start_time=time, acquisition_end_time=time)

    def _read_headers(self) -> tuple[str, NDArray[Any], tuple[int, ...]]:
        try:
            with h5py.File(self._path, "r") as file:
                names = image_groups(file[SERIES_GROUP])
                if len(names) != 1:
                    raise InputError(
                        f"{self._path}: {len(names)} series of ISMRMRD images ({', '.join(names[:5])}); expected one"
                    )
                group = f"{SERIES_GROUP}/{names[0]}"
                heads, shape = file[group]["header"][:], file[group]["data"].shape
        except InputError:
            raise
        except HDF5_ERRORS as error:
            raise InputError(f"{self._path}: ISMRMRD images cannot be read ({hdf5_reason(error)})") from error
        if not set(image_header_dtype.names or ()) <= set(heads.dtype.names or ()):
            raise InputError(f"{self._path}: image headers lack fields; not ISMRMRD images")
        if len(shape) != 5 or 0 in shape or heads.shape != shape[:1]:
            raise InputError(f"{self._path}: {heads.size} image headers for pixels of shape {shape}; is it truncated?")
        return group, heads, shape

    def _frames_of(self, heads: NDArray[Any]) -> list[NDArray[np.intp]]:
        """Numbers of the images of each frame, by slice; a slice that comes again begins another frame."""
        frames: dict[tuple[int, int], list[int]] = {}
        seen: dict[tuple[int, int], int] = {}
        for number, head in enumerate(heads):
            key = (int(head["repetition"]), int(head["slice"]))
            seen[key] = seen.get(key, 0) + 1  # the counter of repetitions wraps at 65536, or is not used at all
            frames.setdefault((key[0], seen[key]), []).append(number)
        return [np.array(sorted(numbers, key=lambda number: heads["slice"][number])) for numbers in frames.values()]

    def _read_pixels(self, images: NDArray[np.intp]) -> NDArray:
        """(slice, row, col), complex where the file says so."""
        try:
            with h5py.File(self._path, "r") as file:
                data = file[self._group]["data"]
                pixels = np.stack([data[int(number)][0, 0] for number in images])
        except HDF5_ERRORS as error:
            raise InputError(f"{self._path}: pixels cannot be read ({hdf5_reason(error)}); truncated?") from error
        if pixels.dtype.names == ("real", "imag"):
            return np.asarray(pixels["real"] + 1j * pixels["imag"])
        if pixels.dtype.kind not in "iufc":
            raise InputError(f"{self._path}: pixels of type {pixels.dtype}; expected numbers")
        return pixels
