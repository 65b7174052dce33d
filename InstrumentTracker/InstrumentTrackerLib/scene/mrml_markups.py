"""Markers and lines of the guidance display as markups nodes.

Guide tip, needle tip, projected path, target and plan are different nodes with different shapes: they are never
merged into one "the tip". What is not known has no control point at all, so no old position can be read from the
scene by anyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from numpy.typing import ArrayLike
from TemporalReconLib.scene.mrml_nodes import NodeChange, SceneNodes

from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.palette import (
    GUIDE_COLOR,
    NEEDLE_COLOR,
    PLAN_COLOR,
    PROJECTION_COLOR,
    TARGET_COLOR,
    TO_TARGET_COLOR,
    Color,
)
from InstrumentTrackerLib.scene.mrml_display_options import DisplayOptions
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

_FIDUCIAL, _LINE = "vtkMRMLMarkupsFiducialNode", "vtkMRMLMarkupsLineNode"
_DISPLAY = slicer.vtkMRMLMarkupsDisplayNode
MEASURED_GLYPH = _DISPLAY.CrossDot2D
PREDICTED_GLYPH = _DISPLAY.Cross2D  # the same cross, hollow: nothing was measured at its middle

SHAFT_LENGTH_MM = 60.0
GUIDE_DIAMETER_MM = 10.0
NEEDLE_DIAMETER_MM = 2.5
PROJECTION_LENGTH_MM = 50.0
PROJECTION_STEP_MM = 5.0


@dataclass(frozen=True)
class MarkerSpec:
    """How one markups node looks.

    Attributes
    ----------
    role, class_name, name
        Identity in the scene.
    color
        RGB 0..1.
    glyph, glyph_mm
        Shape and size of the points; the points of lines are not drawn.
    line_mm
        Diameter of the line.
    label
        Text beside the first point, or empty.
    interactive
        Whether the user may drag it.
    in_slices, in_3d
        Which views show it.
    is_helper
        Drawn for the eye only: not listed in Slicer's editors.
    """

    role: str
    class_name: str
    name: str
    color: Color
    glyph: int = _DISPLAY.Vertex2D
    glyph_mm: float = 0.01
    line_mm: float = 0.8
    label: str = ""
    interactive: bool = False
    in_slices: bool = True
    in_3d: bool = True
    is_helper: bool = False


GUIDE_TIP = MarkerSpec("GuideTip", _FIDUCIAL, "Guide tip", GUIDE_COLOR, _DISPLAY.Diamond2D, 4.0, label="guide tip")
NEEDLE_TIP = MarkerSpec("NeedleTip", _FIDUCIAL, "Needle tip", NEEDLE_COLOR, MEASURED_GLYPH, 10.0, label="needle tip")
AXIS = MarkerSpec("Axis", _LINE, "Instrument axis", GUIDE_COLOR, line_mm=0.6, in_3d=False)
PROJECTION = MarkerSpec(
    "ProjectedPath", _FIDUCIAL, "Projected path", PROJECTION_COLOR, _DISPLAY.Circle2D, 1.6, is_helper=True
)
# In 3D the instrument is drawn as two rods: a few lines are far cheaper than a new surface for each frame.
GUIDE_ROD = MarkerSpec(
    "GuideRod", _LINE, "Guide rod", GUIDE_COLOR, line_mm=GUIDE_DIAMETER_MM, in_slices=False, is_helper=True
)
NEEDLE_ROD = MarkerSpec(
    "NeedleRod", _LINE, "Needle rod", NEEDLE_COLOR, line_mm=NEEDLE_DIAMETER_MM, in_slices=False, is_helper=True
)
TARGET = MarkerSpec(
    "Target", _FIDUCIAL, "Target", TARGET_COLOR, _DISPLAY.StarBurst2D, 9.0, label="target", interactive=True
)
ENTRY = MarkerSpec("Entry", _FIDUCIAL, "Entry", PLAN_COLOR, _DISPLAY.Square2D, 3.0, label="entry", interactive=True)
PLAN = MarkerSpec("PlannedPath", _LINE, "Planned path", PLAN_COLOR, line_mm=0.6, is_helper=True)
TO_TARGET = MarkerSpec("TipToTarget", _LINE, "Tip to target", TO_TARGET_COLOR, line_mm=0.6, is_helper=True)

MEASURED = (GUIDE_TIP, NEEDLE_TIP, AXIS, PROJECTION, GUIDE_ROD, NEEDLE_ROD, TO_TARGET)


# Which switch shows which marker; the others are always there.
_SWITCHES = {
    GUIDE_TIP.role: "tips",
    NEEDLE_TIP.role: "tips",
    AXIS.role: "axis",
    PROJECTION.role: "path",
    TO_TARGET.role: "path",
    GUIDE_ROD.role: "guide",
    NEEDLE_ROD.role: "needle",
}


class GuidanceMarkups:
    """Keeps the markers of the instrument and of the plan."""

    def __init__(self, nodes: SceneNodes) -> None:
        self._nodes = nodes
        self._options = DisplayOptions()
        self._plan: dict[str, Any | None] = {}
        self._target_id = ""

    def use_plan(self, target_list: Any | None, target_id: str, entry_list: Any | None) -> None:
        """Take the plan from point lists of the user; None is none.

        Parameters
        ----------
        target_id
            Control point that is the current target; empty: the first.
        """
        self._plan = {TARGET.role: target_list, ENTRY.role: entry_list}
        self._target_id = target_id

    def node(self, spec: MarkerSpec) -> Any | None:
        """The markups node of a spec, or None before its first use."""
        if spec.role not in self._plan:
            return self._nodes.find(spec.role)
        node = self._plan[spec.role]
        return node if node is not None and self._nodes.scene.IsNodePresent(node) else None

    def point(self, spec: MarkerSpec) -> Point | None:
        """First point (of the target list, the current one) in RAS mm as it is in the scene now, or None."""
        node = self.node(spec)
        if node is None:
            return None
        is_chosen = spec is TARGET and self._target_id
        index = node.GetNthControlPointIndexByID(self._target_id) if is_chosen else 0
        if not 0 <= index < node.GetNumberOfControlPoints():
            return None
        if node.GetNthControlPointPositionStatus(index) != slicer.vtkMRMLMarkupsNode.PositionDefined:
            return None
        position = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, position)
        return np.array(position)

    def use(self, options: DisplayOptions) -> None:
        """Show and hide markers."""
        self._options = options
        for spec in MEASURED:
            node = self.node(spec)
            if node is not None and node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetVisibility(self._is_visible(spec))

    def _is_visible(self, spec: MarkerSpec) -> bool:
        switch = _SWITCHES.get(spec.role)
        return True if switch is None else bool(getattr(self._options, switch))

    def show_pose(self, tracked: TrackedPose | None) -> None:
        """Show where the instrument is; None (or a state without numbers) removes every measured point."""
        tip = None if tracked is None else tracked.tip
        if tracked is None or tip is None or tracked.axis is None or not tracked.state.has_numbers:
            for spec in MEASURED:
                self._set_points(spec, [])
            return
        predicted = tracked.state is TrackingState.PREDICTED
        suffix = " (predicted)" if predicted else ""
        for spec, point in ((GUIDE_TIP, tracked.guide_tip), (NEEDLE_TIP, tracked.needle_tip)):
            self._set_points(spec, [] if point is None else [point], spec.label + suffix)
        back = tip if tracked.guide_tip is None else tracked.guide_tip
        rear = back - SHAFT_LENGTH_MM * tracked.axis
        self._set_points(AXIS, [rear, tip])
        self._set_points(GUIDE_ROD, [] if tracked.guide_tip is None else [rear, back])
        needle_rear = rear if tracked.guide_tip is None else back
        self._set_points(NEEDLE_ROD, [] if tracked.needle_tip is None else [needle_rear, tip])
        for spec in (GUIDE_TIP, NEEDLE_TIP, AXIS, GUIDE_ROD, NEEDLE_ROD):
            self._set_predicted(spec, predicted)
        steps = np.arange(PROJECTION_STEP_MM, PROJECTION_LENGTH_MM + 1e-6, PROJECTION_STEP_MM)
        self._set_points(PROJECTION, list(tip + steps[:, None] * tracked.axis))
        target = self.point(TARGET)
        self._set_points(TO_TARGET, [] if target is None else [tip, target])

    def make(self, spec: MarkerSpec) -> Any:
        """The markups node of a spec, made without points where it is missing."""
        return self._nodes.get(spec.role, spec.class_name, spec.name, lambda new: self._configure(new, spec))

    def show_plan(self, target: ArrayLike | None, entry: ArrayLike | None, target_name: str = TARGET.label) -> None:
        """Show target, entry and the path between them (RAS mm); None removes."""
        self._set_points(TARGET, [] if target is None else [np.asarray(target)], target_name)
        self._set_points(ENTRY, [] if entry is None else [np.asarray(entry)], ENTRY.label)
        self.refresh_plan()

    def refresh_plan(self) -> None:
        """Let the planned path follow points that the user dragged."""
        target, entry = self.point(TARGET), self.point(ENTRY)
        self._set_points(PLAN, [] if target is None or entry is None else [entry, target])

    def _set_points(self, spec: MarkerSpec, points: list[Any], label: str = "") -> None:
        node = self._nodes.find(spec.role)
        if node is None:
            if not points:
                return
            node = self.make(spec)
        if node.GetNumberOfControlPoints() != len(points):
            with NodeChange(node):
                node.RemoveAllControlPoints()
                for point in points:
                    node.AddControlPointWorld([float(value) for value in point], label)
            return
        with NodeChange(node):
            for index, point in enumerate(points):
                node.SetNthControlPointPositionWorld(index, *(float(value) for value in point))
                if node.GetNthControlPointLabel(index) != label:
                    node.SetNthControlPointLabel(index, label)

    def _set_predicted(self, spec: MarkerSpec, predicted: bool) -> None:
        node = self._nodes.find(spec.role)
        display = None if node is None else node.GetDisplayNode()
        if display is None:
            return
        glyph = PREDICTED_GLYPH if predicted else spec.glyph
        if spec.class_name == _FIDUCIAL and display.GetGlyphType() != glyph:
            display.SetGlyphType(glyph)
        display.SetOpacity(0.7 if predicted else 1.0)

    def _configure(self, node: Any, spec: MarkerSpec) -> None:
        configure_marker(node, spec)
        node.GetDisplayNode().SetVisibility(self._is_visible(spec))


def configure_marker(node: Any, spec: MarkerSpec) -> None:
    """Give a markups node its looks; also for a list that the user is about to fill."""
    node.SetLocked(not spec.interactive)
    node.SetHideFromEditors(spec.is_helper)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    with NodeChange(display):
        display.SetColor(*spec.color)
        display.SetSelectedColor(*spec.color)
        display.SetActiveColor(*spec.color)
        display.SetUseGlyphScale(False)
        display.SetGlyphSize(spec.glyph_mm)
        display.SetGlyphType(spec.glyph)
        display.SetCurveLineSizeMode(_DISPLAY.UseLineDiameter)
        display.SetLineDiameter(spec.line_mm)
        display.SetPropertiesLabelVisibility(False)
        display.SetPointLabelsVisibility(bool(spec.label))
        display.SetTextScale(4.5)
        if spec.interactive:  # labels of the plan to the left, of the instrument to the right: they meet at the target
            display.GetTextProperty().SetJustificationToRight()
        display.SetVisibility2D(spec.in_slices)
        display.SetVisibility3D(spec.in_3d)
        display.SetOccludedVisibility(bool(spec.label))  # tips and target show through slices and rods in 3D
        display.SetOccludedOpacity(0.9)
        display.SetSliceProjection(True)  # a marker off the plane stays in sight, fainter
        display.SetSliceProjectionUseFiducialColor(True)
        display.SetSliceProjectionOpacity(0.7)
