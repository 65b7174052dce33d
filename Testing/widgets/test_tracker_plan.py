"""The section Plan: targets placed, picked, imported, renamed and deleted; needle and margin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from InstrumentTrackerLib.scene.mrml_target_list import TargetList
from TemporalReconLib.errors import InputError
from TemporalReconLib.scene.mrml_save import save_scene


def place(widget: Any, button: Any, position: tuple[float, float, float]) -> None:
    """Press a Place button and click into a view, as far as the markups logic is concerned."""
    button.click()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    selection = slicer.app.applicationLogic().GetSelectionNode()
    slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID()).AddControlPointWorld(vtk.vtkVector3d(*position))
    interaction.SwitchToViewTransformMode()


def choices(widget: Any) -> list[str]:
    box = widget.ui.currentTargetComboBox
    return [box.itemText(index) for index in range(box.count)]


def plan(widget: Any) -> Any:
    return widget.logic.readPlan(widget._parameterNode)


def test_placed_targets_are_listed_and_the_last_placed_is_the_current(tracker: Any) -> None:
    place(tracker, tracker.ui.placeTargetButton, (1, 2, 3))
    assert tracker.ui.planHintLabel.text == ""
    place(tracker, tracker.ui.placeTargetButton, (4, 5, 6))
    assert choices(tracker) == ["target 1  (1.0, 2.0, 3.0)", "target 2  (4.0, 5.0, 6.0)"]
    assert plan(tracker).target.position.tolist() == [4, 5, 6]
    tracker.ui.currentTargetComboBox.currentIndex = 0
    assert plan(tracker).target.position.tolist() == [1, 2, 3]
    tracker.ui.placeTargetButton.click()
    assert "Click in a view" in tracker.ui.planHintLabel.text


def test_name_and_radius_belong_to_the_current_target(tracker: Any) -> None:
    place(tracker, tracker.ui.placeTargetButton, (1, 2, 3))
    place(tracker, tracker.ui.placeTargetButton, (4, 5, 6))
    ui = tracker.ui
    ui.targetRadiusSpinBox.value = 5.5
    ui.targetNameLineEdit.text = "left apex"
    ui.targetNameLineEdit.editingFinished.emit()
    assert (plan(tracker).target.name, plan(tracker).target.radius_mm) == ("left apex", 5.5)
    ui.currentTargetComboBox.currentIndex = 0
    assert (ui.targetNameLineEdit.text, ui.targetRadiusSpinBox.value) == ("target 1", 3.0)
    ui.currentTargetComboBox.currentIndex = 1
    assert (ui.targetNameLineEdit.text, ui.targetRadiusSpinBox.value) == ("left apex", 5.5)


def test_deleting_another_target_does_not_change_the_current_one(tracker: Any) -> None:
    for position in ((1, 2, 3), (4, 5, 6), (7, 8, 9)):
        place(tracker, tracker.ui.placeTargetButton, position)
    tracker._parameterNode.targetNode.RemoveNthControlPoint(0)
    assert plan(tracker).target.position.tolist() == [7, 8, 9]
    assert tracker.ui.currentTargetComboBox.currentIndex == 1
    tracker._parameterNode.targetNode.RemoveNthControlPoint(1)
    assert plan(tracker).problem == "deleted"
    assert tracker.ui.currentTargetComboBox.currentIndex == -1
    assert not tracker.ui.targetRadiusSpinBox.enabled


def test_the_entry_is_one_point_that_can_be_placed_again(tracker: Any) -> None:
    place(tracker, tracker.ui.placeTargetButton, (0, 0, 50))
    place(tracker, tracker.ui.placeEntryButton, (0, 0, 0))
    assert plan(tracker).target.entry.tolist() == [0, 0, 0]
    place(tracker, tracker.ui.placeEntryButton, (5, 0, 0))
    assert plan(tracker).target.entry.tolist() == [5, 0, 0]
    assert tracker._parameterNode.entryNode.GetNumberOfControlPoints() == 1
    place(tracker, tracker.ui.placeEntryButton, (0, 0, 50))
    assert "entry: lies on the target" in tracker.ui.planHintLabel.text
    assert plan(tracker).target.entry is None


@pytest.mark.parametrize("coordinates", ["RAS", "LPS"])
def test_a_table_is_imported_in_the_coordinates_that_were_chosen(
    tracker: Any, tmp_path: Path, coordinates: str
) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("name,x,y,z\nleft apex,-12.5,30,5\nright base,8,10,-3\n", encoding="utf-8")
    tracker.ui.csvCoordinatesComboBox.currentText = coordinates
    tracker.planSection.importTargets(str(path))
    sign = 1 if coordinates == "RAS" else -1
    assert plan(tracker).target.position.tolist() == [-12.5 * sign, 30 * sign, 5]
    assert len(choices(tracker)) == 2
    tracker.planSection.importTargets(str(path))
    assert len(choices(tracker)) == 4, "added to what is there"


@pytest.mark.parametrize(
    ("name", "space"), [("points.mrk.json", "LPS"), ("points.mrk.json", "RAS"), ("points.fcsv", "LPS")]
)
def test_markups_files_are_read_in_the_coordinates_that_they_state(
    tracker: Any, tmp_path: Path, name: str, space: str
) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "planned elsewhere")
    node.AddControlPointWorld(vtk.vtkVector3d(-12.5, 30, 5), "apex")
    storage = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLMarkupsJsonStorageNode" if name.endswith("json") else "vtkMRMLMarkupsFiducialStorageNode"
    )
    storage.SetFileName(str(tmp_path / name))
    storage.SetCoordinateSystem(getattr(slicer.vtkMRMLStorageNode, f"CoordinateSystem{space}"))
    assert storage.WriteData(node)
    slicer.mrmlScene.RemoveNode(node)
    tracker.planSection.importTargets(str(tmp_path / name))
    np.testing.assert_allclose(plan(tracker).target.position, [-12.5, 30, 5], atol=1e-3)
    assert plan(tracker).target.name == "apex"
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 1, "the loaded copy is gone"


@pytest.mark.parametrize(("name", "text"), [("plan.csv", "a,b\n"), ("plan.json", "{"), ("none.csv", None)])
def test_a_file_without_targets_leaves_the_plan_as_it_was(tracker: Any, tmp_path: Path, name: str, text: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=name):
        tracker.planSection.importTargets(str(tmp_path / name))
    assert choices(tracker) == []
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0


def test_points_of_other_lists_in_the_scene_can_be_added(tracker: Any) -> None:
    place(tracker, tracker.ui.placeTargetButton, (1, 2, 3))
    line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Ruler")
    line.AddControlPointWorld(vtk.vtkVector3d(7, 7, 7))
    line.AddControlPointWorld(vtk.vtkVector3d(8, 8, 8))
    tracker.planSection.fillImportMenu()
    menu = tracker.ui.importButton.menu()
    assert [action.text for action in menu.actions()] == ["From a file...", "Points of Ruler"]
    menu.actions()[1].trigger()
    positions = slicer.util.arrayFromMarkupsControlPoints(tracker._parameterNode.targetNode)
    assert positions.tolist() == [[1, 2, 3], [7, 7, 7], [8, 8, 8]]


def test_a_needle_from_the_list_states_its_lengths_and_a_custom_one_takes_them(tracker: Any) -> None:
    ui = tracker.ui
    ui.needleComboBox.currentIndex = ui.needleComboBox.findText("15 mm throw, 11 mm notch")
    assert (ui.throwSpinBox.value, ui.notchSpinBox.value, ui.throwSpinBox.enabled) == (15.0, 11.0, False)
    ui.needleComboBox.currentIndex = ui.needleComboBox.findText("Custom")
    assert ui.throwSpinBox.enabled
    ui.throwSpinBox.value = 20.0
    ui.deadTipSpinBox.value = 2.0
    assert (plan(tracker).needle.throw_mm, plan(tracker).needle.dead_tip_mm) == (20.0, 2.0)
    ui.needleComboBox.currentIndex = 0
    assert (plan(tracker).needle.throw_mm, ui.throwSpinBox.value) == (22.0, 22.0)
    ui.needleComboBox.currentIndex = ui.needleComboBox.findText("Custom")
    assert plan(tracker).needle.throw_mm == 20.0, "remembered"


def test_a_margin_that_no_core_can_keep_is_said(tracker: Any) -> None:
    place(tracker, tracker.ui.placeTargetButton, (1, 2, 3))
    tracker.ui.marginSpinBox.value = 4.0
    assert "margin is larger" in tracker.ui.planHintLabel.text


def test_labels_of_any_language_become_names_of_targets(tracker: Any) -> None:
    place(tracker, tracker.ui.placeTargetButton, (1, 2, 3))
    targets = TargetList(tracker._parameterNode.targetNode)
    targets.rename(targets.ids[0], "L\N{LATIN SMALL LETTER A WITH DIAERESIS}sion\n" + 50 * "x")
    assert plan(tracker).target.name.startswith("L?sion")
    assert len(plan(tracker).target.name) == 40


def test_the_plan_comes_back_with_the_scene(tracker: Any, tmp_path: Path) -> None:
    place(tracker, tracker.ui.placeTargetButton, (1, 2, 3))
    place(tracker, tracker.ui.placeTargetButton, (4, 5, 6))
    place(tracker, tracker.ui.placeEntryButton, (0, 0, -50))
    ui = tracker.ui
    ui.targetRadiusSpinBox.value = 5.5
    ui.currentTargetComboBox.currentIndex = 0
    ui.currentTargetComboBox.currentIndex = 1
    ui.needleComboBox.currentIndex = ui.needleComboBox.findText("Custom")
    ui.notchSpinBox.value = 12.0
    ui.marginSpinBox.value = 2.5
    ui.showTrailCheckBox.checked = True
    ui.trailSecondsSpinBox.value = 4.0
    path = save_scene(slicer.mrmlScene, tmp_path / "case")
    slicer.mrmlScene.Clear(0)
    assert choices(tracker) == []
    assert not ui.showTrailCheckBox.checked
    slicer.util.loadScene(str(path))
    tracker.enter()
    restored = plan(tracker)
    np.testing.assert_allclose(restored.target.position, [4, 5, 6], atol=1e-4)
    np.testing.assert_allclose(restored.target.entry, [0, 0, -50], atol=1e-4)
    assert (restored.target.radius_mm, restored.needle.notch_mm, restored.marginMm) == (5.5, 12.0, 2.5)
    assert ui.currentTargetComboBox.currentIndex == 1
    assert (ui.showTrailCheckBox.checked, ui.trailSecondsSpinBox.value) == (True, 4.0)
