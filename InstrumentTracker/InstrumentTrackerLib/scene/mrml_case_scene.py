"""The cores of a case in the scene: a line and a point for each, and a table that is saved with the scene."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import slicer
import vtk
from TemporalReconLib.errors import InputError
from TemporalReconLib.scene.mrml_nodes import NodeChange, SceneNodes

from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.core_table import COLUMNS, table_row
from InstrumentTrackerLib.palette import WHITE

FOLDER_NAME = "Biopsy cores"
TABLE_ROLE, TABLE_NAME = "CoreLog", "Biopsy cores"
# The whole case as JSON: the table's texts are rounded.
EVENTS_ATTRIBUTE, FOLDER_ATTRIBUTE = "InBoreGuidance.CaseEvents", "InBoreGuidance.CaseFolder"
# Past cores are thin and white: the live needle keeps its color to itself.
CORE_DIAMETER_MM, TIP_GLYPH_MM, LABEL_SCALE = 0.8, 2.5, 3.0

_Key = tuple[str, object]


class CaseScene:
    """Keeps markups and table equal to a case's log.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene``.
    """

    def __init__(self, scene: Any) -> None:
        self._nodes = SceneNodes(scene, FOLDER_NAME)
        self._shown: dict[int, tuple[_Key, ...]] = {}

    @property
    def table(self) -> Any | None:
        """The ``vtkMRMLTableNode``, or None before the first core."""
        return self._nodes.find(TABLE_ROLE)

    def show(self, log: CaseLog) -> None:
        """Bring markups and table up to date; nothing is touched while the scene is being closed or loaded."""
        if self._nodes.is_busy:
            return
        for number in set(self._shown) - {record.number for record in log.records}:
            self._hide_core(number)
        for record in log.records:
            self._show_core(record)
        if log.events:
            self._show_table(log)

    def remove(self) -> None:
        """Take the case out of the scene; a scene that is being closed does so itself."""
        if self._nodes.is_busy:
            self._shown.clear()
            return
        for number in list(self._shown):
            self._hide_core(number)
        table = self.table
        if table is not None:
            self._nodes.scene.RemoveNode(table)
            self._nodes.find(TABLE_ROLE)

    def line(self, number: int) -> Any | None:
        """The ``vtkMRMLMarkupsLineNode`` of a core, or None."""
        return self._nodes.find(_line_role(number))

    def tip(self, number: int) -> Any | None:
        """The ``vtkMRMLMarkupsFiducialNode`` at the tip of a core, or None."""
        return self._nodes.find(_tip_role(number))

    def _show_core(self, record: CoreRecord) -> None:
        key = (("name", record.name), ("core", record.core_points), ("tip", record.tip))
        if self._shown.get(record.number) == key and self._is_complete(record):
            return
        self._hide_core(record.number)
        if record.core_points is not None:
            line = self._node(_line_role(record.number), "vtkMRMLMarkupsLineNode", record.name)
            for point in record.core_points:
                line.AddControlPointWorld(list(point), "")
        if record.tip is not None:
            tip = self._node(_tip_role(record.number), "vtkMRMLMarkupsFiducialNode", f"{record.name} tip")
            tip.AddControlPointWorld(list(record.tip), str(record.number))  # the name would cover the needle
        self._shown[record.number] = key

    def _is_complete(self, record: CoreRecord) -> bool:
        has_line, has_tip = self.line(record.number) is not None, self.tip(record.number) is not None
        return has_line == (record.core_points is not None) and has_tip == (record.tip is not None)

    def _hide_core(self, number: int) -> None:
        self._shown.pop(number, None)
        for role in (_line_role(number), _tip_role(number)):
            node = self._nodes.find(role)
            if node is not None:
                self._nodes.scene.RemoveNode(node)
                self._nodes.find(role)  # takes its display and its line in the hierarchy away, too

    def _node(self, role: str, class_name: str, name: str) -> Any:
        return self._nodes.get(role, class_name, name, _configure)

    def _show_table(self, log: CaseLog) -> None:
        events, folder = json.dumps(log.events), str(log.folder)
        node = self._nodes.get(TABLE_ROLE, "vtkMRMLTableNode", TABLE_NAME, lambda _: None)
        if node.GetAttribute(EVENTS_ATTRIBUTE) == events and node.GetAttribute(FOLDER_ATTRIBUTE) == folder:
            return
        with NodeChange(node):
            node.SetAttribute(EVENTS_ATTRIBUTE, events)
            node.SetAttribute(FOLDER_ATTRIBUTE, folder)
            node.SetLocked(True)
            node.SetAndObserveTable(_vtk_table(log))
            node.SetUseColumnTitleAsColumnHeader(True)


def events_of_scene(scene: Any) -> Any | None:
    """What happened in the case that the scene holds, or None without one.

    Raises
    ------
    InputError
        If it is damaged.
    """
    table = SceneNodes(scene, FOLDER_NAME).find(TABLE_ROLE)
    text = None if table is None else table.GetAttribute(EVENTS_ATTRIBUTE)
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise InputError(f"the table of cores is damaged: its attribute {EVENTS_ATTRIBUTE} is no JSON") from None


def case_of_scene(scene: Any, parent: Path) -> CaseLog | None:
    """The case that a loaded scene holds, or None.

    It goes on in its own folder where that is still there and holds the same, else in a new one below ``parent``.

    Raises
    ------
    InputError
        If the scene's records are damaged.
    """
    events, table = events_of_scene(scene), SceneNodes(scene, FOLDER_NAME).find(TABLE_ROLE)
    if events is None or table is None:
        return None
    try:
        log = CaseLog.open(Path(table.GetAttribute(FOLDER_ATTRIBUTE) or ""))
        if list(log.events[: len(events)]) == events:
            return log
    except InputError:
        pass  # the scene came from another computer
    return CaseLog.restored(parent, events, "the scene's table of cores")


def _configure(node: Any) -> None:
    node.SetLocked(True)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    with NodeChange(display):
        for set_color in (display.SetColor, display.SetSelectedColor, display.SetActiveColor):
            set_color(*WHITE)
        display.SetUseGlyphScale(False)
        display.SetGlyphSize(TIP_GLYPH_MM if node.IsA("vtkMRMLMarkupsFiducialNode") else 0.01)
        display.SetGlyphType(slicer.vtkMRMLMarkupsDisplayNode.ThickCross2D)
        display.SetCurveLineSizeMode(slicer.vtkMRMLMarkupsDisplayNode.UseLineDiameter)
        display.SetLineDiameter(CORE_DIAMETER_MM)
        display.SetPropertiesLabelVisibility(False)
        display.SetTextScale(LABEL_SCALE)
        display.SetSliceProjection(True)
        display.SetSliceProjectionUseFiducialColor(True)
        display.SetSliceProjectionOpacity(0.25)  # those of other planes stay in the background


def _vtk_table(log: CaseLog) -> Any:
    table = vtk.vtkTable()
    rows = [table_row(log.name, record) for record in log.records]
    for name in COLUMNS:
        column = vtk.vtkStringArray()
        column.SetName(name)
        for row in rows:
            column.InsertNextValue(row[name])
        table.AddColumn(column)
    return table


def _line_role(number: int) -> str:
    return f"Core.{number}"


def _tip_role(number: int) -> str:
    return f"Core.{number}.Tip"
