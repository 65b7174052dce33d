"""A real MR volume as anatomy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, ras_to_ijk, spacing_of
from TemporalReconLib.simulation.shapes import Array

_FEATHER_MM = 14.0
# Prefilter against aliasing on the coarser in-bore grid.
_SMOOTHING_MM = 0.45


@dataclass(frozen=True, eq=False)
class BackgroundVolume:
    """Magnitude volume with its geometry.

    Attributes
    ----------
    values
        float32 (slice, row, col), 0 to about 1 (99th percentile).
    ijk_to_ras
        4x4, mm.
    """

    values: Array
    ijk_to_ras: Matrix

    @classmethod
    def read(cls, path: Path) -> BackgroundVolume:
        """Read any image that the commands read; a time series gives its first volume.

        Raises
        ------
        InputError
            If the file cannot be read, is no image, has a single slice, or is empty.
        """
        frame = open_series(path).frame(0)
        if not isinstance(frame, ImageFrame):
            raise InputError(f"background {path}: k-space; expected an MR magnitude image")
        values = frame.data
        if min(values.shape) < 2:
            raise InputError(f"background {path}: size {values.shape} (slice, row, col); expected at least two of each")
        top = float(np.percentile(values, 99))
        if top <= 0:
            raise InputError(f"background {path}: the volume is empty; expected an MR magnitude image")
        return cls(np.clip(values / np.float32(top), 0, 1.6), frame.ijk_to_ras)

    @property
    def center_ras(self) -> NDArray[np.float64]:
        """Middle of the volume; diagnostic prostate scans are centred on the prostate."""
        slices, rows, columns = self.values.shape
        middle = np.array([(columns - 1) / 2, (rows - 1) / 2, (slices - 1) / 2, 1.0])
        return np.asarray((self.ijk_to_ras @ middle)[:3])

    def sample(self, ras: NDArray[np.float64]) -> tuple[Array, Array]:
        """Values at points (..., 3) and a weight that falls smoothly to 0 at the volume's border."""
        index = ras_to_ijk(self.ijk_to_ras, ras)
        spacing = spacing_of(self.ijk_to_ras)
        sigma = [0.0, _SMOOTHING_MM / spacing[1], _SMOOTHING_MM / spacing[0]]
        smooth = ndimage.gaussian_filter(self.values, sigma)
        order = np.moveaxis(index[..., ::-1], -1, 0)
        values = ndimage.map_coordinates(smooth, order, order=1, mode="nearest")
        weight = np.ones(ras.shape[:-1], dtype=np.float32)
        for axis, size in enumerate(self.values.shape[::-1]):
            depth = np.minimum(index[..., axis], size - 1 - index[..., axis]) * spacing[axis]
            # Thick-slice volumes are thin stacks: their border along slices may not eat the anatomy.
            feather = min(_FEATHER_MM, 0.25 * size * spacing[axis])
            share = np.clip(depth / feather, 0, 1)
            weight = weight * (share * share * (3 - 2 * share)).astype(np.float32)
        return values.astype(np.float32), weight
