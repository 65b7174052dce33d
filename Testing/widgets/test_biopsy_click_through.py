"""A whole biopsy by the panel's own controls, against the real engine process, on the simulated case.

Nothing is replaced but the hand: buttons are clicked, a target is set in the list that asks for one. What is shown
and exported is compared with where the simulator had the needle.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from InstrumentTrackerLib.case_log.marking import reason_without_numbers
from InstrumentTrackerLib.palette import TARGET_COLOR
from standins import desktop

SAMPLE = desktop.MODULE_FOLDERS[0] / "Resources" / "SampleData" / "InBoreBiopsySimulated.truth.json"
START_TIMEOUT_S, STORY_TIMEOUT_S = 200.0, 60.0
# The simulated guide moves up to 5 mm from frame to frame; the fired needle rests.
TIP_TOLERANCE_MM, FIRED_TOLERANCE_MM = 8.0, 4.0
NO_NUMBER = "\N{EN DASH}"


@pytest.fixture
def bedside(scene: Any, tmp_path: Path, port: int) -> Iterator[Any]:
    """The panel of Instrument Tracker with its cases in a folder of the test."""
    from InstrumentTrackerLib.module.mrml_log_section import FOLDER_SETTING

    slicer.app.userSettings().setValue(FOLDER_SETTING, str(tmp_path / "cases"))
    scene.GetCacheManager().SetRemoteCacheDirectory(str(tmp_path / "cache"))
    widget = desktop.load_module(desktop.MODULE_FOLDERS[1] / "InstrumentTracker.py")[2]
    widget.parent.show()
    widget.ui.portSpinBox.value = port
    yield widget
    desktop.unload_module("InstrumentTracker")


def place(position: np.ndarray) -> None:
    """The click in a view: Slicer adds a point to the list that waits for one."""
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    selection = slicer.app.applicationLogic().GetSelectionNode()
    slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID()).AddControlPointWorld(vtk.vtkVector3d(*position))
    interaction.SwitchToViewTransformMode()


def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    return loaded


def true_tip(index: int, kind: str) -> np.ndarray:
    frames = truth()["frames"]
    return np.array(frames[index % len(frames)][f"{kind}_tip"])


@pytest.mark.slow
def test_a_biopsy_from_connecting_to_the_exported_core(bedside: Any, wait_until: Any, tmp_path: Path) -> None:
    ui = bedside.ui

    ui.demoButton.click()
    ui.accelerationSpinBox.value = 1
    ui.rateSpinBox.value = 3.0
    ui.loopCheckBox.click()
    ui.methodComboBox.currentText = "sliding-window"
    ui.deviceComboBox.currentText = "cpu"
    ui.segmenterLineEdit.text = "classical"
    assert ui.seriesNodeSelector.currentNode() is not None
    assert ui.targetSelector.currentNode().GetDisplayNode().GetSelectedColor() == pytest.approx(TARGET_COLOR)

    ui.startButton.click()
    wait_until(lambda: "Running" in ui.stateLabel.text, START_TIMEOUT_S)
    process_id = bedside.logic.session.process.process_id

    wait_until(lambda: "TRACKED" in ui.statusLabel.text, STORY_TIMEOUT_S)
    shown = bedside.logic.shownGuidance()
    kind = "needle" if shown.tracked.needle_tip is not None else "guide"
    assert np.linalg.norm(shown.tracked.tip - true_tip(shown.image.index, kind)) < TIP_TOLERANCE_MM

    lesion = np.array(truth()["target"]) + np.array([0.0, 2.0, 0.0])
    before = ui.currentTargetComboBox.count
    ui.placeTargetButton.click()
    assert "Click in a view" in ui.planHintLabel.text
    place(lesion)
    assert ui.currentTargetComboBox.count == before + 1
    assert ui.currentTargetComboBox.currentIndex == before
    ui.targetNameLineEdit.text = "Lesion of the test"
    ui.targetNameLineEdit.editingFinished.emit()

    def can_mark() -> bool:
        """At this very moment: on a busy machine a picture may have become too old since the button was enabled."""
        is_true = not reason_without_numbers(bedside.logic.shownGuidance())
        return "FIRED" in ui.statusLabel.text and ui.markButton.enabled and is_true

    wait_until(can_mark, STORY_TIMEOUT_S)
    ui.markButton.click()
    assert ui.coreTable.rowCount == 1

    ui.coresCsvButton.click()
    wait_until(lambda: "cores.csv" in ui.coreExportLabel.text and "Written" in ui.coreExportLabel.text)
    ui.reportHtmlButton.click()
    wait_until(lambda: "report.html" in ui.coreExportLabel.text and "Written" in ui.coreExportLabel.text)

    ui.stopButton.click()
    wait_until(lambda: "Stopped" in ui.stateLabel.text)
    assert ui.distanceLabel.text == NO_NUMBER
    assert ui.startButton.enabled
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)

    folder = next((tmp_path / "cases").iterdir())
    with (folder / "cores.csv").open(encoding="utf-8", newline="") as file:
        (core,) = csv.DictReader(file)
    assert core["target"] == "Lesion of the test"
    assert core["has_fired"] == "1"
    tip = np.array([float(core[f"needle_tip_{axis}"]) for axis in "ras"])
    assert np.linalg.norm(tip - true_tip(int(core["frame"]), "needle")) < FIRED_TOLERANCE_MM
    assert float(core["distance_mm"]) == pytest.approx(float(np.linalg.norm(tip - lesion)), abs=0.2)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Lesion of the test" in report
