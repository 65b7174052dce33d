"""Slice views that follow the instrument: two perpendicular planes through its axis, centred on its tip.

Until it is first seen they lie on the acquired slices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from TemporalReconLib.geometry import Matrix, directions_of, same_geometry, transform_points
from TemporalReconLib.scene.mrml_nodes import NodeChange, numpy_matrix, vtk_matrix

from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

# Screen right, screen up and normal (RAS) of Slicer's sagittal, coronal and axial views.
_VIEW_AXES = (
    ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)),
    ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
)
_HYSTERESIS = 0.1
# How far the tip may leave the center of the view (in the plane, through it) and how far the axis may turn before the
# planes move again.
_CENTER_TOLERANCE_MM, _THROUGH_PLANE_TOLERANCE_MM, _ANGLE_TOLERANCE_DEG = 8.0, 0.5, 1.5

Vector = NDArray[np.float64]


def in_plane_normal(axis: ArrayLike, image_normal: ArrayLike) -> Vector:
    """Unit normal of the plane that holds the axis and is nearest to the acquired slices.

    An axis that stands upright on the slices has no nearest plane; then one upright to the patient is taken.
    """
    unit_axis = np.asarray(axis, dtype=np.float64)
    for candidate in (np.asarray(image_normal, dtype=np.float64), *np.eye(3)):
        normal = candidate - (candidate @ unit_axis) * unit_axis
        length = float(np.linalg.norm(normal))
        if length > 0.1:
            return normal / length
    raise AssertionError("three orthogonal directions cannot all be parallel to one axis")


def slice_to_ras(center: ArrayLike, normal: ArrayLike, anatomical_view: int) -> Matrix:
    """A slice matrix through ``center`` that shows the patient the usual way up.

    Parameters
    ----------
    center, normal
        RAS mm; unit vector, its sign does not matter.
    anatomical_view
        0 sagittal, 1 coronal, 2 axial: whose screen directions to come nearest to.
    """
    right_hint, up_hint, normal_hint = (np.array(axis) for axis in _VIEW_AXES[anatomical_view])
    unit = np.asarray(normal, dtype=np.float64)
    if unit @ normal_hint < 0:
        unit = -unit
    up = up_hint - (up_hint @ unit) * unit
    up /= np.linalg.norm(up)
    right = np.cross(up, unit)
    if right @ right_hint < 0:
        right = -right
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = right, up, unit, np.asarray(center)
    return matrix


class PlaneFollower:
    """Moves two slice nodes with the instrument.

    Small movements do not move the planes: a picture that trembles with each measurement cannot be read. Without
    a trusted pose the planes stay where they are.
    """

    def __init__(self) -> None:
        self._has_followed = False
        self._laid_on: Matrix | None = None
        self._views: dict[str, int] = {}

    def restart(self) -> None:
        """Another series: nothing was followed yet."""
        self._has_followed, self._laid_on = False, None

    def wait(self, in_plane_node: Any, perpendicular_node: Any, ijk_to_ras: Matrix, shape: tuple[int, ...]) -> None:
        """Show the acquired slices as long as no instrument was seen.

        Once for each geometry: where the user then looks is the user's affair.

        Parameters
        ----------
        in_plane_node, perpendicular_node
            ``vtkMRMLSliceNode``; the first shows the middle slice, the second the plane through its middle column.
        ijk_to_ras, shape
            Of the picture, (slice, row, col).
        """
        is_laid = self._laid_on is not None and same_geometry(self._laid_on, ijk_to_ras)
        if self._has_followed or is_laid:
            return
        self._laid_on = ijk_to_ras.copy()
        n_slices, n_rows, n_columns = shape
        center = transform_points(ijk_to_ras, [(n_columns - 1) / 2, (n_rows - 1) / 2, (n_slices - 1) // 2])
        across, along, normal = directions_of(ijk_to_ras).T
        self._place(in_plane_node, center, along, normal)
        self._place(perpendicular_node, center, along, across)

    def follow(
        self, in_plane_node: Any, perpendicular_node: Any, tracked: TrackedPose, image_normal: ArrayLike
    ) -> bool:
        """Place the planes; False where they stay because nothing is tracked.

        Parameters
        ----------
        in_plane_node, perpendicular_node
            ``vtkMRMLSliceNode``; the first shows the plane nearest to the acquired slices, the second the plane
            through the axis at right angles to it.
        tracked
            Pose with a tip and an axis.
        image_normal
            Unit normal of the acquired slices (RAS).
        """
        if not tracked.state.has_numbers or tracked.tip is None or tracked.axis is None:
            return False
        self._has_followed = True
        normal = in_plane_normal(tracked.axis, image_normal)
        self._place(in_plane_node, tracked.tip, tracked.axis, normal)
        self._place(perpendicular_node, tracked.tip, tracked.axis, np.cross(tracked.axis, normal))
        return True

    def _place(self, node: Any, tip: Vector, axis: Vector, normal: Vector) -> None:
        current = numpy_matrix(node.GetSliceToRAS())
        view = self._anatomical_view(node.GetID() or node.GetName(), normal)
        wanted = slice_to_ras(tip, normal, view)
        if self._is_close(current, wanted, axis):
            return
        with NodeChange(node):
            node.GetSliceToRAS().DeepCopy(vtk_matrix(wanted))
            node.UpdateMatrices()

    def _is_close(self, current: Matrix, wanted: Matrix, axis: Vector) -> bool:
        offset = wanted[:3, 3] - current[:3, 3]
        through = abs(float(offset @ current[:3, 2]))
        out_of_plane = np.degrees(np.arcsin(min(1.0, abs(float(axis @ current[:3, 2])))))
        cosines = np.clip(np.sum(current[:3, :3] * wanted[:3, :3], axis=0), -1.0, 1.0)
        turned = max(float(np.degrees(np.arccos(cosines)).max()), float(out_of_plane))
        return (
            through <= _THROUGH_PLANE_TOLERANCE_MM
            and float(np.linalg.norm(offset)) <= _CENTER_TOLERANCE_MM
            and turned <= _ANGLE_TOLERANCE_DEG
        )

    def _anatomical_view(self, key: str, normal: Vector) -> int:
        """Which usual view the plane resembles; the last answer is kept near 45 degrees."""
        strengths = np.abs(normal)
        last = self._views.get(key)
        best = int(np.argmax(strengths))
        if last is not None and strengths[best] < strengths[last] + _HYSTERESIS:
            best = last
        self._views[key] = best
        return best
