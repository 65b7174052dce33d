# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""The qMRML and qSlicer widgets that our modules use."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from standins.module_panel import qSlicerScriptedLoadableModuleWidget
from standins.pythonqt import PythonQtObject
from standins.qmrml_node_combo_box import qMRMLCheckableNodeComboBox, qMRMLNodeComboBox
from standins.qmrml_numbers import qMRMLSliderWidget, qMRMLSpinBox
from standins.qslicer_markups import qSlicerMarkupsPlaceWidget, qSlicerSimpleMarkupsWidget
from standins.qt_module import widget_classes


class qMRMLWidget(PythonQtObject, QtWidgets.QWidget):
    """Top of a module's ``.ui``; tells the scene to the widgets below."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene


class qSlicerWidget(PythonQtObject, QtWidgets.QWidget):
    """Top of a module's ``.ui``, too."""

    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)


QMRML_WIDGETS = (
    *(qMRMLWidget, qMRMLNodeComboBox, qMRMLCheckableNodeComboBox, qMRMLSliderWidget, qMRMLSpinBox),
    *(qSlicerMarkupsPlaceWidget, qSlicerScriptedLoadableModuleWidget, qSlicerSimpleMarkupsWidget, qSlicerWidget),
)


def publish(slicer: Any) -> None:
    """Put the widgets where PythonQt puts them: into ``slicer``, and into the ``.ui`` loader."""
    for widget_class in QMRML_WIDGETS:
        setattr(slicer, widget_class.__name__, widget_class)
        widget_classes[widget_class.__name__] = widget_class
