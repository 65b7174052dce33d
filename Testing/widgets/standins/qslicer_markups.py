# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""Slicer's widgets that list and place control points."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from standins.pythonqt import PythonQtObject, stored_property
from standins.qmrml_node_combo_box import qMRMLNodeComboBox


class qSlicerMarkupsPlaceWidget(PythonQtObject, QtWidgets.QWidget):
    """A button that lets the next click in a view place a point."""

    activeMarkupsPlaceModeChanged = QtCore.Signal(bool)
    mrmlSceneChanged = QtCore.Signal(object)

    buttonsVisible = stored_property(bool, "buttonsVisible", True)
    deleteAllControlPointsOptionVisible = stored_property(bool, "deleteAllControlPointsOptionVisible", True)
    placeModePersistency = stored_property(bool, "placeModePersistency", False)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {}
        self._scene: Any = None
        self._node: Any = None
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._button = QtWidgets.QToolButton()
        self._button.setText("+")
        self._button.setCheckable(True)
        self._button.clicked.connect(self.setPlaceModeEnabled)
        layout.addWidget(self._button)
        self._interaction: Any = None
        self._tag = 0

    def _refresh(self) -> None:
        self._button.setVisible(self._values.get("buttonsVisible", True))

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        if self._interaction is not None:
            self._interaction.RemoveObserver(self._tag)
        self._interaction = None if scene is None else slicer.app.applicationLogic().GetInteractionNode()
        if self._interaction is not None:
            self._tag = self._interaction.AddObserver("ModifiedEvent", lambda *_: self._mode_changed())
        self.mrmlSceneChanged.emit(scene)

    def currentNode(self) -> Any:
        return self._node

    def setCurrentNode(self, node: Any) -> None:
        self._node = node

    def placeButton(self) -> QtWidgets.QToolButton:
        return self._button

    def _get_enabled(self) -> bool:
        if self._interaction is None or self._node is None:
            return False
        selection = slicer.app.applicationLogic().GetSelectionNode()
        return bool(
            self._interaction.GetCurrentInteractionMode() == self._interaction.Place
            and selection.GetActivePlaceNodeID() == self._node.GetID()
        )

    def setPlaceModeEnabled(self, enabled: bool) -> None:
        if enabled and self._node is not None:
            logic = slicer.modules.markups.logic()
            logic.SetActiveList(self._node)
            logic.StartPlaceMode(bool(self._values.get("placeModePersistency", False)))
        elif self._interaction is not None:
            self._interaction.SwitchToViewTransformMode()
        self._mode_changed()

    placeModeEnabled = QtCore.Property(bool, _get_enabled, setPlaceModeEnabled)

    def _mode_changed(self) -> None:
        enabled = self._get_enabled()
        if enabled != self._button.isChecked() or self.sender() is self._button:
            self._button.setChecked(enabled)
            self.activeMarkupsPlaceModeChanged.emit(enabled)


class qSlicerSimpleMarkupsWidget(PythonQtObject, QtWidgets.QWidget):
    """A list of control points with a selector of the list and a button to place."""

    markupsNodeChanged = QtCore.Signal()
    activeMarkupsPlaceModeChanged = QtCore.Signal(bool)
    currentMarkupsControlPointSelectionChanged = QtCore.Signal(int)
    updateFinished = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)

    nodeSelectorVisible = stored_property(bool, "nodeSelectorVisible", True)
    optionsVisible = stored_property(bool, "optionsVisible", True)
    jumpToSliceEnabled = stored_property(bool, "jumpToSliceEnabled", False)
    enterPlaceModeOnNodeChange = stored_property(bool, "enterPlaceModeOnNodeChange", True)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {}
        self._node: Any = None
        self._tags: list[int] = []
        self._selector = qMRMLNodeComboBox()
        self._selector.nodeTypes = ["vtkMRMLMarkupsFiducialNode"]
        self._selector.noneEnabled = True
        self._selector.currentNodeChanged.connect(self._use)
        self._place = qSlicerMarkupsPlaceWidget()
        self._place.activeMarkupsPlaceModeChanged.connect(self.activeMarkupsPlaceModeChanged)
        self._table = QtWidgets.QTableWidget(0, 4)
        self._table.setHorizontalHeaderLabels(["Label", "R", "A", "S"])
        self._table.currentCellChanged.connect(
            lambda row, *_: self.currentMarkupsControlPointSelectionChanged.emit(row)
        )
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._selector, 0, 0)
        layout.addWidget(self._place, 0, 1)
        layout.addWidget(self._table, 1, 0, 1, 2)

    def _refresh(self) -> None:
        self._selector.setVisible(self._values.get("nodeSelectorVisible", True))

    def setMRMLScene(self, scene: Any) -> None:
        self._selector.setMRMLScene(scene)
        self._place.setMRMLScene(scene)
        self.mrmlSceneChanged.emit(scene)

    def setNodeBaseName(self, name: str) -> None:
        self._selector.baseName = name

    def setDefaultNodeColor(self, color: QtGui.QColor) -> None:
        """Colors new nodes; the stand-in makes none."""

    def markupsSelectorComboBox(self) -> qMRMLNodeComboBox:
        return self._selector

    def markupsPlaceWidget(self) -> qSlicerMarkupsPlaceWidget:
        return self._place

    def tableWidget(self) -> QtWidgets.QTableWidget:
        return self._table

    def currentNode(self) -> Any:
        return self._node

    def setCurrentNode(self, node: Any) -> None:
        self._selector.setCurrentNode(node)

    def _use(self, node: Any) -> None:
        for tag in self._tags:
            self._node.RemoveObserver(tag)
        self._node = node
        events = ("PointModifiedEvent", "PointAddedEvent", "PointRemovedEvent")
        self._tags = (
            [] if node is None else [node.AddObserver(getattr(node, name), lambda *_: self._fill()) for name in events]
        )
        self._place.setCurrentNode(node)
        self._fill()
        self.markupsNodeChanged.emit()

    def _fill(self) -> None:
        count = 0 if self._node is None else self._node.GetNumberOfControlPoints()
        self._table.setRowCount(count)
        for row in range(count):
            position = self._node.GetNthControlPointPositionVector(row)
            texts = [self._node.GetNthControlPointLabel(row), *(f"{position[axis]:.3f}" for axis in range(3))]
            for column, text in enumerate(texts):
                self._table.setItem(row, column, QtWidgets.QTableWidgetItem(text))
        self.updateFinished.emit()
