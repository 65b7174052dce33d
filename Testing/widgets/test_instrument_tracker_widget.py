"""The Instrument Tracker panel: plan, Start and Stop, and numbers only while they are true."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from TemporalReconLib.acquisition.image_frame import ImageFrame
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
    labels = (ui.distanceLabel, ui.lateralLabel, ui.depthLabel, ui.angleLabel, ui.confidenceLabel)
    return [label.text for label in labels]


def test_a_fresh_panel_shows_no_numbers_and_says_what_it_is(tracker: Any) -> None:
    assert shown_numbers(tracker) == [NO_NUMBER] * 5
    assert "No guidance" in tracker.ui.statusLabel.text
    assert tracker.ui.noticeLabel.text == "Research software, not a medical device"


def test_plan_and_settings_go_from_widgets_to_the_scene_and_back(tracker: Any) -> None:
    target, entry = add_point("Lesion", (1, 2, 3)), add_point("Rectum", (4, 5, 6))
    tracker.ui.targetSelector.setCurrentNode(target)
    node = tracker.logic.getParameterNode().parameterNode
    assert node.GetNodeReference("targetNode") is target
    node.SetNodeReferenceID("entryNode", entry.GetID())
    node.Modified()
    assert tracker.ui.entrySelector.currentNode() is entry


def test_place_makes_a_target_list_and_asks_for_a_click(tracker: Any) -> None:
    tracker.onPlaceTarget()
    node = tracker._parameterNode.targetNode
    assert tracker.ui.targetSelector.currentNode() is node
    assert "Click in a slice view" in tracker.ui.planHintLabel.text
    node.AddControlPointWorld(vtk.vtkVector3d(1, 2, 3))
    assert tracker.ui.planHintLabel.text == ""
    tracker.onPlaceTarget()
    assert "drag it" in tracker.ui.planHintLabel.text
    assert node.GetNumberOfControlPoints() == 1


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
    assert tracker.ui.lateralLabel.text == "5.0 mm"
    assert tracker.ui.depthLabel.text == "10.0 mm still to advance"
    assert tracker.ui.angleLabel.text == "26.6\N{DEGREE SIGN}"  # atan(5 / 10)
    assert tracker.ui.confidenceLabel.text == "90 %"
    assert tracker.ui.ageLabel.text.startswith("0.")
    assert tracker.ui.engineCollapsibleButton.collapsed


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
    assert "No target" in tracker.ui.warningLabel.text
    assert slicer.mrmlScene.GetFirstNodeByName("Target") is None
    assert slicer.util.arrayFromMarkupsControlPoints(first).tolist() == [[1.0, 2.0, 33.0]]


def test_the_angle_is_taken_to_the_planned_path_where_there_is_an_entry(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pictures")
    tracker.ui.targetSelector.setCurrentNode(add_point("Lesion", (1.0, 2.0, 33.0)))
    tracker.ui.entrySelector.setCurrentNode(add_point("Rectum", (1.0, -8.0, 23.0)))
    start(tracker, port)
    wait_until(lambda: tracker.ui.angleLabel.text == "45.0\N{DEGREE SIGN}")


def test_numbers_and_markers_vanish_when_pictures_stop_coming(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pause")
    tracker.ui.targetSelector.setCurrentNode(add_point("Lesion", (1.0, 2.0, 33.0)))
    start(tracker, port)
    wait_until(lambda: "STALE" in tracker.ui.statusLabel.text)
    assert shown_numbers(tracker) == [NO_NUMBER] * 5
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
