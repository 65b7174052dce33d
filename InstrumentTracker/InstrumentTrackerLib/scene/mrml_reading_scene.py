"""The picture of a reader study in the scene, with the reader's mark; nothing in either says what the picture is."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from numpy.typing import ArrayLike, NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ras_to_ijk, spacing_of, transform_points
from TemporalReconLib.scene.mrml_nodes import ROLE, NodeChange, SceneNodes, vtk_matrix
from TemporalReconLib.scene.mrml_volume import ijk_to_ras_of
from TemporalReconLib.window_level import robust_window

from InstrumentTrackerLib.palette import YELLOW
from InstrumentTrackerLib.scene.mrml_markups import MEASURED_GLYPH, MarkerSpec, configure_marker

FOLDER_NAME = "Reader study"
PICTURE_ROLE = "Reading.Picture"
MARK = MarkerSpec(
    "Reading.Mark", "vtkMRMLMarkupsFiducialNode", "Mark", YELLOW, MEASURED_GLYPH, 8.0, interactive=True, in_3d=False
)
_ORIENTATIONS = ("Sagittal", "Coronal", "Axial")

Point = NDArray[np.float64]


class ReadingScene:
    """One picture and one mark at most.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene``.
    """

    def __init__(self, scene: Any) -> None:
        self._nodes = SceneNodes(scene, FOLDER_NAME)

    @property
    def volume(self) -> Any:
        """The picture's volume node, None while nothing is shown."""
        return self._nodes.find(PICTURE_ROLE)

    @property
    def mark_node(self) -> Any:
        """The list that the reader's point goes into; made where it is missing."""
        return self._nodes.get(MARK.role, MARK.class_name, MARK.name, lambda node: configure_marker(node, MARK))

    @property
    def mark(self) -> Point | None:
        """Where the reader put the tip, RAS mm; None without a mark. Of several points the newest counts."""
        node = self._nodes.find(MARK.role)
        if node is None:
            return None
        defined = slicer.vtkMRMLMarkupsNode.PositionDefined
        for index in reversed(range(node.GetNumberOfControlPoints())):
            if node.GetNthControlPointPositionStatus(index) == defined:
                position = [0.0, 0.0, 0.0]
                node.GetNthControlPointPositionWorld(index, position)
                return np.array(position)
        return None

    def show(self, image: ImageFrame, name: str) -> Any:
        """Show a picture under a name that says nothing, with window and level of its own; returns the volume node."""
        self._remove(PICTURE_ROLE)  # not an attribute of the last picture stays
        node = self._nodes.get(
            PICTURE_ROLE, "vtkMRMLScalarVolumeNode", name, lambda node: node.CreateDefaultDisplayNodes()
        )
        with NodeChange(node):
            slicer.util.updateVolumeFromArray(node, image.data)
            node.SetIJKToRASMatrix(vtk_matrix(image.ijk_to_ras))
        window = robust_window(image.data) or 1.0
        display = node.GetDisplayNode()
        with NodeChange(display):
            display.SetAutoWindowLevel(False)
            display.SetWindowLevel(window, 0.5 * window)
        return node

    def put_mark(self, tip: ArrayLike) -> None:
        """Set the mark, RAS mm, in place of any other."""
        node = self.mark_node
        with NodeChange(node):
            node.RemoveAllControlPoints()
            node.AddControlPointWorld([float(value) for value in np.asarray(tip)])

    def clear_mark(self) -> None:
        node = self._nodes.find(MARK.role)
        if node is not None:
            node.RemoveAllControlPoints()

    def hide(self) -> None:
        """Take picture and mark out of the scene: what is paused is nowhere to be seen."""
        if not self._nodes.is_busy:
            self._nodes.remove_all()

    def orientation(self) -> str:
        """The view in which the slices lie as they were acquired, or nearly: Axial, Sagittal or Coronal."""
        normal = ijk_to_ras_of(self.volume)[:3, 2]
        return _ORIENTATIONS[int(np.argmax(np.abs(normal)))]

    def slice_point(self, number: int | None = None, beside: ArrayLike | None = None) -> Point:
        """The point of a slice (the middle one without a number) beside another point (its middle without one)."""
        columns, rows, slices = self.volume.GetImageData().GetDimensions()
        matrix = ijk_to_ras_of(self.volume)
        i, j = (columns // 2, rows // 2) if beside is None else ras_to_ijk(matrix, beside)[:2]
        k = slices // 2 if number is None else min(max(number, 0), slices - 1)
        return np.asarray(transform_points(matrix, np.array([i, j, k], dtype=np.float64)))

    def slice_number(self, point: ArrayLike) -> int:
        """In which slice a point lies, from 0."""
        return round(float(ras_to_ijk(ijk_to_ras_of(self.volume), point)[2]))

    @property
    def pixel_mm(self) -> float:
        return float(spacing_of(ijk_to_ras_of(self.volume))[:2].min())

    def _remove(self, role: str) -> None:
        node = self._nodes.find(role)
        if node is not None:
            self._nodes.scene.RemoveNode(node)
            self._nodes.find(role)  # forgets what the removed node left behind


def has_other_data(scene: Any) -> bool:
    """Whether the scene holds anything that a reader could see beside a picture of the study."""
    for class_name in ("vtkMRMLDisplayableNode", "vtkMRMLSequenceNode", "vtkMRMLTextNode", "vtkMRMLTableNode"):
        for index in range(scene.GetNumberOfNodesByClass(class_name)):
            node = scene.GetNthNodeByClass(index, class_name)
            is_ours = (node.GetAttribute(ROLE) or "") in (PICTURE_ROLE, MARK.role)
            if not node.GetHideFromEditors() and not is_ours:
                return True
    return False
