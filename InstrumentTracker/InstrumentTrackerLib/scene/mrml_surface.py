"""Surfaces and lines of the guidance display as model nodes, whose points are replaced in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from TemporalReconLib.scene.mrml_nodes import NodeChange, SceneNodes
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

from InstrumentTrackerLib.palette import Color

Points = NDArray[np.float64]


@dataclass(frozen=True)
class SurfaceSpec:
    """How one model node looks.

    Attributes
    ----------
    role, name
        Identity in the scene.
    color
        RGB 0..1.
    opacity
        In 3D.
    line_px
        Width of its lines, in 3D and where a slice cuts it.
    is_projected
        Slices show all of it, projected, not where they cut it.
    """

    role: str
    name: str
    color: Color
    opacity: float = 0.25
    line_px: int = 2
    is_projected: bool = False


class Surface:
    """One model node: made on first use, emptied where nothing is known."""

    def __init__(self, nodes: SceneNodes, spec: SurfaceSpec) -> None:
        self._nodes = nodes
        self.spec = spec
        self._is_visible = True
        self._data: Any | None = None

    @property
    def node(self) -> Any | None:
        """The ``vtkMRMLModelNode``, or None before its first use."""
        return self._nodes.find(self.spec.role)

    def set_visible(self, visible: bool) -> None:
        """Show or hide it."""
        self._is_visible = visible
        node = self.node
        if node is not None and node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetVisibility(visible)

    def make(self) -> Any:
        """The model node, made empty where it is missing."""
        return self._nodes.get(self.spec.role, "vtkMRMLModelNode", self.spec.name, self._configure)

    def show(self, points: Points, polygons: NDArray[np.int64], n_lines: int = 0) -> None:
        """Show points (n, 3), RAS mm, joined by polygons (m, corners), or by one line through the first ``n_lines``.

        No points empty the model, and so does being hidden: what nobody sees costs nothing and grows not old.
        """
        if not self._is_visible:
            points = points[:0]
        node = self.node
        if node is None:
            if not len(points):
                return
            node = self.make()
        data = self._data_of(node)
        if not len(points) and not data.GetNumberOfPoints():
            return
        coordinates = vtk.vtkPoints()
        coordinates.SetData(numpy_to_vtk(np.ascontiguousarray(points, np.float32).reshape(-1, 3), deep=True))
        data.Initialize()
        data.SetPoints(coordinates)
        if len(points) and n_lines > 1:
            line = vtk.vtkCellArray()
            line.InsertNextCell(n_lines)
            for index in range(n_lines):
                line.InsertCellPoint(index)
            data.SetLines(line)
        if len(points) and len(polygons):
            data.SetPolys(_cells(polygons))
        data.Modified()  # the node observes it and tells the views

    def _data_of(self, node: Any) -> Any:
        """Our mesh, given to the node again where a loaded scene or a user replaced it."""
        if self._data is None:
            self._data = vtk.vtkPolyData()
        if node.GetPolyData() is not self._data:
            node.SetAndObservePolyData(self._data)
        return self._data

    def _configure(self, node: Any) -> None:
        node.SetHideFromEditors(True)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        with NodeChange(display):
            display.SetColor(*self.spec.color)
            display.SetOpacity(self.spec.opacity)
            display.SetLineWidth(self.spec.line_px)
            display.SetLighting(not self.spec.is_projected)
            display.SetBackfaceCulling(False)
            display.SetScalarVisibility(False)
            display.SetVisibility2D(True)
            display.SetSliceIntersectionThickness(self.spec.line_px)
            if self.spec.is_projected:
                display.SetSliceDisplayMode(slicer.vtkMRMLModelDisplayNode.SliceDisplayProjection)
            display.SetVisibility(self._is_visible)


def _cells(polygons: NDArray[np.int64]) -> Any:
    corners = polygons.shape[1]
    offsets = np.arange(0, polygons.size + 1, corners, dtype=np.int64)
    cells = vtk.vtkCellArray()
    cells.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=True),
        numpy_to_vtkIdTypeArray(np.ascontiguousarray(polygons, np.int64).ravel(), deep=True),
    )
    return cells
