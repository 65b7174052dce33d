# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""The module object and the panel that Slicer makes for a scripted module."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject, stored_property


class qSlicerScriptedLoadableModule(PythonQtObject, QtCore.QObject):
    """``parent`` of a module class, and ``slicer.modules.<name>``."""

    title = stored_property(str, "title", "")
    categories = stored_property("QStringList", "categories", [])
    contributors = stored_property("QStringList", "contributors", [])
    dependencies = stored_property("QStringList", "dependencies", [])
    associatedNodeTypes = stored_property("QStringList", "associatedNodeTypes", [])
    helpText = stored_property(str, "helpText", "")
    acknowledgementText = stored_property(str, "acknowledgementText", "")
    icon = stored_property("QVariant", "icon", None)
    hidden = stored_property(bool, "hidden", False)
    index = stored_property(int, "index", -1)
    slicerWikiUrl = stored_property(str, "slicerWikiUrl", "https://www.slicer.org/wiki")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._values: dict[str, Any] = {}
        self._path = str(path)
        self._panel: Any = None

    def _refresh(self) -> None:
        """Nothing shows a module's texts here."""

    path = QtCore.Property(str, lambda self: self._path)

    def widgetRepresentation(self) -> Any:
        if self._panel is None:
            self._panel = qSlicerScriptedLoadableModuleWidget()
            self._panel._class_name = f"{Path(self._path).stem}Widget"
        return self._panel


class qSlicerScriptedLoadableModuleWidget(PythonQtObject, QtWidgets.QWidget):
    """What Slicer hands to a module widget as its parent."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._entered = True
        self._class_name = ""

    def _is_entered(self) -> bool:
        return self._entered

    isEntered = QtCore.Property(bool, _is_entered)

    def self(self) -> Any:
        """The Python widget in this panel."""
        return getattr(slicer.modules, self._class_name)

    def reload(self) -> None:
        """Make the module's widget anew from its file as it is loaded now."""
        widget = getattr(sys.modules[self._class_name.removesuffix("Widget")], self._class_name)(self)
        setattr(slicer.modules, self._class_name, widget)
        widget.setup()

    def enter(self) -> None:
        self._entered = True
        getattr(slicer.modules, self._class_name).enter()

    def exit(self) -> None:
        self._entered = False
        leave = getattr(getattr(slicer.modules, self._class_name), "exit", None)
        if leave is not None:
            leave()
