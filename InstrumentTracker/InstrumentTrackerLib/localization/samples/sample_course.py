"""Where the needle is looked for: the tracked pose in the coordinates of the image plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from InstrumentTrackerLib.localization.expected_pose import ExpectedPose
from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.localization.instrument_shape import BEND_REFERENCE_MM, CAP_REACH_MM
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

# A tracked tip beside the axis is a bend rather than an error of the tip in proportion to their variances.
TIP_STD_MM, BEND_STD_MM, MAX_BEND_MM = 0.5, 1.0, 3.0
# Less of the axis than this in the plane shows no depth.
MIN_IN_PLANE = 0.7
# Half the width of the void.
RADIUS_MM = 1.6
# A slice in which the needle fills less than this share says nothing.
MIN_SHARE = 0.4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """The expected course of the needle.

    Attributes
    ----------
    line, guide_tip
        The guide's line in the plane, and where on it the guide ends (mm).
    bend
        Offset (mm) of the needle from the line at 30 mm.
    in_plane
        mm in the plane per mm along the axis.
    slice_index, slope
        Of the guide tip (continuous), and slices per mm along the line.
    needle_mm
        Reach of the needle beyond the guide tip in the plane, None where no needle is known.
    """

    line: Line
    guide_tip: float
    bend: float
    in_plane: float
    slice_index: float
    slope: float
    needle_mm: float | None

    @classmethod
    def of(cls, prediction: ExpectedPose, plane: ImagePlane, seen_once: Point | None = None) -> Course | None:
        """From the void's tracked end, without artifact correction; None where the guide is unknown or out of plane.

        ``seen_once`` is the needle tip, RAS mm (3,), where none is predicted.
        """
        if prediction.guide_tip is None or prediction.axis is None:
            return None
        direction = plane.direction_to_plane(prediction.axis)
        in_plane = float(np.hypot(*direction[:2]))
        if in_plane < MIN_IN_PLANE:
            return None
        point, slice_index = plane.from_ras(prediction.guide_tip)
        line = Line.through(point, direction)
        guide_tip = float(point @ line.direction)
        needle_mm, bend = None, 0.0
        needle_tip = seen_once if prediction.needle_tip is None else prediction.needle_tip
        if needle_tip is not None:
            tip, _ = plane.from_ras(needle_tip)
            needle_mm = float(tip @ line.direction) - guide_tip
            sag = max(needle_mm, 0.0) ** 2 / BEND_REFERENCE_MM**2
            bend = float(tip @ line.normal - line.offset) * sag / (sag**2 + (TIP_STD_MM / BEND_STD_MM) ** 2)
        slope = float(direction[2]) / in_plane / float(plane.spacing[2])
        bend = float(np.clip(bend, -MAX_BEND_MM, MAX_BEND_MM))
        return cls(line, guide_tip, bend, in_plane, float(slice_index), slope, needle_mm)

    def coordinates(self, plane: ImagePlane) -> tuple[Array, Array]:
        """mm from the guide tip along the line and mm beside the course of all pixels, (row, col) each."""
        row, column = np.mgrid[: plane.shape[1], : plane.shape[2]].astype(np.float64)
        x = (column - plane.center[0]) * plane.spacing[0]
        y = (row - plane.center[1]) * plane.spacing[1]
        along = x * self.line.direction[0] + y * self.line.direction[1] - self.guide_tip
        across = x * self.line.normal[0] + y * self.line.normal[1] - self.line.offset
        return along, across - self.bend * sag_of(along)

    def to_ras(self, plane: ImagePlane, along: float, beside: float = 0.0) -> Array:
        """RAS (3,) of a point given in these coordinates."""
        across = beside + self.bend * float(sag_of(along))
        return plane.to_ras(self.line.point(self.guide_tip + along, across), self.slice_index + self.slope * along)

    def slices(self, plane: ImagePlane) -> list[tuple[int, float]]:
        """Slices that should show the needle, and the share of their thickness that it fills at the most (0..1)."""
        middle = self.slice_index + self.slope * (CAP_REACH_MM + max(self.needle_mm or 0.0, CAP_REACH_MM)) / 2
        thickness = float(plane.spacing[2])
        distance = np.abs(np.arange(plane.shape[0]) - middle) * thickness
        width = min(2 * RADIUS_MM, thickness)
        share = np.clip((thickness / 2 + RADIUS_MM - distance) / width, 0, 1)
        if share.max() < MIN_SHARE:
            # Where the position through the plane is not known, the needle is taken to lie in the nearest slice.
            return [(int(distance.argmin()), 1.0)]
        return [(int(k), float(share[k])) for k in np.flatnonzero(share >= MIN_SHARE)]


def sag_of(along: ArrayLike) -> Array:
    """Sideways offset per bend at mm beyond the guide tip."""
    return (np.maximum(np.asarray(along, dtype=np.float64), 0) / BEND_REFERENCE_MM) ** 2
