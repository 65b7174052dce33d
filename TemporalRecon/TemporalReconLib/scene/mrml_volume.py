"""The live picture in a Slicer scene: one volume node whose pixels are replaced in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import Matrix, same_geometry
from TemporalReconLib.scene.mrml_nodes import NodeChange, SceneNodes, numpy_matrix, vtk_matrix
from TemporalReconLib.window_level import WindowFollower

VOLUME_ROLE = "Reconstruction"
VOLUME_NAME = "TR Reconstruction"


class LiveVolume:
    """Shows image frames as one ``vtkMRMLScalarVolumeNode``.

    Window and level are set from the first picture of a stream that has contrast and then follow it slowly, see
    :class:`~TemporalReconLib.window_level.WindowFollower`. Once the user changes them they are the user's.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene``.
    name
        Name of the volume node.
    nodes
        Shared node keeper, where the volume belongs to a larger group.
    """

    def __init__(self, scene: Any, name: str = VOLUME_NAME, nodes: SceneNodes | None = None) -> None:
        self._nodes = SceneNodes(scene) if nodes is None else nodes
        self._name = name
        self._window_stream: str | None = None
        self._window = WindowFollower()
        self._set_window_level: tuple[float, float] | None = None
        self._window_is_locked = False

    @property
    def window_is_locked(self) -> bool:
        """Whether window and level are left alone; becomes true when the user changes them."""
        return self._window_is_locked

    @window_is_locked.setter
    def window_is_locked(self, locked: bool) -> None:
        if self._window_is_locked and not locked:  # the next picture sets them anew
            self._window.restart()
            self._set_window_level = None
        self._window_is_locked = locked

    @property
    def node(self) -> Any | None:
        """The volume node, or None before the first picture (or after the scene was closed)."""
        return self._nodes.find(VOLUME_ROLE)

    def update(self, image: ImageFrame, age_s: float | None = None) -> Any | None:
        """Show a frame and return the volume node; None while the scene is being closed or loaded.

        Parameters
        ----------
        image
            Picture (slice, row, col) with its ``ijk_to_ras``; shape and geometry may differ from the last one.
        age_s
            Seconds since the middle of the acquisition.
        """
        if self._nodes.is_busy:
            return None
        had_node = self.node is not None
        node = self._nodes.get(VOLUME_ROLE, "vtkMRMLScalarVolumeNode", self._name, _create_display)
        if not had_node:
            self._window_stream = self._set_window_level = None
        with NodeChange(node):
            pixels = _pixels_of(node, image.data.shape)
            pixels[...] = image.data
            if not same_geometry(ijk_to_ras_of(node), image.ijk_to_ras, 1e-9):
                node.SetIJKToRASMatrix(vtk_matrix(image.ijk_to_ras))
            _set_attributes(node, image, age_s)
            node.GetImageData().GetPointData().GetScalars().Modified()
            node.GetImageData().Modified()
            node.Modified()
        self._follow_window(node, image)
        return node

    def set_age(self, age_s: float) -> None:
        """State how old the shown picture is now, without a new picture."""
        node = self.node
        if node is not None and not self._nodes.is_busy:
            node.SetAttribute("TR.Age_s", f"{age_s:.3f}")

    def clear(self) -> None:
        """Blacken the picture: the next one may be another patient's. The node stays."""
        node = self.node
        if node is None or self._nodes.is_busy or node.GetImageData() is None:
            return
        with NodeChange(node):
            vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())[...] = 0.0
            node.GetImageData().GetPointData().GetScalars().Modified()
            node.GetImageData().Modified()
            for name in _ATTRIBUTES:
                node.RemoveAttribute(name)
            node.Modified()
        self._window_stream = None

    def _follow_window(self, node: Any, image: ImageFrame) -> None:
        display = node.GetDisplayNode()
        if display is None:
            return
        shown = (display.GetWindow(), display.GetLevel())
        if self._set_window_level is not None and not np.allclose(shown, self._set_window_level, rtol=1e-6):
            self._window_is_locked = True
        if self._window_stream != image.stream_id:
            self._window.restart()
            self._window_stream = image.stream_id
        window_level = None if self._window_is_locked else self._window.follow(image.data)
        if window_level is None:
            return
        with NodeChange(display):
            display.SetAutoWindowLevel(False)
            display.SetWindowLevel(*window_level)
        self._set_window_level = (display.GetWindow(), display.GetLevel())


def _create_display(node: Any) -> None:
    node.CreateDefaultDisplayNodes()


def ijk_to_ras_of(node: Any) -> Matrix:
    """Geometry of a volume node: 4x4, mm, RAS."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return numpy_matrix(matrix)


def _pixels_of(node: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The node's own float32 memory as (slice, row, col); new memory only where the shape changed."""
    slices, rows, columns = shape
    image = node.GetImageData()
    fits = image is not None and image.GetDimensions() == (columns, rows, slices)
    if not fits or image.GetScalarType() != vtk.VTK_FLOAT or image.GetNumberOfScalarComponents() != 1:
        image = vtk.vtkImageData()
        image.SetDimensions(columns, rows, slices)
        image.AllocateScalars(vtk.VTK_FLOAT, 1)
        node.SetAndObserveImageData(image)
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape)


# What the wire's metadata say has their names and values, so that a volume received by OpenIGTLink reads alike.
# Acceleration, method and age are stated here alone: no picture on the wire carries them.
_ATTRIBUTES = (
    "TR.FrameIndex",
    "TR.StreamID",
    "TR.AcqStartTime",
    "TR.AcqEndTime",
    "TR.Latency_ms",
    "TR.Quality",
    "TR.Acceleration",
    "TR.Method",
    "TR.HasGeometry",
    "TR.Age_s",
)


def _set_attributes(node: Any, image: ImageFrame, age_s: float | None) -> None:
    values = (
        str(image.index),
        image.stream_id,
        f"{image.acquisition_start_time:.6f}",
        f"{image.acquisition_end_time:.6f}",
        f"{1e3 * image.latency_s:.1f}",
        None if image.quality is None else f"{image.quality:.3f}",
        f"{image.acceleration:g}",
        image.method,
        None if image.has_geometry else "0",
        None if age_s is None else f"{age_s:.3f}",
    )
    for name, value in zip(_ATTRIBUTES, values, strict=True):
        if value is None:
            node.RemoveAttribute(name)
        elif node.GetAttribute(name) != value:
            node.SetAttribute(name, value)
