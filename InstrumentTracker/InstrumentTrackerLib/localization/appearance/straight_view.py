"""The picture resampled along a line: rows along the instrument, columns across it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

STEP_MM = 0.5
ALONG_STEP_MM = 1.0
REACH_MM = 18.0

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StraightView:
    """Samples about a line.

    Attributes
    ----------
    line
        The line that is at ``across`` 0.
    along, across
        mm, equally spaced.
    data
        float32 (slice, along, across), relative to the 99th percentile; 0 outside the image.
    inside
        bool (along,): whether the line is inside the image there.
    """

    line: Line
    along: Array
    across: Array
    data: NDArray[np.float32]
    inside: NDArray[np.bool_]

    def band(self, low_mm: float, high_mm: float) -> Array:
        """Mean over low <= across <= high; (slice, along)."""
        chosen = (self.across >= low_mm - 1e-6) & (self.across <= high_mm + 1e-6)
        return np.asarray(self.data[:, :, chosen].mean(axis=2), dtype=np.float64)


def straighten(
    pixels: NDArray[np.float32],
    plane: ImagePlane,
    line: Line,
    along: Array | None = None,
    slices: list[int] | None = None,
    reach_mm: float = REACH_MM,
) -> StraightView:
    """Sample along a line, by default wherever it crosses the image, and ``reach_mm`` to both sides."""
    if along is None:
        reach = float(np.linalg.norm(plane.half_size))
        along = np.arange(-reach, reach, ALONG_STEP_MM)
        keep = _inside(plane, line.point(along))
        along = along[keep] if keep.any() else along[:1]
    across = np.arange(-reach_mm, reach_mm + STEP_MM / 2, STEP_MM)
    indices = plane.to_indices(line.point(along[:, None], across[None, :]))
    coordinates = [indices[..., 1], indices[..., 0]]
    chosen = range(pixels.shape[0]) if slices is None else slices
    data = np.stack([map_coordinates(pixels[k], coordinates, order=1, mode="constant") for k in chosen])
    return StraightView(line, along, across, data, _inside(plane, line.point(along)))


def _inside(plane: ImagePlane, xy: Array) -> NDArray[np.bool_]:
    return np.asarray(np.all(np.abs(xy) <= plane.half_size, axis=-1))
