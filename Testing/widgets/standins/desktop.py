# ruff: noqa: N801  (classes and members bear the names they have in Slicer)
"""Puts the stand-ins in place and loads modules as Slicer does."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import slicer
import slicer.util
import vtk
from PySide6 import QtWidgets

from standins import ctk_module, parameter_node_wrapper, qmrml_widgets, qt_module, scripted_module
from standins.immortal_singletons import keep_singletons_alive

_REPOSITORY = Path(__file__).resolve().parents[3]
MODULE_FOLDERS = (_REPOSITORY / "TemporalRecon", _REPOSITORY / "InstrumentTracker")


class qSlicerApplication(QtWidgets.QApplication):
    """``slicer.app``: no main window, no views, testing enabled so that message boxes do not wait."""

    def layoutManager(self) -> None:
        return None

    def testingEnabled(self) -> bool:
        return True


def install() -> qSlicerApplication:
    """Make ``qt``, ``ctk`` and Slicer's application-level names importable; once per process."""
    if isinstance(getattr(slicer, "app", None), qSlicerApplication):
        return slicer.app
    keep_singletons_alive()
    sys.modules["qt"] = qt_module.build_module()
    sys.modules["ctk"] = ctk_module.build_module()
    qmrml_widgets.publish(slicer)
    parts = {
        "parameterNodeWrapper": parameter_node_wrapper.build_module(),
        "ScriptedLoadableModule": scripted_module.build_module(),
        "i18n": scripted_module.build_translation_module(),
    }
    for name, module in parts.items():
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    slicer.app = qSlicerApplication([])
    sys.path += [str(folder) for folder in MODULE_FOLDERS]  # as Slicer does for every module search path
    slicer.modules = types.SimpleNamespace()
    slicer.mrmlScene = new_scene()
    markups_logic = slicer.vtkSlicerMarkupsLogic()
    markups_logic.SetMRMLApplicationLogic(slicer.mrmlScene._application_logic)
    markups_logic.SetMRMLScene(slicer.mrmlScene)
    slicer.modules.markups = types.SimpleNamespace(logic=lambda: markups_logic)
    return slicer.app


def new_scene() -> Any:
    """A scene with the application logic that colors and slice views need."""
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.GetColorLogic().SetMRMLScene(scene)
    logic.GetColorLogic().AddDefaultColorNodes()
    logic.SetSliceLogics(vtk.vtkCollection())
    scene._application_logic = logic
    return scene


def load_module(path: Path) -> tuple[Any, Any, Any]:
    """Import a module file, make its module object and its widget in a panel; returns (file, module, widget)."""
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module_file = importlib.util.module_from_spec(spec)
    sys.modules[name] = module_file
    spec.loader.exec_module(module_file)
    parent = types.SimpleNamespace(path=str(path), title="", icon=None)
    setattr(slicer.modules, name.lower(), parent)
    module = getattr(module_file, name)(parent)
    panel = qmrml_widgets.qSlicerScriptedLoadableModuleWidget()
    panel.setLayout(qt_module.widget_classes["QVBoxLayout"]())
    widget = getattr(module_file, f"{name}Widget")(panel)
    widget.setup()
    return module_file, module, widget
