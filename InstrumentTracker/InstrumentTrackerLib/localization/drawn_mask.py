"""Guide and needle pixels drawn from a pose, not thresholded from noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.guide_profile import GUIDE_RADIUS_MM
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM, VOID_RADIUS_MM
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL, InstrumentMask, empty_mask

# Guides are 86 to 99 mm long.
GUIDE_LENGTH_MM = 95.0

Array = NDArray[np.float64]


def draw_mask(
    plane: ImagePlane,
    pose: InstrumentPose,
    guide_radius_mm: float = GUIDE_RADIUS_MM,
    guide_length_mm: float = GUIDE_LENGTH_MM,
) -> InstrumentMask:
    """Round bars about the axis: the guide with its rounded cap, and the needle from the cap to its tip.

    A pixel counts where its center lies inside, in each slice the instrument reaches.
    """
    if not pose.is_present or pose.guide_tip is None or pose.axis is None:
        return empty_mask(plane, pose.index)
    labels = np.zeros(plane.shape, dtype=np.uint8)
    axis = plane.direction_to_plane(pose.axis)
    tip = _position(plane, pose.guide_tip)
    columns = (np.arange(plane.shape[2]) - plane.center[0]) * plane.spacing[0]
    rows = (np.arange(plane.shape[1]) - plane.center[1]) * plane.spacing[1]
    for k in range(plane.shape[0]):
        z = k * plane.spacing[2]
        if pose.needle_tip is not None:
            needle_tip = _position(plane, pose.needle_tip)
            start = tip + axis * CAP_REACH_MM
            inside = _capsule(columns, rows, z, start, needle_tip, VOID_RADIUS_MM, max(1.0, plane.spacing[2] / 2))
            labels[k][inside] = NEEDLE_LABEL
        end = tip + axis * (CAP_REACH_MM - guide_radius_mm)
        labels[k][_capsule(columns, rows, z, tip - axis * guide_length_mm, end, guide_radius_mm, 0.0)] = GUIDE_LABEL
    return InstrumentMask(labels, plane.ijk_to_ras, pose.index)


def _position(plane: ImagePlane, point: Array) -> Array:
    xy, k = plane.from_ras(point)
    return np.array([xy[0], xy[1], float(k) * plane.spacing[2]])


def _capsule(
    columns: Array, rows: Array, z: float, start: Array, end: Array, radius: float, slack_z: float
) -> NDArray[np.bool_]:
    """Pixels nearer than ``radius`` to a segment (x, y, z mm); ``slack_z`` forgives distance through the plane."""
    along = end - start
    length2 = max(float(along @ along), 1e-9)
    dx, dy, dz = columns[None, :] - start[0], rows[:, None] - start[1], z - start[2]
    share = np.clip((dx * along[0] + dy * along[1] + dz * along[2]) / length2, 0, 1)
    apart_z = np.maximum(np.abs(dz - share * along[2]) - slack_z, 0)
    distance2 = (dx - share * along[0]) ** 2 + (dy - share * along[1]) ** 2 + apart_z**2
    return np.asarray(distance2 <= radius * radius)
