# ruff: noqa: E402  (our stand-ins of views import the modules' packages)
"""Puts the stand-ins in place and loads modules as Slicer does."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import shiboken6
import slicer
import slicer.util
import vtk

_REPOSITORY = Path(__file__).resolve().parents[3]
# Slicer keeps downloads in a folder of the user; nothing may fall into the folder that tests run in.
_CACHE = tempfile.TemporaryDirectory(prefix="slicer-cache-")
MODULE_FOLDERS = (_REPOSITORY / "TemporalRecon", _REPOSITORY / "InstrumentTracker")
sys.path += [str(folder) for folder in MODULE_FOLDERS]  # as Slicer does for every module search path

from standins import (
    ctk_module,
    genuine,
    module_panel,
    parameter_node_wrapper,
    qmrml_widgets,
    qt_module,
    sample_data,
    scripted_module,
)
from standins.application import Settings, qSlicerApplication
from standins.immortal_singletons import keep_singletons_alive

_MODULE_LOGICS = {
    "Markups": "vtkSlicerMarkupsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
}


def install() -> qSlicerApplication:
    """Make ``qt``, ``ctk`` and Slicer's application-level names importable; once per process."""
    if isinstance(getattr(slicer, "app", None), qSlicerApplication):
        return slicer.app
    keep_singletons_alive()
    sys.modules["qt"] = qt_module.build_module()
    sys.modules["qt"].QSettings = Settings  # type: ignore[attr-defined]
    sys.modules["ctk"] = ctk_module.build_module()
    qmrml_widgets.publish(slicer)
    slicer.app = qSlicerApplication([])
    slicer.mrmlScene, application_logic = new_scene()
    slicer.modules = types.SimpleNamespace(**_module_logics(slicer.mrmlScene, application_logic))
    slicer.app.show_scene(slicer.mrmlScene, application_logic)
    parts = {
        "parameterNodeWrapper": parameter_node_wrapper.build_module,
        "i18n": scripted_module.build_translation_module,
        "ScriptedLoadableModule": scripted_module.build_module,
    }
    for name, build in parts.items():
        module = genuine.import_part(name) or build()
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    sys.modules["SampleData"] = sample_data.build_module()
    return slicer.app


def new_scene() -> tuple[Any, Any]:
    """A scene and the application logic that colors and views need."""
    scene = slicer.vtkMRMLScene()
    cache = slicer.vtkCacheManager()
    cache.SetMRMLScene(scene)
    cache.SetRemoteCacheDirectory(_CACHE.name)
    scene.SetCacheManager(cache)
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    colors = logic.GetColorLogic()
    colors.SetMRMLScene(scene)
    colors.AddDefaultColorNodes()
    logic.SetModuleLogic("Colors", colors)
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return scene, logic


def _module_logics(scene: Any, application_logic: Any) -> dict[str, Any]:
    """``slicer.modules.markups.logic()`` and the like."""
    modules = {}
    for name, class_name in _MODULE_LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(scene)
        application_logic.SetModuleLogic(name, logic)
        modules[name.lower()] = types.SimpleNamespace(name=name, logic=lambda logic=logic: logic)
    return modules


def load_module(path: Path) -> tuple[Any, Any, Any]:
    """Import a module file, make its module object and its widget in a panel; returns (file, module, widget)."""
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module_file = importlib.util.module_from_spec(spec)
    sys.modules[name] = module_file
    spec.loader.exec_module(module_file)
    parent = module_panel.qSlicerScriptedLoadableModule(path)
    setattr(slicer.modules, name.lower(), parent)
    module = getattr(module_file, name)(parent)
    panel = parent.widgetRepresentation()
    panel.setLayout(qt_module.widget_classes["QVBoxLayout"]())
    panel.reload()
    return module_file, module, getattr(slicer.modules, f"{name}Widget")


def unload_module(name: str) -> None:
    """As Slicer does when it quits."""
    slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(name)
    delattr(slicer.modules, f"{name}Widget")
    slicer.selfTests.pop(name)
    shiboken6.delete(getattr(slicer.modules, name.lower()).widgetRepresentation())
    delattr(slicer.modules, name.lower())
