# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""The qMRML and qSlicer widgets that our modules use."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject
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


class qSlicerScriptedLoadableModuleWidget(PythonQtObject, QtWidgets.QWidget):
    """What Slicer hands to a module widget as its parent."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._entered = True

    def _is_entered(self) -> bool:
        return self._entered

    isEntered = QtCore.Property(bool, _is_entered)


def _plain_property(type_name: Any, name: str, default: Any) -> Any:
    def get(self: Any) -> Any:
        return self._values.get(name, default)

    def put(self: Any, value: Any) -> None:
        self._values[name] = value
        self._refresh()

    return QtCore.Property(type_name, get, put)


class qMRMLNodeComboBox(PythonQtObject, QtWidgets.QWidget):
    """Lists the scene's nodes of some types, filtered by attributes."""

    currentNodeChanged = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)

    nodeTypes = _plain_property("QStringList", "nodeTypes", [])
    noneEnabled = _plain_property(bool, "noneEnabled", False)
    noneDisplay = _plain_property(str, "noneDisplay", "None")
    addEnabled = _plain_property(bool, "addEnabled", True)
    removeEnabled = _plain_property(bool, "removeEnabled", True)
    renameEnabled = _plain_property(bool, "renameEnabled", False)
    showChildNodeTypes = _plain_property(bool, "showChildNodeTypes", True)
    selectNodeUponCreation = _plain_property(bool, "selectNodeUponCreation", True)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox()
        layout.addWidget(self._box)
        self._values: dict[str, Any] = {}
        self._attributes: list[tuple[str, str, str | None]] = []
        self._scene: Any = None
        self._tags: list[int] = []
        self._ids: list[str | None] = []
        self._current: str | None = None
        self._box.activated.connect(lambda index: self.setCurrentNodeID(self._ids[index]))

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        events = () if scene is None else (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent)
        self._tags = [scene.AddObserver(event, lambda *_: self._refresh()) for event in events]
        self._refresh()

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._attributes.append((node_type, name, None if value is None else str(value)))
        self._refresh()

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current) if self._scene is not None and self._current else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(None if node is None else node.GetID())

    def setCurrentNodeID(self, node_id: str | None) -> None:
        self._refresh(announce=False)
        wanted = node_id if node_id in self._ids else None
        changed = wanted != self._current
        self._current = wanted
        self._box.setCurrentIndex(self._ids.index(wanted) if wanted in self._ids else -1)
        if changed:
            self.currentNodeChanged.emit(self.currentNode())

    def addNode(self, node_type: str | None = None) -> Any:
        """As the entry "Create new" does."""
        node_class = node_type or self.nodeTypes[0]
        node = self._scene.CreateNodeByClass(node_class)
        node.UnRegister(None)
        for of_type, name, value in self._attributes:
            if node.IsA(of_type):
                node.SetAttribute(name, value or "")
        node = self._scene.AddNode(node)
        self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def nodeCount(self) -> int:
        return sum(node_id is not None for node_id in self._ids)

    def _fits(self, node: Any) -> bool:
        types = self.nodeTypes
        if not any(node.IsA(name) if self.showChildNodeTypes else node.GetClassName() == name for name in types):
            return False
        for of_type, name, value in self._attributes:
            if node.IsA(of_type) and (node.GetAttribute(name) is None or value not in (None, node.GetAttribute(name))):
                return False
        return not node.GetHideFromEditors()

    def _refresh(self, announce: bool = True) -> None:
        if self._scene is None:
            return
        nodes = [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]
        fitting = [node for node in nodes if self._fits(node)]
        self._ids = [None] * bool(self.noneEnabled) + [node.GetID() for node in fitting]
        self._box.clear()
        self._box.addItems([self.noneDisplay] * bool(self.noneEnabled) + [node.GetName() for node in fitting])
        if self._current is not None and self._current not in self._ids:
            self._current = None
            if announce:
                self.currentNodeChanged.emit(None)
        if self._current is None and not self.noneEnabled and fitting and announce:
            self.setCurrentNodeID(fitting[0].GetID())
            return
        self._box.setCurrentIndex(self._ids.index(self._current) if self._current in self._ids else -1)


def publish(slicer: Any) -> None:
    """Put the widgets where PythonQt puts them: into ``slicer``, and into the ``.ui`` loader."""
    for widget_class in (qMRMLWidget, qMRMLNodeComboBox, qSlicerScriptedLoadableModuleWidget):
        setattr(slicer, widget_class.__name__, widget_class)
        widget_classes[widget_class.__name__] = widget_class
