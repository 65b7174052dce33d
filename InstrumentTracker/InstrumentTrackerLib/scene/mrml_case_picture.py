"""The picture that a core keeps: the desktop's views as they are, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

Pixels = NDArray[np.uint8]

HEIGHT = 480
# More views than these make each of them too small to tell anything.
MAX_VIEWS = 3


def desktop_picture(layout_manager: Any) -> bytes | None:
    """Visible slice views and the first visible 3D view side by side, as PNG; None without any.

    Parameters
    ----------
    layout_manager
        ``slicer.app.layoutManager()``, or None where there is no desktop.
    """
    windows = [] if layout_manager is None else _visible_windows(layout_manager)
    return None if not windows else png_bytes(side_by_side([window_pixels(window) for window in windows[:MAX_VIEWS]]))


def _visible_windows(layout_manager: Any) -> list[Any]:
    slices = (layout_manager.sliceWidget(name) for name in layout_manager.sliceViewNames())
    windows = [widget.sliceView().renderWindow() for widget in slices if widget is not None and widget.visible]
    for index in range(layout_manager.threeDViewCount):
        widget = layout_manager.threeDWidget(index)
        if widget.visible:
            windows.append(widget.threeDView().renderWindow())
            break
    return windows


def window_pixels(window: Any) -> Pixels:
    """What a ``vtkRenderWindow`` shows, uint8 (row, col, 3), first row on top."""
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.SetInputBufferTypeToRGB()
    grabber.ReadFrontBufferOff()
    grabber.Update()
    image = grabber.GetOutput()
    columns, rows, _ = image.GetDimensions()
    return np.array(vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, 3)[::-1])


def side_by_side(pictures: Sequence[Pixels]) -> Pixels:
    """Pictures (row, col, 3) brought to one height and put beside each other."""
    resized = []
    for picture in pictures:
        rows, columns = picture.shape[:2]
        width = max(1, round(columns * HEIGHT / rows))
        resize = vtk.vtkImageResize()
        resize.SetInputData(_image_of(picture))
        resize.SetOutputDimensions(width, HEIGHT, 1)
        resize.Update()
        resized.append(vtk_to_numpy(resize.GetOutput().GetPointData().GetScalars()).reshape(HEIGHT, width, 3)[::-1])
    return np.concatenate(resized, axis=1)


def png_bytes(pixels: Pixels) -> bytes:
    """A PNG file of uint8 (row, col, 3), first row on top."""
    writer = vtk.vtkPNGWriter()
    writer.WriteToMemoryOn()
    writer.SetCompressionLevel(1)  # a third faster, hardly larger: the live display waits meanwhile
    writer.SetInputData(_image_of(pixels))
    writer.Write()
    return vtk_to_numpy(writer.GetResult()).tobytes()


def _image_of(pixels: Pixels) -> Any:
    rows, columns, _ = pixels.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    flat = np.ascontiguousarray(pixels[::-1]).reshape(-1, 3)
    image.GetPointData().SetScalars(numpy_to_vtk(flat, deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
    return image
