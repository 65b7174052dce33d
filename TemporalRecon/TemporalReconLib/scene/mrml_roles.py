"""Lets a user's own node take the place of one that the display would make itself."""

from __future__ import annotations

from typing import Any

from TemporalReconLib.scene.mrml_nodes import ROLE


def assign_role(scene: Any, role: str, node: Any | None) -> None:
    """Give a role to one node and take it from all others; None takes it from all.

    Make the :class:`~TemporalReconLib.scene.mrml_nodes.SceneNodes` that uses the role anew afterwards: it remembers
    the node it found first.
    """
    for index in range(scene.GetNumberOfNodes()):
        other = scene.GetNthNode(index)
        if other is not node and other.GetAttribute(ROLE) == role:
            other.RemoveAttribute(ROLE)
    if node is not None and node.GetAttribute(ROLE) != role:
        node.SetAttribute(ROLE, role)
