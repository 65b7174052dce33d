"""In-plane millimeters of a slice stack, and which way the instrument comes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import directions_of, ras_to_ijk, spacing_of, transform_points

# The guide enters through the rectum and points up and, in most patients, to the front (RAS).
INWARD_RAS = np.array([0.0, 0.6, 0.8])
# Below this length its projection into the image states no direction (a plane across the instrument).
MIN_INWARD = 0.25

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImagePlane:
    """Coordinates (x, y) in mm from the middle of the image, x along columns, y along rows.

    Attributes
    ----------
    ijk_to_ras
        4x4 of the stack, mm, RAS.
    spacing
        (column, row, slice) spacing in mm.
    shape
        (slice, row, col).
    inward
        Unit vector (x, y): mean direction of the instrument, from outside toward its tip.
    """

    ijk_to_ras: Array
    spacing: Array
    shape: tuple[int, int, int]
    inward: Array

    @classmethod
    def of(cls, image: ImageFrame) -> ImagePlane:
        """Without geometry the picture is taken as it is displayed: the guide comes from below."""
        inward = np.array([0.0, -1.0])
        if image.has_geometry:
            projected = INWARD_RAS @ directions_of(image.ijk_to_ras)[:, :2]
            if np.linalg.norm(projected) > MIN_INWARD:
                inward = projected / np.linalg.norm(projected)
        n_slices, n_rows, n_columns = image.data.shape
        return cls(image.ijk_to_ras, spacing_of(image.ijk_to_ras), (n_slices, n_rows, n_columns), inward)

    @property
    def center(self) -> Array:
        """(i, j) of the middle of the image."""
        return np.array([(self.shape[2] - 1) / 2, (self.shape[1] - 1) / 2])

    @property
    def half_size(self) -> Array:
        """Half of the field of view (x, y) in mm."""
        return np.array([self.shape[2] * self.spacing[0], self.shape[1] * self.spacing[1]]) / 2

    def to_indices(self, xy: ArrayLike) -> Array:
        """Continuous (i, j) of points (..., 2) in mm."""
        return np.asarray(xy, dtype=np.float64) / self.spacing[:2] + self.center

    def to_ras(self, xy: ArrayLike, slice_index: float) -> Array:
        """RAS (..., 3) of points (..., 2) at a continuous slice index."""
        indices = self.to_indices(xy)
        k = np.full((*indices.shape[:-1], 1), slice_index)
        return transform_points(self.ijk_to_ras, np.concatenate([indices, k], axis=-1))

    def from_ras(self, points: ArrayLike) -> tuple[Array, Array]:
        """(x, y) in mm (..., 2) and continuous slice index (...) of RAS points (..., 3)."""
        indices = ras_to_ijk(self.ijk_to_ras, points)
        return (indices[..., :2] - self.center) * self.spacing[:2], indices[..., 2]

    def covariance_to_ras(self, line: Line, covariance: ArrayLike) -> Array:
        """(3, 3) mm2 in RAS from one along a line, across it in the plane, and through the plane."""
        frame = np.eye(3)
        frame[:2, 0], frame[:2, 1] = line.direction, line.normal
        basis = directions_of(self.ijk_to_ras) @ frame
        return np.asarray(basis @ np.asarray(covariance, dtype=np.float64) @ basis.T)

    def direction_to_plane(self, direction: ArrayLike) -> Array:
        """(x, y, z) components of a RAS vector along columns, rows and slices."""
        vector = np.asarray(direction, dtype=np.float64)
        return np.asarray(np.linalg.solve(directions_of(self.ijk_to_ras), vector), dtype=np.float64)


@dataclass(frozen=True)
class Line:
    """A directed straight line in an image plane.

    Attributes
    ----------
    angle
        Direction (cos, sin) in (x, y), radians.
    offset
        Signed distance from the middle of the image, mm, along (-sin, cos).
    """

    angle: float
    offset: float

    @property
    def direction(self) -> Array:
        return np.array([np.cos(self.angle), np.sin(self.angle)])

    @property
    def normal(self) -> Array:
        return np.array([-np.sin(self.angle), np.cos(self.angle)])

    def point(self, along: float | Array, across: float | Array = 0.0) -> Array:
        """(x, y) of points given by mm along and across the line; broadcast, (..., 2)."""
        along_array, across_array = np.broadcast_arrays(np.asarray(along, float), np.asarray(across, float))
        return along_array[..., None] * self.direction + (across_array[..., None] + self.offset) * self.normal

    @classmethod
    def through(cls, point: ArrayLike, direction: ArrayLike) -> Line:
        x, y = np.asarray(direction, dtype=np.float64)[:2]
        angle = float(np.arctan2(y, x))
        px, py = np.asarray(point, dtype=np.float64)[:2]
        return cls(angle, float(-px * np.sin(angle) + py * np.cos(angle)))
