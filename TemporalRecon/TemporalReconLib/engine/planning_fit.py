"""A planning scan brought to the place of a series, where that can be done safely; the reason where it cannot."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from scipy import ndimage

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.geometry import ras_to_ijk, same_geometry, spacing_of, transform_points

SAME_PLACE_MM = 0.1
# What rounding may do to a corner that lies on the border, in voxels.
_ON_BORDER = 1e-3
_ADVICE = "the engine goes on without it, send a planning scan of the same slices"

Frame = KSpaceFrame | ImageFrame


def fitted_planning(planning: Frame, frame: KSpaceFrame) -> tuple[Frame | None, str]:
    """The planning scan on the grid of a series, by the first frame of it.

    A scan on the same grid is used as it is. An *image* of another grid is resampled (linear) where it covers every
    pixel of the series. *K-space* of another grid is not: other gradients encoded it. Where one of the two states no
    position, the same matrix is taken for the same place.

    Returns
    -------
    The scan to use, None if it cannot be used; and what a user should know, empty if all is as sent.
    """
    shape = planning.data.shape[-3:]
    is_placed = planning.has_geometry and frame.has_geometry
    if isinstance(planning, KSpaceFrame) and planning.n_coils != frame.n_coils:
        return None, _not_used(f"it has {planning.n_coils} coils, the series {frame.n_coils}")
    if shape == frame.image_shape and (
        not is_placed or same_geometry(planning.ijk_to_ras, frame.ijk_to_ras, SAME_PLACE_MM)
    ):
        return planning, ""
    if not is_placed:
        return None, _not_used(f"its matrix is {_size(shape)}, that of the series {_size(frame.image_shape)}")
    if isinstance(planning, KSpaceFrame):
        return None, _not_used("it is k-space of another geometry than the series")
    beyond_mm = _beyond_mm(planning, frame)
    if beyond_mm > 0.0:
        return None, _not_used(f"the series reaches {beyond_mm:.1f} mm beyond it")
    return _resampled(planning, frame), "the planning scan was resampled to the geometry of the series"


def _not_used(reason: str) -> str:
    return f"the planning scan is not used: {reason}; {_ADVICE}"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _beyond_mm(planning: ImageFrame, frame: KSpaceFrame) -> float:
    """How far the outermost pixel centers of the series lie outside the planning volume; 0 if all lie within."""
    corners = list(product(*((0, size - 1) for size in reversed(frame.image_shape))))
    index = ras_to_ijk(planning.ijk_to_ras, transform_points(frame.ijk_to_ras, corners))
    last = np.array(planning.data.shape[::-1]) - 0.5
    outside = np.maximum(np.maximum(-0.5 - index, index - last), 0.0)
    outside[outside < _ON_BORDER] = 0.0
    return float(np.linalg.norm(outside * spacing_of(planning.ijk_to_ras), axis=1).max())


def _resampled(planning: ImageFrame, frame: KSpaceFrame) -> ImageFrame:
    """The magnitude on the grid of the frame; what else the scan stated of its pixels does not hold there."""
    to_planning = np.linalg.inv(planning.ijk_to_ras) @ frame.ijk_to_ras
    # Array indices are (slice, row, col): k, j, i.
    data = ndimage.affine_transform(
        planning.data,
        to_planning[:3, :3][::-1, ::-1],
        to_planning[2::-1, 3],
        frame.image_shape,
        order=1,
        mode="nearest",
    )
    return replace(planning, data=data, ijk_to_ras=frame.ijk_to_ras, complex_data=None, uncertainty=None)
