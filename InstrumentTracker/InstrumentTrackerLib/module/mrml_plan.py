"""What the scene says now of target, entry and needle."""

from dataclasses import dataclass

import slicer
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.module.mrml_needle_type import NeedleType
from InstrumentTrackerLib.scene.mrml_readout import NO_TARGET
from InstrumentTrackerLib.scene.mrml_target_list import TargetList
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target

DELETED_TARGET = "deleted"


@dataclass(frozen=True)
class Plan:
    """A moment of the plan.

    target - None where there is none
    targetID - its control point
    problem - why there is no target, empty where there is one
    warning - what is wrong with the plan, for its maker
    """

    target: Target | None
    targetID: str
    needle: BiopsyNeedle
    marginMm: float
    problem: str = ""
    warning: str = ""

    @property
    def key(self):
        """Equal for plans that guide alike."""
        target = self.target
        if target is None:
            return (None, self.problem)
        entry = None if target.entry is None else tuple(target.entry)
        return (tuple(target.position), entry, target.radius_mm, target.name, self.needle, self.marginMm)


class PlanReader:
    """Reads the plan from a parameter node; remembers that there was a target, to say when it was deleted."""

    def __init__(self):
        self._lastList = None
        self._lastID = ""

    def read(self, settings):
        """The plan as it is in the scene now."""
        needle = needleOf(settings)
        node = settings.targetNode
        if node is None:
            wasDeleted = self._lastList is not None and not slicer.mrmlScene.IsNodePresent(self._lastList)
            return Plan(None, "", needle, settings.safetyMargin, DELETED_TARGET if wasDeleted else NO_TARGET)
        targets = TargetList(node)
        ids = targets.ids
        chosen = settings.currentTargetID
        if not chosen:
            chosen = ids[0] if ids else ""
        if chosen not in ids:
            wasDeleted = node is self._lastList and chosen == self._lastID and chosen
            return Plan(None, "", needle, settings.safetyMargin, DELETED_TARGET if wasDeleted else NO_TARGET)
        self._lastList, self._lastID = node, chosen
        target, warning = _targetOf(targets, chosen, entryOf(settings.entryNode))
        if target is not None and not warning and settings.safetyMargin > target.radius_mm:
            warning = f"the safety margin is larger than {target.name}: no core can keep it"
        problem = "" if target is not None else "not usable"
        return Plan(target, chosen, needle, settings.safetyMargin, problem, warning)


def _targetOf(targets, targetID, entry):
    """The target and what is wrong with it; None where it cannot be one."""
    try:
        return targets.target(targetID, entry), ""
    except InputError as error:
        warning = str(error)
    try:
        return targets.target(targetID), warning
    except InputError:
        return None, warning


def entryOf(node):
    """First point of a list in RAS mm, or None."""
    if node is None:
        return None
    points = TargetList(node)
    return points.position(points.ids[0]) if points.ids else None


def needleOf(settings):
    """The chosen needle, or one of the custom lengths, which the parameter node keeps plausible."""
    if settings.needleType is not NeedleType.CUSTOM:
        return settings.needleType.value
    return BiopsyNeedle(settings.needleThrow, settings.needleNotch, settings.needleDeadTip)
