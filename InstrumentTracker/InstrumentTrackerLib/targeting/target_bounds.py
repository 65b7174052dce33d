"""Whether a target can lie in the pictures at all."""

from __future__ import annotations

import numpy as np
from TemporalReconLib.geometry import Matrix, ras_to_ijk, spacing_of

from InstrumentTrackerLib.targeting.target import Target

# A target may lie beside a thin slab; this far outside the pictures it is a slip of the hand, or LPS.
MARGIN_MM = 30.0


def outside_warning(target: Target, ijk_to_ras: Matrix, shape: tuple[int, int, int]) -> str | None:
    """One line for the user if the target lies far outside the pictures, else None.

    Parameters
    ----------
    ijk_to_ras, shape
        Geometry and (slice, row, col) of a picture.
    """
    outside = _outside_mm(target.position, ijk_to_ras, shape)
    if max(outside) <= MARGIN_MM:
        return None
    in_plane, through = max(outside[:2]), outside[2]
    text = (
        f"{target.name}: {np.round(target.position, 1).tolist()} lies outside the pictures "
        f"({in_plane:.0f} mm beside them, {through:.0f} mm before or behind their slices); expected RAS mm"
    )
    mirrored = _outside_mm(target.position * [-1.0, -1.0, 1.0], ijk_to_ras, shape)
    if max(mirrored) == 0.0:
        text += ". With R and A negated it lies inside: are these LPS coordinates?"
    return text


def _outside_mm(point: np.ndarray, ijk_to_ras: Matrix, shape: tuple[int, int, int]) -> tuple[float, float, float]:
    """Distances (i, j, k) beyond the outer edges of the pixels, 0 within."""
    index, size = ras_to_ijk(ijk_to_ras, point), np.array(shape[::-1])
    beyond = np.maximum(np.maximum(-0.5 - index, index - (size - 0.5)), 0.0) * spacing_of(ijk_to_ras)
    return float(beyond[0]), float(beyond[1]), float(beyond[2])
