"""The Instrument Tracker panel: plan, Start and Stop, and numbers only while they are true."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from InstrumentTrackerLib.case_log.marking import core_record
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.frames import image_envelope

NO_NUMBER = "\N{EN DASH}"


def add_point(name: str, position: tuple[float, float, float]) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.AddControlPointWorld(vtk.vtkVector3d(*position))
    return node


def start(widget: Any, port: int) -> None:
    widget.ui.portSpinBox.value = port
    widget.onStart()


def shown_numbers(widget: Any) -> list[str]:
    ui = widget.ui
    labels = (ui.distanceLabel, ui.figureLabel1, ui.figureLabel2, ui.figureLabel3, ui.figureLabel4)
    return [label.text for label in labels]


def figures(widget: Any) -> dict[str, str]:
    """The readout's numbers beside the distance, by their captions."""
    ui = widget.ui
    return {getattr(ui, f"figureCaptionLabel{n}").text: getattr(ui, f"figureLabel{n}").text for n in (1, 2, 3, 4)}


def test_a_fresh_panel_shows_no_numbers_and_says_what_it_is(tracker: Any) -> None:
    assert shown_numbers(tracker) == [NO_NUMBER] * 5
    assert "No guidance" in tracker.ui.statusLabel.text
    assert tracker.ui.noticeLabel.text == "Research software, not a medical device"
    assert tracker.logic.shownGuidance() is None


def test_no_two_sections_bear_the_same_name_and_the_source_has_that_of_its_messages(tracker: Any) -> None:
    ui = tracker.ui
    names = [widget.text for name, widget in vars(ui).items() if name.endswith("CollapsibleButton")]
    assert "Log" in names
    own = [name for name in names if name != "Advanced"]  # of the section that it is in
    assert len(set(own)) == len(own)
    ui.sourceKindComboBox.currentIndex = ui.sourceKindComboBox.findText("File or DICOM folder")
    with pytest.raises(InputError, match=f"^{ui.sourceCollapsibleButton.text}: no such file or folder"):
        tracker.onStart()


def test_plan_and_settings_go_from_widgets_to_the_scene_and_back(tracker: Any) -> None:
    target, entry = add_point("Lesion", (1, 2, 3)), add_point("Rectum", (4, 5, 6))
    tracker.ui.targetSelector.setCurrentNode(target)
    node = tracker.logic.getParameterNode().parameterNode
    assert node.GetNodeReference("targetNode") is target
    node.SetNodeReferenceID("entryNode", entry.GetID())
    node.Modified()
    assert tracker.ui.entrySelector.currentNode() is entry


