"""Nodes that exist once per role in a Slicer scene, found again after the scene was closed or loaded.

Works on a bare ``vtkMRMLScene``: no Slicer desktop is needed. Every node carries the attribute ``ROLE``; that is
how a node of a reopened scene is adopted instead of being made a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import ArrayLike

ROLE = "InBoreGuidance.Role"
FOLDER_NAME = "In-bore guidance"


class SceneNodes:
    """Creates each node once, and again when someone removed it from the scene.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene`` to work in.
    folder_name
        Subject hierarchy folder that groups the nodes.
    """

    def __init__(self, scene: Any, folder_name: str = FOLDER_NAME) -> None:
        self.scene = scene
        self._folder_name = folder_name
        self._nodes: dict[str, Any] = {}
        self._missing_since: dict[str, int] = {}

    @property
    def is_busy(self) -> bool:
        """True while the scene is being closed, imported or restored: nodes must not be touched then."""
        return bool(self.scene.IsBatchProcessing())

    def find(self, role: str) -> Any | None:
        """The node of this role, or None; never creates."""
        node = self._nodes.get(role)
        if node is not None:
            if self.scene.IsNodePresent(node):
                return node
            self._forget(role)
        nodes = self.scene.GetNodes()
        if self._missing_since.get(role) == nodes.GetMTime():
            return None  # no node came or went since the last search
        for index in range(nodes.GetNumberOfItems()):
            candidate = nodes.GetItemAsObject(index)
            if candidate.GetAttribute(ROLE) == role:
                self._nodes[role] = candidate
                return candidate
        self._missing_since[role] = nodes.GetMTime()
        return None

    def get(self, role: str, class_name: str, name: str, configure: Callable[[Any], None]) -> Any:
        """The node of this role; made and configured where it is missing.

        An adopted node (from a loaded scene) is not configured again: its user may have restyled it.
        """
        node = self.find(role)
        if node is None:
            node = self.scene.AddNewNodeByClass(class_name, name)
            node.SetAttribute(ROLE, role)
            self._missing_since.pop(role, None)
            node.SetUndoEnabled(False)  # live updates must not fill the user's undo stack
            configure(node)
            if node.IsA("vtkMRMLDisplayableNode") and node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetAttribute(ROLE, f"{role}.Display")
                node.GetDisplayNode().SetUndoEnabled(False)
            self._nodes[role] = node
            self._group(node)
        return node

    def remove_all(self) -> None:
        """Take every node of ours out of the scene."""
        for role in list(self._nodes):
            node = self.find(role)
            if node is not None:
                self.scene.RemoveNode(node)
                self._forget(role)

    def _forget(self, role: str) -> None:
        """Take away what a removed node leaves behind on a bare scene: its display and its line in the hierarchy.

        The desktop does both by itself.
        """
        node = self._nodes.pop(role)
        display = self.find(f"{role}.Display")
        if display is not None and display.GetDisplayableNode() is None:  # nobody else's
            self.scene.RemoveNode(display)
        self._nodes.pop(f"{role}.Display", None)
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
        item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
        if item:
            hierarchy.RemoveItem(item, False, False)

    def _group(self, node: Any) -> None:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
        if hierarchy is None:
            return
        root = hierarchy.GetSceneItemID()
        folder = hierarchy.GetItemChildWithName(root, self._folder_name)
        if not folder:
            folder = hierarchy.CreateFolderItem(root, self._folder_name)
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, folder)
        else:
            hierarchy.CreateItem(folder, node)


class NodeChange:
    """Context that makes many changes of a node arrive as one event."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._was_modifying = 0

    def __enter__(self) -> Any:
        self._was_modifying = self._node.StartModify()
        return self._node

    def __exit__(self, *_: object) -> None:
        self._node.EndModify(self._was_modifying)


def vtk_matrix(matrix: ArrayLike) -> Any:
    """A ``vtkMatrix4x4`` of a 4x4 array."""
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, dtype=np.float64).ravel())
    return result


def numpy_matrix(matrix: Any) -> np.ndarray:
    """A 4x4 float64 array of a ``vtkMatrix4x4``."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
