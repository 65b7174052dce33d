"""Targets from files and from markups of the scene."""

from pathlib import Path

import slicer
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.scene.mrml_target_list import TargetList
from InstrumentTrackerLib.targeting.target_csv import read_target_csv

_TABLE_ENDINGS = (".csv", ".tsv", ".txt")


def importFile(path, targetList, isLps):
    """Add the targets of a table, or of a markups file that Slicer reads, to a point list.

    :param targetList: called for the point list once the file was understood.
    :param isLps: a table's numbers are L, P, S; markups files state their own coordinates.

    Raises InputError for a file without targets.
    """
    path = Path(path)
    if path.suffix.lower() in _TABLE_ENDINGS:
        targets = read_target_csv(path, isLps)
        return TargetList(targetList()).add(targets)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        node = slicer.util.loadMarkups(str(path))
    except RuntimeError:
        raise InputError(f"{path.name}: Slicer reads no markups from it; expected .mrk.json, .fcsv or .csv") from None
    try:
        return addPointsOf(node, targetList())
    finally:
        slicer.mrmlScene.RemoveNode(node)


def addPointsOf(node, listNode):
    """Add the points of any markups node; raises InputError where it has none."""
    added = TargetList(listNode).add_points_of(node)
    if not added:
        raise InputError(f"{node.GetName()}: holds no points")
    return added


def pointListsBeside(chosen):
    """Markups of the scene that a user made and that have points, without the chosen list."""
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsNode")
    return [
        node
        for node in nodes
        if node is not chosen
        and node.GetNumberOfDefinedControlPoints() > 0
        and node.GetAttribute("InBoreGuidance.Role") is None
    ]
