"""What training supervises beside the image: where the instrument is, and where its error matters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.training.stored_series import VisibleInstrument

_TIP_WIDTH_PIXELS = 3.0
_NEAR_TIP_PIXELS = 12.0
_NEAR_SHAFT_PIXELS = 3.0
_TIP_WEIGHT = 8.0
_SHAFT_WEIGHT = 3.0


def instrument_maps(instrument: VisibleInstrument | None, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Shaft (0 or 1), tip (a Gaussian of height 1) and weight of the image's error: float32 (3, row, col).

    The weight is 1 in the anatomy and rises toward the shaft and the tip: whole-image measures hardly notice a
    needle of thirty pixels.
    """
    maps = np.zeros((3, *shape), dtype=np.float32)
    maps[2] = 1.0
    if instrument is None:
        return maps
    grid = np.moveaxis(np.indices(shape, dtype=np.float32), 0, -1)
    outside = np.min([_distance(grid, *ends) - half_width for *ends, half_width in instrument.segments], axis=0)
    squared = ((grid - instrument.tip.astype(np.float32)) ** 2).sum(axis=-1)
    maps[0] = outside <= 0
    maps[1] = np.exp(-0.5 * squared / _TIP_WIDTH_PIXELS**2)
    maps[2] += _SHAFT_WEIGHT * np.exp(-np.maximum(outside, 0) / _NEAR_SHAFT_PIXELS)
    maps[2] += _TIP_WEIGHT * np.exp(-0.5 * squared / _NEAR_TIP_PIXELS**2)
    return maps


def _distance(points: NDArray[np.float32], begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float32]:
    """Distance of points (row, col, 2) to a line segment, in pixels."""
    along = (end - begin).astype(np.float32)
    offset = points - begin.astype(np.float32)
    share = np.clip(offset @ along / max(float(along @ along), 1e-9), 0.0, 1.0)
    return np.asarray(np.linalg.norm(offset - share[..., None] * along, axis=-1), dtype=np.float32)
