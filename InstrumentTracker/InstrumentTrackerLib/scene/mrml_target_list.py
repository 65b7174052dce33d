"""A point list of the scene as a list of biopsy targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import slicer
from numpy.typing import ArrayLike

from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.scene.mrml_markups import TARGET, configure_marker
from InstrumentTrackerLib.targeting.target import DEFAULT_RADIUS_MM, MAX_NAME_LENGTH, Target

# Kept with the point list, so that it is saved and loaded with it.
_RADIUS_ATTRIBUTE = "InBoreGuidance.Radius_mm."


def new_target_list(scene: Any) -> Any:
    """An empty point list that looks like targets; points placed into it are numbered."""
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Targets")
    configure_marker(node, TARGET)
    node.SetControlPointLabelFormat("target %d")
    return node


class TargetList:
    """Targets by the ids of their control points, which stay the same when others are deleted.

    Parameters
    ----------
    node
        ``vtkMRMLMarkupsFiducialNode``.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        _keep_ids_apart(node)

    @property
    def ids(self) -> list[str]:
        """Of the points that have a position, in their order."""
        return [
            str(self.node.GetNthControlPointID(index))
            for index in range(self.node.GetNumberOfControlPoints())
            if self.node.GetNthControlPointPositionStatus(index) == slicer.vtkMRMLMarkupsNode.PositionDefined
        ]

    def name(self, point_id: str) -> str:
        return str(self.node.GetNthControlPointLabel(self._index(point_id)))

    def rename(self, point_id: str, name: str) -> None:
        self.node.SetNthControlPointLabel(self._index(point_id), name)

    def position(self, point_id: str) -> Point:
        """RAS mm."""
        position = [0.0, 0.0, 0.0]
        self.node.GetNthControlPointPositionWorld(self._index(point_id), position)
        return np.array(position)

    def radius_mm(self, point_id: str) -> float:
        """Of the lesion."""
        text = self.node.GetAttribute(_RADIUS_ATTRIBUTE + point_id)
        return DEFAULT_RADIUS_MM if text is None else float(text)

    def set_radius_mm(self, point_id: str, radius_mm: float) -> None:
        self.node.SetAttribute(_RADIUS_ATTRIBUTE + point_id, f"{radius_mm:g}")

    def target(self, point_id: str, entry: ArrayLike | None = None) -> Target:
        """The target; raises InputError as :class:`Target` does."""
        name = self.name(point_id).encode("ascii", "replace").decode()
        printable = "".join(letter for letter in name if letter.isprintable()).strip()
        return Target(
            self.position(point_id), entry, printable[:MAX_NAME_LENGTH] or TARGET.label, self.radius_mm(point_id)
        )

    def add(self, targets: Iterable[Target]) -> list[str]:
        """Append targets; returns their ids."""
        added = []
        for target in targets:
            index = self.node.AddControlPointWorld([float(value) for value in target.position], target.name)
            added.append(str(self.node.GetNthControlPointID(index)))
            self.set_radius_mm(added[-1], target.radius_mm)
        return added

    def add_points_of(self, markups: Any) -> list[str]:
        """Append the points of any markups node, with their labels; returns their ids."""
        other = TargetList(markups)
        return self.add(other.target(point_id) for point_id in other.ids)

    def _index(self, point_id: str) -> int:
        return int(self.node.GetNthControlPointIndexByID(point_id))


def _keep_ids_apart(node: Any) -> None:
    """A file need not say which numbers its points have used; Slicer would give the same ids again."""
    ids = [str(node.GetNthControlPointID(index)) for index in range(node.GetNumberOfControlPoints())]
    last = max((int(point_id) for point_id in ids if point_id.isdecimal()), default=0)
    if last > node.GetLastUsedControlPointNumber():
        node.SetLastUsedControlPointNumber(last)
    for index, point_id in enumerate(ids):
        if point_id in ids[:index]:
            node.ResetNthControlPointID(index)
