"""Slicer's scene, logics and rendering without the Slicer desktop (package ``slicer-core``): tests and pictures."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

import slicer
import vtk
from TemporalReconLib.errors import InputError

_EGL_PLATFORM_DEVICE = 0x313F

_MODULE_LOGICS = {
    "Markups": "vtkSlicerMarkupsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
}


def check_offscreen_rendering() -> None:
    """Make sure that pictures can be rendered without a display, before VTK tries and crashes.

    Raises
    ------
    InputError
        Where Linux has no working EGL.
    """
    if not sys.platform.startswith("linux"):
        return
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    if os.environ["VTK_DEFAULT_OPENGL_WINDOW"] != "vtkEGLRenderWindow":
        return  # the user chose another way to render
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError:
        raise InputError(_egl_advice("libEGL.so.1 is missing")) from None
    if not _an_egl_device_starts(egl):
        raise InputError(_egl_advice("no EGL device starts"))


def _an_egl_device_starts(egl: Any) -> bool:
    """Go through EGL's devices as VTK does (extensions EGL_EXT_device_enumeration and EGL_EXT_platform_device)."""
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    egl.eglGetProcAddress.argtypes = [ctypes.c_char_p]
    query_address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    display_address = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if not query_address or not display_address:
        return False
    pointer = ctypes.c_void_p
    query_devices = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, pointer, pointer)(query_address)
    get_display = ctypes.CFUNCTYPE(pointer, ctypes.c_uint, pointer, pointer)(display_address)
    egl.eglInitialize.argtypes = [pointer, pointer, pointer]
    devices, count = (pointer * 16)(), ctypes.c_int()
    if not query_devices(16, devices, ctypes.byref(count)):
        return False
    displays = (get_display(_EGL_PLATFORM_DEVICE, device, None) for device in devices[: count.value])
    return any(display and egl.eglInitialize(display, None, None) for display in displays)


def _egl_advice(what: str) -> str:
    return (
        f"offscreen rendering: {what}; expected EGL with Mesa or a GPU driver; "
        "on Debian install libegl1 libegl-mesa0 libgl1-mesa-dri"
    )


class OffscreenSlicer:
    """A scene with the logics that Slicer's desktop would have made.

    Attributes
    ----------
    scene
        ``vtkMRMLScene``.
    app_logic
        ``vtkSlicerApplicationLogic``.
    logics
        Module logics by name.

    Raises
    ------
    InputError
        Where nothing can be rendered; see :func:`check_offscreen_rendering`.
    """

    def __init__(self) -> None:
        check_offscreen_rendering()
        self.scene: Any = slicer.vtkMRMLScene()
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        self.app_logic: Any = slicer.vtkSlicerApplicationLogic()
        self.app_logic.SetMRMLScene(self.scene)
        colors = self.app_logic.GetColorLogic()
        colors.SetMRMLScene(self.scene)
        colors.AddDefaultColorNodes()
        self.app_logic.SetModuleLogic("Colors", colors)
        self.app_logic.SetSliceLogics(vtk.vtkCollection())
        self.app_logic.SetViewLogics(vtk.vtkCollection())
        self.logics = {name: self._module_logic(name, class_name) for name, class_name in _MODULE_LOGICS.items()}
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)

    def _module_logic(self, name: str, class_name: str) -> Any:
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(self.app_logic)
        logic.SetMRMLScene(self.scene)
        self.app_logic.SetModuleLogic(name, logic)
        return logic
