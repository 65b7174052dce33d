"""Geometry of a stack of slices from MRD acquisition headers (LPS) to ``ijk_to_ras``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.mrd_header import MrdEncoding
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, ijk_to_ras_from_center, lps_to_ras, validated_ijk_to_ras

UNEQUAL_SPACING_MM = 0.1


@dataclass(frozen=True, eq=False)
class StackGeometry:
    """Geometry of the image to be, and which MRD slice number each k is.

    ``is_stated`` is False where the source states no place; ``ijk_to_ras`` then gives sizes only.
    """

    ijk_to_ras: Matrix
    slice_order: NDArray[np.intp]
    is_stated: bool


def stack_geometry(heads: dict[int, Any], n_slices: int, encoding: MrdEncoding, source: str) -> StackGeometry:
    """Geometry from one acquisition head per slice.

    The MRD position is the place of pixel (n_columns // 2, n_rows // 2) of its slice; k runs along the slice
    direction. Without a head for every slice, with zero directions, or with one position for all slices the
    place is not stated.

    Raises
    ------
    InputError
        If directions are not perpendicular or differ between slices, or slices are not equally spaced.
    """
    numbers = sorted(heads)
    directions = np.array([_directions(heads[number]) for number in numbers])
    positions = np.array([np.asarray(heads[number]["position"], dtype=np.float64) for number in numbers])
    if not np.all(np.isfinite(directions)) or not np.all(np.isfinite(positions)):
        raise InputError(f"{source}: NaN or infinite positions or directions")
    has_places = n_slices == 1 or bool(np.any(np.ptp(positions, axis=0) > 1e-3))
    if len(numbers) != n_slices or not np.any(directions) or not has_places:
        return _default_geometry(n_slices, encoding)
    axes = directions[0]
    if not np.allclose(directions, axes, atol=1e-3):
        raise InputError(f"{source}: slices differ in direction; expected one stack of parallel slices")
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-2):
        raise InputError(f"{source}: read, phase and slice directions are not perpendicular unit vectors")

    order = np.argsort(positions @ axes[:, 2])
    positions = positions[order]
    step = axes[:, 2] * encoding.field_of_view[2]
    if n_slices > 1:
        step = (positions[-1] - positions[0]) / (n_slices - 1)
        deviation = float(np.max(np.abs(positions - positions[0] - np.outer(np.arange(n_slices), step))))
        if deviation > UNEQUAL_SPACING_MM:
            raise InputError(f"{source}: slices are not equally spaced (off by {deviation:.2f} mm)")
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :2] = axes[:, :2] * np.array(encoding.spacing[:2])
    ijk_to_lps[:3, 2] = step
    ijk_to_lps[:3, 3] = positions[0] - ijk_to_lps[:3, :3] @ [encoding.n_columns // 2, encoding.n_rows // 2, 0]
    return StackGeometry(lps_to_ras(validated_ijk_to_ras(ijk_to_lps, f"{source} geometry")), order, True)


def _default_geometry(n_slices: int, encoding: MrdEncoding) -> StackGeometry:
    """An axial stack around the origin."""
    size = (encoding.n_columns, encoding.n_rows, n_slices)
    matrix = ijk_to_ras_from_center(np.zeros(3), np.diag([-1.0, -1.0, 1.0]), encoding.spacing, size)
    return StackGeometry(matrix, np.arange(n_slices), False)


def _directions(head: Any) -> NDArray[np.float64]:
    """Columns read, phase, slice."""
    return np.stack(
        [np.asarray(head[name], dtype=np.float64) for name in ("read_dir", "phase_dir", "slice_dir")], axis=1
    )
