"""Where the guide lies in the plane as its picture shows it, and the pixels about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.geometry import directions_of

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose, Point
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.samples.sample_band import SampleBand
from InstrumentTrackerLib.localization.samples.sample_course import MIN_IN_PLANE
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

# The gel ends this far before the cap's outer end.
GEL_TO_END_MM = 9.5
# Half the width of the guide, and the blur of its edges by pixels.
RADIUS_MM, EDGE_MM = 5.8, 1.1
# Pictures of few lines show an entering guide too long, and one that advances too short: ends that are tried, mm
# beyond the picture's.
NEAREST_MM, FARTHEST_MM = -56.0, 20.0
# The band: half its width, how far it reaches behind, and which columns have something to say about the end.
HALF_WIDTH_MM, BEHIND_MM, TELLING_MM, MARGIN_MM = 10.0, 130.0, 85.0, 5.0
Array = NDArray[np.float64]


@dataclass(frozen=True)
class GuideCourse:
    """The guide in a picture.

    Attributes
    ----------
    line
        Axis in the plane, directed toward the tip.
    end
        Outer end of the cap on it, mm.
    slice_index
        Slice (continuous) of its tip.
    """

    line: Line
    end: float
    slice_index: float

    @classmethod
    def of(cls, pose: InstrumentPose, plane: ImagePlane) -> GuideCourse | None:
        """From a measured pose; None without a guide, or where it runs through the plane."""
        if pose.guide_tip is None or pose.axis is None:
            return None
        direction = plane.direction_to_plane(pose.axis)
        if np.hypot(*direction[:2]) < MIN_IN_PLANE:
            return None
        point, slice_index = plane.from_ras(pose.guide_tip)
        line = Line.through(point, direction)
        return cls(line, float(point @ line.direction) + CAP_REACH_MM, float(slice_index))

    def advanced(self, mm: float) -> GuideCourse:
        """The same line with its end so much farther in."""
        return replace(self, end=self.end + mm)

    def moved(self, turn_deg: float, offset_mm: float) -> GuideCourse:
        """The same end on a line that is turned about it, or lies beside it."""
        line = Line(self.line.angle + np.radians(turn_deg), 0.0)
        point = self.line.point(self.end, offset_mm)
        return replace(self, line=Line.through(point, line.direction), end=float(point @ line.direction))

    def axis(self, plane: ImagePlane) -> Point:
        """Unit vector (3,) RAS of the line."""
        return np.asarray(directions_of(plane.ijk_to_ras)[:, :2] @ self.line.direction)

    def coordinates(self, plane: ImagePlane) -> tuple[Array, Array]:
        """mm beyond the end along the line and mm beside it of all pixels, (row, col) each."""
        row, column = np.mgrid[: plane.shape[1], : plane.shape[2]].astype(np.float64)
        x = (column - plane.center[0]) * plane.spacing[0]
        y = (row - plane.center[1]) * plane.spacing[1]
        along = x * self.line.direction[0] + y * self.line.direction[1] - self.end
        across = x * self.line.normal[0] + y * self.line.normal[1] - self.line.offset
        return along, across

    def band(self, plane: ImagePlane, step: int = 1) -> SampleBand | None:
        """Pixels that the guide may cover, in each ``step``-th column that tells its end; None outside of the image."""
        along, across = self.coordinates(plane)
        near = (np.abs(across) < HALF_WIDTH_MM) & (along < FARTHEST_MM + MARGIN_MM)
        telling = near & (along > -TELLING_MM)
        return SampleBand.of(near & (along > -BEHIND_MM) & telling.any(axis=0), along, across, step)

    def is_near(self, other: GuideCourse, degrees: float, mm: float) -> bool:
        """Whether two lines are one guide's."""
        turn = abs((self.line.angle - other.line.angle + np.pi) % (2 * np.pi) - np.pi)
        aside = abs(float(other.line.point(other.end) @ self.line.normal) - self.line.offset)
        return bool(np.degrees(turn) <= degrees and aside <= mm)


def inside(distance: Array) -> Array:
    """Share of a pixel inside an edge that lies ``distance`` mm beyond its center."""
    return np.clip(distance / EDGE_MM + 0.5, 0.0, 1.0)
