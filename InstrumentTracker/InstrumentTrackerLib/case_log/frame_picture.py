"""The acquired slice through the needle tip with tip, core and target drawn in: where a core's numbers come from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ras_to_ijk, spacing_of

from InstrumentTrackerLib.case_log.core_record import CoreRecord, Position
from InstrumentTrackerLib.palette import CORE_COLOR, TARGET_COLOR, WHITE, as_bytes

Pixels = NDArray[np.uint8]

# Cut out around the tip, and drawn this fine.
FIELD_MM, PIXELS_PER_MM = (90.0, 68.0), 4.0
_TIP, _CORE, _TARGET = (as_bytes(color) for color in (WHITE, CORE_COLOR, TARGET_COLOR))


def frame_picture(image: ImageFrame, record: CoreRecord) -> Pixels:
    """uint8 (row, col, 3), first row on top, of the slice nearest to the tip (without one, to the target).

    Rows and columns are those of the acquired slice; tip and core are projected into it.
    """
    spacing = spacing_of(image.ijk_to_ras)
    middle = 0.5 * (np.array(image.data.shape[::-1]) - 1.0)
    center = record.tip or record.target
    if center is not None:
        middle = np.clip(ras_to_ijk(image.ijk_to_ras, np.array(center)), 0.0, np.array(image.data.shape[::-1]) - 1.0)
    width, height = (round(length * PIXELS_PER_MM) for length in FIELD_MM)
    x = (np.arange(width) - 0.5 * (width - 1)) / PIXELS_PER_MM / spacing[0] + middle[0]
    y = (np.arange(height) - 0.5 * (height - 1)) / PIXELS_PER_MM / spacing[1] + middle[1]
    picture = np.repeat(_resampled(image.data[round(middle[2])], x, y)[..., None], 3, axis=2)

    def position(point: Position) -> NDArray[np.float64]:
        """In mm from the picture's middle: to the right, downward."""
        return (ras_to_ijk(image.ijk_to_ras, np.array(point)) - middle)[:2] * spacing[:2]

    right, down = ((x - middle[0]) * spacing[0])[None, :], ((y - middle[1]) * spacing[1])[:, None]
    if record.target is not None:
        at = position(record.target)
        distance = np.hypot(right - at[0], down - at[1])
        picture[np.abs(distance - (record.target_radius_mm or 1.0)) < 0.35] = _TARGET
        picture[distance < 0.5] = _TARGET
    if record.core_points is not None:
        begin, end = (position(point) for point in record.core_points)
        picture[_distance_to_line(right - begin[0], down - begin[1], end - begin) < 0.5] = _CORE
    if record.tip is not None:
        at = position(record.tip)
        across, along = np.abs(right - at[0]), np.abs(down - at[1])
        picture[((across < 0.3) & (along < 3.0)) | ((across < 3.0) & (along < 0.3))] = _TIP
    return picture


def _resampled(pixels: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> Pixels:
    """Bilinear, black outside; white a little above the 99th percentile, as the live picture."""
    upper = 1.1 * float(np.percentile(pixels, 99.0))
    rows = np.stack([np.interp(x, np.arange(pixels.shape[1]), row, 0.0, 0.0) for row in pixels])
    low = np.clip(np.floor(y).astype(int), 0, len(rows) - 2) if len(rows) > 1 else np.zeros(len(y), int)
    part = np.clip(y - low, 0.0, 1.0)[:, None]
    values = (1.0 - part) * rows[low] + part * rows[np.minimum(low + 1, len(rows) - 1)]
    values[(y < -0.5) | (y > len(rows) - 0.5)] = 0.0
    return np.asarray(np.clip(255.0 * values / upper if upper > 0.0 else values, 0.0, 255.0), dtype=np.uint8)


def _distance_to_line(x: NDArray[np.float64], y: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of points (x, y) from the line that runs from the origin to ``end``."""
    share = np.clip((x * end[0] + y * end[1]) / max(float(end @ end), 1e-9), 0.0, 1.0)
    return np.asarray(np.hypot(x - share * end[0], y - share * end[1]))
