# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""Slicer's selectors of nodes."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject, stored_property


class qMRMLNodeComboBox(PythonQtObject, QtWidgets.QWidget):
    """Lists the scene's nodes of some types, filtered by attributes."""

    currentNodeChanged = QtCore.Signal(object)
    currentNodeIDChanged = QtCore.Signal(str)
    nodeActivated = QtCore.Signal(object)
    nodeAdded = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)
    nodeAboutToBeRemoved = QtCore.Signal(object)

    nodeTypes = stored_property("QStringList", "nodeTypes", [])
    hideChildNodeTypes = stored_property("QStringList", "hideChildNodeTypes", [])
    noneEnabled = stored_property(bool, "noneEnabled", False)
    noneDisplay = stored_property(str, "noneDisplay", "None")
    addEnabled = stored_property(bool, "addEnabled", True)
    removeEnabled = stored_property(bool, "removeEnabled", True)
    editEnabled = stored_property(bool, "editEnabled", False)
    renameEnabled = stored_property(bool, "renameEnabled", False)
    baseName = stored_property(str, "baseName", "")
    showHidden = stored_property(bool, "showHidden", False)
    showChildNodeTypes = stored_property(bool, "showChildNodeTypes", True)
    selectNodeUponCreation = stored_property(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = stored_property(str, "interactionNodeSingletonTag", "")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox()
        self._box.setMinimumContentsLength(8)
        layout.addWidget(self._box)
        self.setFocusProxy(self._box)
        self._values: dict[str, Any] = {}
        self._attributes: list[tuple[str, str, str | None]] = []
        self._scene: Any = None
        self._tags: list[int] = []
        self._ids: list[str | None] = []
        self._current: str | None = None
        self._box.activated.connect(self._activate)
        self.destroyed.connect(self._observer_remover())

    def _observer_remover(self) -> Any:
        state = self.__dict__  # not self: this runs when it is gone

        def remove() -> None:
            for tag in state["_tags"]:
                state["_scene"].RemoveObserver(tag)

        return remove

    def _activate(self, index: int) -> None:
        self.setCurrentNodeID(self._ids[index])
        self.nodeActivated.emit(self.currentNode())

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        events = () if scene is None else (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent)
        self._tags = [scene.AddObserver(event, lambda *_: self._scene_changed()) for event in events]
        self._refresh()

    def _scene_changed(self) -> None:
        if not self._scene.IsBatchProcessing():  # Slicer's model waits for the end of a batch, too
            self._refresh()

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._attributes.append((node_type, name, None if value is None else str(value)))
        self._refresh()

    def removeAttribute(self, node_type: str, name: str) -> None:
        self._attributes = [entry for entry in self._attributes if entry[:2] != (node_type, name)]
        self._refresh()

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current) if self._scene is not None and self._current else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(None if node is None else node.GetID())

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNodeID([node_id for node_id in self._ids if node_id is not None][index])

    def nodeFromIndex(self, index: int) -> Any:
        return self._scene.GetNodeByID([node_id for node_id in self._ids if node_id is not None][index])

    def setCurrentNodeID(self, node_id: str | None) -> None:
        self._refresh(announce=False)
        wanted = node_id if node_id in self._ids else None
        changed = wanted != self._current
        self._current = wanted
        self._box.setCurrentIndex(self._ids.index(wanted) if wanted in self._ids else -1)
        if changed:
            self._announce()

    def _announce(self) -> None:
        self.currentNodeChanged.emit(self.currentNode())
        self.currentNodeIDChanged.emit(self._current or "")

    def _get_id(self) -> str:
        return self._current or ""

    currentNodeID = QtCore.Property(str, _get_id, setCurrentNodeID)

    def addNode(self, node_type: str | None = None) -> Any:
        """As the entry "Create new" does."""
        node_class = node_type or self.nodeTypes[0]
        node = self._scene.CreateNodeByClass(node_class)
        node.UnRegister(None)
        for of_type, name, value in self._attributes:
            if node.IsA(of_type):
                node.SetAttribute(name, value or "")
        if self.baseName:
            node.SetName(self._scene.GenerateUniqueName(self.baseName))
        node = self._scene.AddNode(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAdded.emit(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        """As the entry "Delete current" does."""
        node = self.currentNode()
        if node is not None:
            self.nodeAboutToBeRemoved.emit(node)
            self._scene.RemoveNode(node)

    def nodeCount(self) -> int:
        return sum(node_id is not None for node_id in self._ids)

    def _fitting_nodes(self) -> list[Any]:
        types, exact = self._values.get("nodeTypes", []), not self._values.get("showChildNodeTypes", True)
        found = {}
        for name in types:
            nodes = self._scene.GetNodesByClass(name)
            nodes.UnRegister(None)
            every = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
            found |= {node.GetID(): node for node in every if not exact or node.GetClassName() == name}
        return [node for node in found.values() if self._fits(node)]

    def _fits(self, node: Any) -> bool:
        if any(node.IsA(name) for name in self._values.get("hideChildNodeTypes", [])):
            return False
        for of_type, name, value in self._attributes:
            if node.IsA(of_type) and (node.GetAttribute(name) is None or value not in (None, node.GetAttribute(name))):
                return False
        return self._values.get("showHidden", False) or not node.GetHideFromEditors()

    def _refresh(self, announce: bool = True) -> None:
        if self._scene is None:
            return
        fitting = self._fitting_nodes()
        self._ids = [None] * bool(self.noneEnabled) + [node.GetID() for node in fitting]
        self._box.clear()
        self._box.addItems([self.noneDisplay] * bool(self.noneEnabled) + [node.GetName() for node in fitting])
        if self._current is not None and self._current not in self._ids:
            self._current = None
            if announce:
                self._announce()
        if self._current is None and not self.noneEnabled and fitting and announce:
            self.setCurrentNodeID(fitting[0].GetID())
            return
        self._box.setCurrentIndex(self._ids.index(self._current) if self._current in self._ids else -1)


class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """A selector of several nodes."""

    checkedNodesChanged = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._checked: set[str] = set()

    def setCheckState(self, node: Any, state: Any) -> None:
        before = set(self._checked)
        if state == QtCore.Qt.CheckState.Checked:
            self._checked.add(node.GetID())
        else:
            self._checked.discard(node.GetID())
        if before != self._checked:
            self.checkedNodesChanged.emit()

    def checkState(self, node: Any) -> Any:
        checked = node.GetID() in self._checked
        return QtCore.Qt.CheckState.Checked if checked else QtCore.Qt.CheckState.Unchecked

    def check(self, node: Any) -> None:
        self.setCheckState(node, QtCore.Qt.CheckState.Checked)

    def uncheck(self, node: Any) -> None:
        self.setCheckState(node, QtCore.Qt.CheckState.Unchecked)

    def checkedNodes(self) -> list[Any]:
        return [self._scene.GetNodeByID(node_id) for node_id in self._ids if node_id in self._checked]

    def uncheckedNodes(self) -> list[Any]:
        return [self._scene.GetNodeByID(node_id) for node_id in self._ids if node_id and node_id not in self._checked]

    def noneChecked(self) -> bool:
        return not self.checkedNodes()

    def allChecked(self) -> bool:
        return not self.uncheckedNodes()