def test_numbers_are_measured_to_the_selected_target(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    """The small engine's needle ends at (1, 2, 23), pointing along S; the target lies 10 mm on and 3, 4 mm aside."""
    use_small_engine(tracker, "pictures")
    tracker.ui.targetSelector.setCurrentNode(add_point("Lesion", (4.0, 6.0, 33.0)))
    start(tracker, port)
    wait_until(lambda: "TRACKED" in tracker.ui.statusLabel.text)
    assert tracker.ui.distanceLabel.text == "11.2 mm"  # sqrt(3^2 + 4^2 + 10^2)
    assert tracker.ui.distanceCaptionLabel.text == "Needle tip to target"
    assert figures(tracker) == {
        "Sideways miss": "5.0 mm",
        "Advance to center": "1.0 mm",  # the core of 18 mm begins at the tip: its middle is 9 mm ahead
        "Angle": "26.6\N{DEGREE SIGN}",  # atan(5 / 10)
        "Depth remaining": "10.0 mm",
    }
    assert tracker.ui.directionLabel.text == "Target lies 4.0 mm anterior, 3.0 mm patient right"
    assert "CORE WOULD MISS" in tracker.ui.verdictLabel.text
    assert "2.0 mm beside the lesion" in tracker.ui.verdictLabel.text
    assert "Confidence 90 %" in tracker.ui.confidenceLabel.text
    assert "0." in tracker.ui.ageLabel.text
    assert tracker.ui.reconstructionCollapsibleButton.collapsed
    record = core_record(1, 0.0, tracker.logic.shownGuidance())
    assert record.distance_mm == pytest.approx(125**0.5)
    assert record.core_miss_mm == pytest.approx(5.0)
    assert (record.target_name, record.target) == ("Lesion-1", (4.0, 6.0, 33.0))
    assert record.needle_tip == (1.0, 2.0, 23.0)


def test_needle_radius_and_margin_decide_between_miss_edge_and_hit(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pictures")
    ui = tracker.ui
    ui.targetSelector.setCurrentNode(add_point("Lesion", (4.0, 6.0, 33.0)))
    start(tracker, port)
    wait_until(lambda: "CORE WOULD MISS" in ui.verdictLabel.text)
    ui.targetRadiusSpinBox.value = 5.5
    wait_until(lambda: "CORE WOULD HIT THE EDGE" in ui.verdictLabel.text)
    assert "NOT kept" in ui.verdictLabel.text
    ui.marginSpinBox.value = 0.5
    wait_until(lambda: "margin 0.5 mm kept" in ui.verdictLabel.text)
    ui.needleComboBox.currentIndex = ui.needleComboBox.findText("Custom")
    ui.deadTipSpinBox.value = 15.0  # now the core ends 7 mm before the target's depth would be reached
    wait_until(lambda: "CORE WOULD MISS" in ui.verdictLabel.text)


def test_a_target_moved_in_slicer_changes_the_numbers_and_reaches_the_engine(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pictures")
    target = add_point("Lesion", (1.0, 2.0, 33.0))
    tracker.ui.targetSelector.setCurrentNode(target)
    start(tracker, port)
    wait_until(lambda: tracker.ui.distanceLabel.text == "10.0 mm")
    wait_until(lambda: "target 1.0 2.0 33.0" in tracker.logic.session.process.log_tail)
    target.SetNthControlPointPositionWorld(0, 1.0, 2.0, 53.0)
    wait_until(lambda: tracker.ui.distanceLabel.text == "30.0 mm")
    wait_until(lambda: "target 1.0 2.0 53.0" in tracker.logic.session.process.log_tail)


def test_the_chosen_point_list_is_the_target_and_no_copy_is_made(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pictures")
    first, second = add_point("Lesion 1", (1.0, 2.0, 33.0)), add_point("Lesion 2", (1.0, 2.0, 43.0))
    tracker.ui.targetSelector.setCurrentNode(first)
    start(tracker, port)
    wait_until(lambda: tracker.ui.distanceLabel.text == "10.0 mm")
    tracker.ui.targetSelector.setCurrentNode(second)
    wait_until(lambda: tracker.ui.distanceLabel.text == "20.0 mm")
    tracker.ui.targetSelector.setCurrentNode(None)
    wait_until(lambda: tracker.ui.distanceLabel.text == NO_NUMBER)
    assert "TARGET NOT SET" in tracker.ui.warningLabel.text
    assert slicer.mrmlScene.GetFirstNodeByName("Target") is None
    assert slicer.util.arrayFromMarkupsControlPoints(first).tolist() == [[1.0, 2.0, 33.0]]


@pytest.mark.parametrize("what", ["point", "list"])
def test_a_target_deleted_while_tracking_takes_the_numbers_with_it_and_says_why(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int, what: str
) -> None:
    use_small_engine(tracker, "pictures")
    targets = add_point("Lesions", (1.0, 2.0, 33.0))
    targets.AddControlPointWorld(vtk.vtkVector3d(1.0, 2.0, 43.0))
    tracker.ui.targetSelector.setCurrentNode(targets)
    start(tracker, port)
    wait_until(lambda: tracker.ui.distanceLabel.text == "10.0 mm")
    if what == "point":
        targets.RemoveNthControlPoint(0)
    else:
        slicer.mrmlScene.RemoveNode(targets)
    wait_until(lambda: tracker.ui.distanceLabel.text == NO_NUMBER)
    assert shown_numbers(tracker) == [NO_NUMBER] * 5
    assert "TARGET DELETED" in tracker.ui.warningLabel.text
    assert "TRACKED" in tracker.ui.statusLabel.text
    record = core_record(1, 0.0, tracker.logic.shownGuidance())
    assert (record.has_measurement, record.target, record.distance_mm) == (True, None, None)
    if what == "point":  # never the neighbor by itself, but whenever it is chosen
        tracker.ui.currentTargetComboBox.currentIndex = 0
        wait_until(lambda: tracker.ui.distanceLabel.text == "20.0 mm")


def test_the_angle_is_taken_to_the_planned_path_where_there_is_an_entry(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pictures")
    tracker.ui.targetSelector.setCurrentNode(add_point("Lesion", (1.0, 2.0, 33.0)))
    tracker.ui.entrySelector.setCurrentNode(add_point("Rectum", (1.0, -8.0, 23.0)))
    start(tracker, port)
    wait_until(lambda: figures(tracker).get("Angle") == "45.0\N{DEGREE SIGN}")


def test_numbers_and_markers_vanish_when_pictures_stop_coming(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pause")
    tracker.ui.targetSelector.setCurrentNode(add_point("Lesion", (1.0, 2.0, 33.0)))
    start(tracker, port)
    wait_until(lambda: "STALE" in tracker.ui.statusLabel.text)
    assert shown_numbers(tracker) == [NO_NUMBER] * 5
    assert tracker.ui.verdictLabel.text == ""
    wait_until(lambda: "Stalled" in tracker.ui.stateLabel.text)
    tip = slicer.mrmlScene.GetFirstNodeByName("Needle tip")
    assert tip is not None
    assert tip.GetNumberOfControlPoints() == 0


@pytest.mark.parametrize("ending", ["stop", "crash"])
def test_nothing_measured_stays_when_the_session_ends(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int, ending: str
) -> None:
    use_small_engine(tracker, "crash" if ending == "crash" else "pictures")
    target = add_point("Lesion", (1.0, 2.0, 33.0))
    tracker.ui.targetSelector.setCurrentNode(target)
    start(tracker, port)
    wait_until(lambda: "TRACKED" in tracker.ui.statusLabel.text)
    if ending == "stop":
        tracker.onStop()
        wait_until(lambda: "Stopped" in tracker.ui.stateLabel.text)
    else:
        wait_until(lambda: "Failed" in tracker.ui.stateLabel.text)
        assert "out of memory" in tracker.ui.stateLabel.text
    assert shown_numbers(tracker) == [NO_NUMBER] * 5
    assert slicer.mrmlScene.GetFirstNodeByName("Needle tip").GetNumberOfControlPoints() == 0
    assert target.GetNumberOfControlPoints() == 1
    assert tracker.ui.startButton.enabled


def test_closing_the_scene_ends_the_engine(tracker: Any, use_small_engine: Any, wait_until: Any, port: int) -> None:
    use_small_engine(tracker, "pictures")
    start(tracker, port)
    wait_until(lambda: "TRACKED" in tracker.ui.statusLabel.text)
    process_id = tracker.logic.session.process.process_id
    slicer.mrmlScene.Clear(0)
    wait_until(lambda: "Stopped" in tracker.ui.stateLabel.text)
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0


@pytest.mark.slow
def test_the_real_engine_starts_and_reports_no_instrument_in_an_empty_picture(
    tracker: Any, wait_until: Any, port: int
) -> None:
    tracker.ui.deviceComboBox.currentText = "cpu"
    tracker.ui.methodComboBox.currentText = "zero-filled"
    start(tracker, port)
    wait_until(lambda: "Starting" not in tracker.ui.stateLabel.text, 90.0)
    assert "Waiting for data" in tracker.ui.stateLabel.text
    blank = np.full((3, 64, 64), 100.0, np.float32)
    with IgtlClient(port=port) as scanner:
        for index in range(200):
            now = time.time()
            scanner.send(image_envelope(ImageFrame(blank, np.diag([2.0, 2.0, 3.0, 1.0]), index, now - 0.05, now)))
            deadline = time.monotonic() + 0.1
            while time.monotonic() < deadline:
                tracker.onTimer()
                time.sleep(0.02)
            if "NOT VISIBLE" in tracker.ui.statusLabel.text:
                break
        else:
            pytest.fail(f"{tracker.ui.stateLabel.text} {tracker.ui.statusLabel.text}")
    assert shown_numbers(tracker) == [NO_NUMBER] * 5
