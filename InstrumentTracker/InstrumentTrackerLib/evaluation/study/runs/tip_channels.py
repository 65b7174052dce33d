"""What an observer with a few channels sees at the tip, and beside it where there is none.

Channels are Laguerre-Gauss functions (Gallas and Barrett, J Opt Soc Am A 20:1725, 2003): those without a direction, and
those of angular order one along the instrument, because the tip is where a line ends.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, special
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ras_to_ijk, transform_points

N_RADIAL = 4
# Size of the Gaussian, and half the side of the patch that is looked at.
WIDTH_MM, _REACH_MM, _STEP_MM = 8.0, 16.0, 1.0
# Far enough from the instrument, near enough to lie in tissue like that at the tip.
BESIDE_MM = 20.0
_DIGITS = 5

Array = NDArray[np.float64]
Row = dict[str, Any]


def tip_channels(image: ImageFrame, level: float, tip: ArrayLike, axis: ArrayLike) -> Row:
    """Channel outputs at the tip (``tip_channels``) and 20 mm to both sides of it (``beside_channels``).

    Empty where a patch is not wholly in the picture.

    Parameters
    ----------
    level
        Signal that counts as 1.
    tip, axis
        RAS mm; unit vector.
    """
    matrix = image.ijk_to_ras
    normal = matrix[:3, 2] / np.linalg.norm(matrix[:3, 2])
    along = np.asarray(axis, dtype=np.float64) - (np.asarray(axis) @ normal) * normal
    if level <= 0 or np.linalg.norm(along) < 0.5:
        return {}
    along /= np.linalg.norm(along)
    across = np.cross(normal, along)
    # The slice that is nearest; between slices there is nothing to interpolate.
    i, j, k = ras_to_ijk(matrix, tip)
    center = transform_points(matrix, np.array([i, j, np.clip(np.round(k), 0, image.data.shape[0] - 1)]))
    outputs = []
    for shift in (0.0, -BESIDE_MM, BESIDE_MM):
        patch = _patch(image, np.asarray(center) + shift * across, along, across)
        if patch is None:
            return {}
        outputs.append([round(float(value), _DIGITS) for value in channels() @ patch.ravel() / level])
    return {"tip_channels": outputs[0], "beside_channels": outputs[1:]}


@cache
def channels() -> Array:
    """(channel, point of the patch), rows first along the instrument; orthonormal up to the patch's edge."""
    steps = np.arange(-_REACH_MM, _REACH_MM + _STEP_MM / 2, _STEP_MM)
    along, across = np.meshgrid(steps, steps, indexing="ij")
    radius2 = (along**2 + across**2) / WIDTH_MM**2
    gauss = np.exp(-np.pi * radius2)
    even = [gauss * special.eval_genlaguerre(n, 0, 2 * np.pi * radius2) for n in range(N_RADIAL)]
    odd = [gauss * along * special.eval_genlaguerre(n, 1, 2 * np.pi * radius2) for n in range(N_RADIAL)]
    found = np.stack([each.ravel() for each in (*even, *odd)])
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def _patch(image: ImageFrame, center: Array, along: Array, across: Array) -> Array | None:
    """Pixels (along, across) around a point of a slice; None where some lie outside of the picture."""
    steps = np.arange(-_REACH_MM, _REACH_MM + _STEP_MM / 2, _STEP_MM)
    points = center + steps[:, None, None] * along + steps[None, :, None] * across
    i, j, k = np.moveaxis(ras_to_ijk(image.ijk_to_ras, points.reshape(-1, 3)), -1, 0)
    n_rows, n_columns = image.data.shape[1:]
    if min(i.min(), j.min()) < 0 or i.max() > n_columns - 1 or j.max() > n_rows - 1:
        return None
    pixels = ndimage.map_coordinates(image.data[round(float(k[0]))], [j, i], order=1)
    return np.asarray(pixels, dtype=np.float64).reshape(steps.size, steps.size)
