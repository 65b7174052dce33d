"""Slice and 3D views rendered offscreen by Slicer's own logics and displayable managers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import ArrayLike, NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from InstrumentTrackerLib.scene.mrml_offscreen import OffscreenSlicer

Size = tuple[int, int]
Pixels = NDArray[np.uint8]

_SLICE_MANAGERS = (
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)
_THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
)


def save_png(pixels: Pixels, path: str | Path) -> None:
    """Write uint8 (row, col, 3), first row on top."""
    rows, columns, _ = pixels.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    flat = np.ascontiguousarray(pixels[::-1]).reshape(-1, 3)
    image.GetPointData().SetScalars(numpy_to_vtk(flat, deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()


class OffscreenView:
    """A render window without a screen."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.renderer: Any = vtk.vtkRenderer()
        self.window: Any = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.AddRenderer(self.renderer)
        self.window.SetSize(*size)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self.window)
        self._interactor.Initialize()
        self._interactor.UpdateSize(*size)

    def render(self) -> None:
        """Draw the scene as it is now."""
        self.window.Render()

    def pixels(self) -> Pixels:
        """The last rendered picture, uint8 (row, col, 3), first row on top."""
        columns, rows = self.size
        data = vtk.vtkUnsignedCharArray()
        self.window.GetPixelData(0, 0, columns - 1, rows - 1, 0, data, 0)
        return np.array(vtk_to_numpy(data).reshape(rows, columns, 3)[::-1])

    def png(self, path: str | Path) -> None:
        """Render and write a PNG file."""
        self.render()
        save_png(self.pixels(), path)

    def _displayable_managers(self, factory: Any, host: OffscreenSlicer, names: tuple[str, ...]) -> Any:
        instance = factory.GetInstance()
        instance.SetMRMLApplicationLogic(host.app_logic)
        for name in names:
            if not instance.IsDisplayableManagerRegistered(name):
                instance.RegisterDisplayableManager(name)
        group = slicer.vtkMRMLDisplayableManagerGroup()
        group.SetRenderer(self.renderer)
        group.Initialize(instance, self.renderer)
        return group


class SliceView(OffscreenView):
    """A slice view.

    Parameters
    ----------
    host
        Scene and logics.
    name
        Layout name of the slice node, such as "InPlane".
    orientation
        Orientation preset to begin with.
    size
        Pixels (columns, rows).
    """

    def __init__(
        self, host: OffscreenSlicer, name: str = "Red", orientation: str = "Axial", size: Size = (640, 480)
    ) -> None:
        super().__init__(size)
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        overlay = vtk.vtkRenderer()
        overlay.SetLayer(1)
        overlay.GetActiveCamera().ParallelProjectionOn()
        self.window.SetNumberOfLayers(2)
        self.window.AddRenderer(overlay)
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._mapper)
        self._actor.GetProperty().SetDisplayLocationToBackground()
        self._actor.VisibilityOff()
        self.renderer.AddViewProp(self._actor)  # before all else: what comes later is drawn over it
        self._group = self._displayable_managers(
            slicer.vtkMRMLSliceViewDisplayableManagerFactory, host, _SLICE_MANAGERS
        )
        self.logic: Any = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(host.app_logic)
        host.app_logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(host.scene)
        self.node: Any = host.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if self.node is None:
            self.node = self.logic.AddSliceNode(name)
        else:
            self.logic.SetSliceNode(self.node)
        self.node.SetOrientation(orientation)
        self.node.SetRulerType(slicer.vtkMRMLAbstractViewNode.RulerTypeThin)
        self._group.SetMRMLDisplayableNode(self.node)
        self.logic.ResizeSliceNode(*size)

    def show(self, volume: Any) -> None:
        """Show a volume node, fitted to the view."""
        self.logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        self.logic.FitSliceToBackground()
        self.logic.SnapSliceOffsetToIJK()

    def set_height_mm(self, height_mm: float) -> None:
        """Zoom so that the view is this many mm high."""
        columns, rows = self.size
        self.node.SetFieldOfView(height_mm * columns / rows, height_mm, self.node.GetFieldOfView()[2])

    def pixel_of(self, ras: ArrayLike) -> tuple[int, int]:
        """(row, col) in :meth:`pixels` where a RAS point is projected; may lie outside the picture."""
        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.node.GetXYToRAS(), inverse)
        x, y = inverse.MultiplyPoint([*np.asarray(ras, dtype=np.float64), 1.0])[:2]
        return self.size[1] - 1 - round(y), round(x)

    def render(self) -> None:
        connection = self.logic.GetImageDataConnection()
        self._mapper.SetInputConnection(connection)
        self._actor.SetVisibility(connection is not None)
        self.window.Render()


class ThreeDView(OffscreenView):
    """A 3D view, on black so that it reads like the slice views beside it."""

    def __init__(self, host: OffscreenSlicer, name: str = "1", size: Size = (640, 480)) -> None:
        super().__init__(size)
        self._group = self._displayable_managers(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory, host, _THREE_D_MANAGERS
        )
        self.logic: Any = slicer.vtkMRMLViewLogic()
        self.logic.SetMRMLApplicationLogic(host.app_logic)
        host.app_logic.GetViewLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(host.scene)
        self.node: Any = host.scene.GetSingletonNode(name, "vtkMRMLViewNode")
        if self.node is None:  # the logic would make one beside the scene
            self.node = self.logic.AddViewNode(name)
        self.node.SetBackgroundColor(0.0, 0.0, 0.0)
        self.node.SetBackgroundColor2(0.0, 0.0, 0.0)
        self.node.SetBoxVisible(False)
        self.node.SetAxisLabelsVisible(False)
        self._group.SetMRMLDisplayableNode(self.node)

    @property
    def camera(self) -> Any:
        """The ``vtkMRMLCameraNode`` of the view."""
        return self._group.GetDisplayableManagerByClassName("vtkMRMLCameraDisplayableManager").GetCameraNode()

    def look_at(self, center: ArrayLike, direction: ArrayLike, up: ArrayLike, height_mm: float) -> None:
        """Look along ``direction`` at ``center`` (RAS) so that about ``height_mm`` fit into the view."""
        focus, toward = np.asarray(center, dtype=np.float64), np.asarray(direction, dtype=np.float64)
        camera = self.camera
        distance = 0.5 * height_mm / np.tan(np.radians(0.5 * camera.GetViewAngle()))
        camera.SetFocalPoint(*focus)
        camera.SetPosition(*(focus - distance * toward / np.linalg.norm(toward)))
        camera.SetViewUp(*np.asarray(up, dtype=np.float64))
        camera.ResetClippingRange()

    def render(self) -> None:
        self.renderer.ResetCameraClippingRange()
        self.window.Render()
