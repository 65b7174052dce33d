"""Module ``qt``: the flat name space of PythonQt over PySide6, with a loader for ``.ui`` files."""

from __future__ import annotations

import functools
import operator
import types
import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from standins.pythonqt import PythonQtObject

WRAPPED_BASES = (
    *(QtWidgets.QWidget, QtWidgets.QLayout, QtWidgets.QButtonGroup, QtWidgets.QGraphicsEffect),
    *(QtCore.QTimer, QtCore.QAbstractAnimation, QtGui.QAction, QtGui.QActionGroup, QtGui.QShortcut),
)
_DIALOGS_WITH_FILTER = ("getOpenFileName", "getOpenFileNames", "getSaveFileName")

widget_classes: dict[str, type] = {}


def build_module() -> types.ModuleType:
    """All of Qt under one name; widgets, layouts, timers and actions with PythonQt's manners."""
    module = types.ModuleType("qt")
    for source in (QtCore, QtGui, QtWidgets):
        for name in dir(source):
            value = getattr(source, name)
            if not name.startswith("Q") or hasattr(module, name):
                continue
            if isinstance(value, type) and issubclass(value, WRAPPED_BASES):
                value = type(value)(name, (PythonQtObject, value), {"__module__": "qt"})
                widget_classes[name] = value
            setattr(module, name, value)
    for name in _DIALOGS_WITH_FILTER:
        setattr(module.QFileDialog, name, staticmethod(_without_filter(name)))  # type: ignore[attr-defined]
    module.Qt = QtCore.Qt  # type: ignore[attr-defined]
    module.QUiLoader = UiLoader  # type: ignore[attr-defined]
    return module


def _without_filter(name: str) -> Any:
    """PythonQt returns the path alone where PySide6 adds the chosen filter."""
    return lambda *arguments: getattr(QtWidgets.QFileDialog, name)(*arguments)[0]


def _take_flags(root: ElementTree.Element) -> list[tuple[str, str, list[str]]]:
    """Take out flags that CTK's and Slicer's classes name, which Qt's loader cannot read: (widget, property, names)."""
    taken = []
    for widget in root.iter("widget"):
        for entry in widget.findall("property"):
            value = entry.findtext("set") or entry.findtext("enum") or ""
            if value.startswith(("ctk", "qMRML", "qSlicer")):
                names = [flag.rpartition("::")[2] for flag in value.split("|")]
                taken.append((widget.get("name", ""), entry.get("name", ""), names))
                widget.remove(entry)
    return taken


class UiLoader(QtUiTools.QUiLoader):
    """Makes the stand-ins' widgets, and the connections that Qt's loader cannot make for Python classes."""

    def __init__(self) -> None:
        super().__init__()
        self._made: list[Any] = []

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        if class_name not in widget_classes:
            raise RuntimeError(f"the .ui file uses {class_name}, for which there is no stand-in")
        widget = widget_classes[class_name](parent)
        widget.setObjectName(name)
        self._made.append(widget)
        return widget

    def createLayout(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        layout = widget_classes[class_name]()
        layout.setObjectName(name)
        self._made.append(layout)
        if isinstance(parent, QtWidgets.QWidget) and QtWidgets.QWidget.layout(parent) is None:
            QtWidgets.QWidget.setLayout(parent, layout)
        return layout

    def load(self, file: QtCore.QFile, parent: Any = None) -> Any:
        root = ElementTree.fromstring(bytes(file.readAll().data()))
        connections = root.find("connections")
        if connections is not None:
            root.remove(connections)
        flags = _take_flags(root)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        by_name = {QtCore.QObject.objectName(made): made for made in self._made}
        for object_name, name, enumerators in flags:
            made = by_name[object_name]
            setattr(made, name, functools.reduce(operator.or_, (getattr(type(made), entry) for entry in enumerators)))
        for connection in connections if connections is not None else ():
            texts = {tag: connection.findtext(tag) or "" for tag in ("sender", "signal", "receiver", "slot")}
            slot = getattr(by_name[texts["receiver"]], texts["slot"].partition("(")[0])
            by_name[texts["sender"]].connect(texts["signal"], slot)
        widget._loader = self  # what the loader made lives as long as the widget
        return widget
