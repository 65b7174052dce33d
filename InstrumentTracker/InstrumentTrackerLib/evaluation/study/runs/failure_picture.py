"""What the worst frame of a run looks like: reference and picture around the tip, with both tips."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ras_to_ijk, spacing_of
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

Arrays = dict[str, NDArray[Any]]

WIDTH_PIXELS = 112


def failure_picture(
    reference: ImageFrame, picture: ImageFrame, truth: FrameTruth, tracked: TrackedPose, point: str
) -> bytes | None:
    """A compressed NumPy archive; None where the true point is not known.

    ``reference``, ``picture``: uint8 (row, col) of the true point's slice, each from 0 to its own 99.5th percentile.
    ``true``, ``found``: (column, row) in pixels of the crop, NaN where not found. ``pixel_mm``: (column, row) spacing.

    Parameters
    ----------
    point
        ``guide`` or ``needle``.
    """
    true, found = (getattr(each, f"{point}_tip") for each in (truth, tracked))
    if true is None:
        return None
    i, j, k = ras_to_ijk(reference.ijk_to_ras, true)
    n_slices, n_rows, n_columns = reference.data.shape
    number = int(np.clip(round(float(k)), 0, n_slices - 1))
    rows, columns = _span(float(j), n_rows), _span(float(i), n_columns)
    corner = np.array([columns.start, rows.start], dtype=np.float64)
    arrays: Arrays = {
        "reference": _shown(reference.data[number])[rows, columns],
        "picture": _shown(picture.data[number])[rows, columns],
        "true": np.array([i, j]) - corner,
        "found": np.full(2, np.nan) if found is None else ras_to_ijk(reference.ijk_to_ras, found)[:2] - corner,
        "pixel_mm": spacing_of(reference.ijk_to_ras)[:2],
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _shown(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    top = float(np.percentile(image, 99.5)) or 1.0
    return np.asarray(np.clip(255 * image / top, 0, 255), dtype=np.uint8)


def _span(center: float, size: int) -> slice:
    first = min(max(round(center) - WIDTH_PIXELS // 2, 0), max(size - WIDTH_PIXELS, 0))
    return slice(first, min(first + WIDTH_PIXELS, size))
