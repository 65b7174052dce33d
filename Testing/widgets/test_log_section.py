"""The section Log: a core is marked with one press or one key, never lost, and says what was true."""

from __future__ import annotations

import csv
import errno
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.provenance import Provenance
from InstrumentTrackerLib.scene.mrml_case_picture import desktop_picture
from InstrumentTrackerLib.scene.mrml_readout import Readout
from InstrumentTrackerLib.scene.mrml_style import DisplayStatus
from InstrumentTrackerLib.targeting.assessment import CoreVerdict
from PySide6 import QtCore, QtGui, QtTest, QtWidgets
from standins import desktop
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ijk_to_ras_from_center

sys.path.append(str(Path(__file__).parents[1] / "core" / "case_log"))

from marked_cores import NEEDLE, core, shown

UI_FOLDER = desktop.MODULE_FOLDERS[1] / "Resources" / "UI"


class Bedside:
    """The section with what it asks of the panel, and a clock that tests can push on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import qt
        from InstrumentTrackerLib.module import mrml_log_section

        slicer.app.userSettings().setValue(mrml_log_section.FOLDER_SETTING, str(folder))
        self.guidance: Any = shown()
        self.now_s = 1000.0
        monkeypatch.setattr(mrml_log_section.time, "monotonic", lambda: self.now_s)
        self.panel = qt.QWidget()
        qt.QVBoxLayout(self.panel)
        self.widget = slicer.util.loadUI(str(UI_FOLDER / "Log.ui"))
        QtWidgets.QWidget.layout(self.panel).addWidget(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self.section = mrml_log_section.LogSection(
            self.ui, lambda: self.guidance, lambda: Provenance(method="temporal"), capture=lambda: None
        )
        self.panel.show()

    def press(self, button: Any, after_s: float = 10.0) -> None:
        """Click as a hand does, some time after the last click; a disabled button does nothing."""
        self.now_s += after_s
        self.section.update()
        button.click()

    def texts(self) -> list[list[str]]:
        table = self.ui.coreTable
        return [[table.item(row, column).text() for column in range(11)] for row in range(table.rowCount)]

    def on_disk(self) -> CaseLog:
        assert self.section.log.wait(5.0), self.section.log.problem
        return CaseLog.open(self.section.log.folder)


@pytest.fixture
def bedside(scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Bedside(tmp_path, monkeypatch)
    yield made
    made.section.close()


def test_one_press_marks_a_core_on_disk_in_the_table_and_in_the_scene(bedside: Any) -> None:
    assert bedside.ui.markButton.text == "Mark core 1   (F9)"
    bedside.press(bedside.ui.markButton)
    assert bedside.texts() == [
        [
            *("1", bedside.texts()[0][1], "left apex", "5.0 mm", "\N{CHECK MARK} hit", "13.0 mm", "5.0 mm"),
            *("12.0 mm short", "22.6\N{DEGREE SIGN}", "needle", "7"),
        ]
    ]
    saved = bedside.on_disk()
    assert saved.records == bedside.section.log.records
    assert saved.provenances == (Provenance(method="temporal"),)
    line = slicer.mrmlScene.GetFirstNodeByName("Core 1 (left apex)")
    assert slicer.util.arrayFromMarkupsControlPoints(line).tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 18.0]]
    assert bedside.ui.markButton.text == "Mark core 2   (F9)"
    bedside.section.update()
    assert "All 1 cores are on disk" in bedside.ui.caseSavedLabel.text


@pytest.mark.parametrize("verdict", ["hit", "edge", "miss", "unsure"])
def test_a_verdict_bears_the_mark_of_the_display_and_never_that_of_a_state(bedside: Any, verdict: str) -> None:
    from InstrumentTrackerLib.module.mrml_core_rows import coreTexts
    from InstrumentTrackerLib.module.mrml_readout_text import statusText, verdictText

    on_display = Readout(DisplayStatus.TRACKED, "", verdict=CoreVerdict(verdict))
    mark, word = coreTexts(replace(core(1), verdict=verdict, probability=None))[4].split()
    assert word == verdict
    assert f">{mark} " in verdictText(on_display)
    for status in (DisplayStatus.TRACKED, DisplayStatus.PREDICTED):
        assert f">{mark} " not in statusText(Readout(status, ""))


def test_the_key_marks_and_a_second_press_of_a_glove_is_the_same_press(bedside: Any, app: Any) -> None:
    QtWidgets.QWidget.activateWindow(bedside.panel)
    app.processEvents()
    for _ in range(2):
        QtTest.QTest.keyClick(bedside.panel, QtCore.Qt.Key.Key_F9)
    assert len(bedside.section.log.records) == 1
    bedside.now_s += 2.0
    QtTest.QTest.keyClick(bedside.panel, QtCore.Qt.Key.Key_F9)
    assert len(bedside.section.log.records) == 2


def test_without_true_numbers_the_button_rests_and_says_why(bedside: Any) -> None:
    bedside.guidance = replace(bedside.guidance, age_s=3.0)
    bedside.section.update()
    assert not bedside.ui.markButton.enabled
    assert "too old" in bedside.ui.markStatusLabel.text
    bedside.press(bedside.ui.markButton)
    assert bedside.texts() == []
    bedside.guidance = shown()
    bedside.section.update()
    assert bedside.ui.markButton.enabled
    assert not bedside.ui.markWithoutMeasurementButton.visible


def test_a_core_can_be_marked_without_measurement_by_pressing_twice(bedside: Any) -> None:
    bedside.guidance = None
    button = bedside.ui.markWithoutMeasurementButton
    bedside.press(button)
    assert bedside.texts() == []
    assert "NOT marked yet" in bedside.ui.markStatusLabel.text
    bedside.press(button, after_s=0.1)
    assert bedside.texts() == [], "a glove presses twice"
    bedside.press(button, after_s=2.0)
    (record,) = bedside.section.log.records
    assert record.state == "no guidance"
    assert not record.has_measurement
    assert bedside.texts()[0][9] == "not measured: no guidance"
    assert bedside.texts()[0][5] == "\N{EN DASH}"
    assert bedside.section.log.next_number == 2


def test_the_question_is_forgotten_after_a_while(bedside: Any) -> None:
    bedside.guidance = None
    button = bedside.ui.markWithoutMeasurementButton
    bedside.press(button)
    bedside.press(button, after_s=6.0)
    assert bedside.texts() == []
    bedside.press(button, after_s=2.0)
    assert len(bedside.texts()) == 1


def test_guidance_that_ends_between_look_and_press_asks_instead_of_marking(bedside: Any) -> None:
    bedside.section.update()
    bedside.guidance = None
    bedside.now_s += 10.0
    bedside.ui.markButton.click()
    assert bedside.texts() == []
    assert "NOT marked yet" in bedside.ui.markStatusLabel.text


def test_undo_note_and_removal_with_a_reason(bedside: Any) -> None:
    for _ in range(3):
        bedside.press(bedside.ui.markButton)
    bedside.press(bedside.ui.undoCoreButton)
    assert [row[0] for row in bedside.texts()] == ["1", "2"]
    assert slicer.mrmlScene.GetFirstNodeByName("Core 3 (left apex)") is None
    bedside.ui.coreTable.selectRow(0)
    bedside.ui.coreNoteLineEdit.text = "pot A"
    bedside.ui.coreNoteLineEdit.editingFinished.emit()
    assert not bedside.ui.removeCoreButton.enabled
    bedside.ui.coreTable.selectRow(1)
    bedside.ui.removeReasonLineEdit.text = "no tissue"
    bedside.press(bedside.ui.removeCoreButton)
    saved = bedside.on_disk()
    assert [(record.number, record.note) for record in saved.records] == [(1, "pot A")]
    assert [(record.number, reason) for record, reason in saved.removed] == [(3, "undone"), (2, "no tissue")]


def test_a_full_disk_loses_nothing_and_is_said(
    bedside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Any
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        bedside.press(bedside.ui.markButton)
        bedside.press(bedside.ui.markButton)
        wait_until(lambda: "NOT SAVED" in bedside.ui.caseSavedLabel.text)
        assert "No space left on device" in bedside.ui.caseSavedLabel.text
        assert len(bedside.texts()) == 2
        bedside.press(bedside.ui.newCaseButton)
        assert bedside.texts() == []
        assert "NOT SAVED" in bedside.ui.caseSavedLabel.text, "the case before is still kept"
    wait_until(lambda: "NOT SAVED" not in bedside.ui.caseSavedLabel.text)
    (folder,) = tmp_path.iterdir()
    assert len(CaseLog.open(folder).records) == 2


def test_choosing_another_folder_brings_the_whole_case_there(bedside: Any, tmp_path: Path) -> None:
    bedside.press(bedside.ui.markButton)
    bedside.section.setFolder(str(tmp_path / "other"))
    bedside.press(bedside.ui.markButton)
    assert bedside.on_disk().folder.parent == tmp_path / "other"
    assert len(bedside.on_disk().records) == 2
    assert str(tmp_path / "other") in bedside.ui.caseFolderLineEdit.text


def test_a_case_name_is_checked_and_fixed_by_the_first_core(bedside: Any) -> None:
    bedside.ui.caseNameLineEdit.text = "Stra\u00dfe"
    bedside.ui.caseNameLineEdit.editingFinished.emit()
    assert "printable ASCII" in bedside.ui.markStatusLabel.text
    assert bedside.ui.caseNameLineEdit.text.startswith("case 2")
    bedside.ui.caseNameLineEdit.text = "study 12"
    bedside.ui.caseNameLineEdit.editingFinished.emit()
    bedside.press(bedside.ui.markButton)
    assert bedside.on_disk().folder.name == "study_12"
    assert not bedside.ui.caseNameLineEdit.enabled


def test_the_picture_of_the_moment_is_kept_and_shown(bedside: Any) -> None:
    pixels = np.full((3, 64, 64), 10.0, np.float32)
    pixels[:, :, 32:] = 50.0
    geometry = ijk_to_ras_from_center((0, 0, 0), np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]), (1.5, 1.5, 3.0),
                                      (64, 64, 3))  # fmt: skip
    bedside.guidance = replace(bedside.guidance, image=ImageFrame(pixels, geometry))
    bedside.press(bedside.ui.markButton)
    log = bedside.on_disk()
    picture = QtGui.QImage()
    assert picture.loadFromData(log.picture(log.records[0]))
    middle = picture.pixelColor(picture.width() // 2, picture.height() // 2)
    assert (middle.red(), middle.green(), middle.blue()) == (255, 255, 255), "the cross at the tip"
    assert bedside.ui.corePictureButton.visible
    assert bedside.ui.coreSchemeLabel.pixmap.height() > 50


def test_exports_lie_in_the_case_folder(bedside: Any, wait_until: Any) -> None:
    for _ in range(2):
        bedside.press(bedside.ui.markButton)
    bedside.on_disk()
    folder = bedside.section.log.folder
    bedside.press(bedside.ui.coresCsvButton)
    wait_until(lambda: "cores.csv</a>" in bedside.ui.coreExportLabel.text)
    with (folder / "cores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["distance_mm"] for row in rows] == ["13.000", "13.000"]
    bedside.press(bedside.ui.reportHtmlButton)
    wait_until(
        lambda: "report.html" in bedside.ui.coreExportLabel.text and "Written" in bedside.ui.coreExportLabel.text
    )
    assert "not a medical device" in (folder / "report.html").read_text()
    bedside.press(bedside.ui.reportPdfButton)
    assert "report.pdf" in bedside.ui.coreExportLabel.text
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")


def test_a_vanished_folder_is_made_again_or_named_in_the_complaint(bedside: Any, wait_until: Any) -> None:
    bedside.press(bedside.ui.markButton)
    folder = bedside.on_disk().folder
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    bedside.press(bedside.ui.reportPdfButton)
    assert "does not exist" in bedside.ui.coreExportLabel.text
    assert bedside.ui.reportPdfButton.enabled


def test_a_new_scene_is_a_new_case_and_the_old_one_stays_on_disk(bedside: Any) -> None:
    bedside.press(bedside.ui.markButton)
    folder = bedside.on_disk().folder
    slicer.mrmlScene.Clear(0)
    assert bedside.texts() == []
    assert bedside.section.log.next_number == 1
    bedside.press(bedside.ui.markButton)
    assert bedside.on_disk().folder != folder
    assert len(CaseLog.open(folder).records) == 1


def test_a_case_goes_on_after_a_crash(bedside: Any) -> None:
    bedside.press(bedside.ui.markButton)
    folder = bedside.on_disk().folder
    bedside.press(bedside.ui.newCaseButton)
    bedside.section.openCase(str(folder))
    assert bedside.texts()[0][2] == "left apex"
    bedside.press(bedside.ui.markButton)
    assert len(CaseLog.open(folder).records) <= 2
    assert [record.number for record in bedside.on_disk().records] == [1, 2]
    bedside.section.openCase(str(folder.parent))
    assert "no case folder" in bedside.ui.markStatusLabel.text
    assert len(bedside.texts()) == 2


def test_closing_leaves_no_thread_timer_or_observer(bedside: Any) -> None:
    before = threading.enumerate()
    bedside.press(bedside.ui.markButton)
    bedside.section.close()
    assert [thread for thread in threading.enumerate() if thread not in before] == []
    slicer.mrmlScene.Clear(0)
    assert len(bedside.section.log.records) == 1, "nobody listens any more"
    events = [json.loads(line) for line in (bedside.section.log.folder / "cores.jsonl").read_text().splitlines()]
    assert events[-1]["core"]["throw_mm"] == NEEDLE.throw_mm


def test_in_the_panel_a_press_marks_what_the_readout_shows(
    tracker: Any, use_small_engine: Any, wait_until: Any, port: int, tmp_path: Path
) -> None:
    """The small engine's needle ends at (1, 2, 23), pointing along S; the target lies 10 mm on and 3, 4 mm aside."""
    use_small_engine(tracker, "pictures")
    tracker.logSection.setFolder(str(tmp_path))
    target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Lesions")
    target.AddControlPointWorld([4.0, 6.0, 33.0], "left apex")
    tracker.ui.targetSelector.setCurrentNode(target)
    tracker.logSection.update()
    assert not tracker.ui.markButton.enabled
    tracker.ui.portSpinBox.value = port
    tracker.onStart()
    wait_until(lambda: tracker.ui.markButton.enabled, 90.0)  # the engine's process starts on a busy machine
    assert "left apex" in tracker.ui.markStatusLabel.text
    tracker.ui.markButton.click()
    (record,) = tracker.logSection.log.records
    assert record.distance_mm == pytest.approx(np.sqrt(125), abs=1e-3)
    assert record.lateral_mm == pytest.approx(5.0, abs=1e-3)
    assert record.target_name == "left apex"
    assert tracker.logSection.log.picture(record) is not None
    assert tracker.logSection.log.provenances[0].method == tracker.logic.getParameterNode().method
    tracker.onStop()
    wait_until(lambda: not tracker.ui.markButton.enabled)
    assert len(CaseLog.open(tracker.logSection.log.folder).records) == 1


def test_the_picture_is_that_of_the_visible_views(app: Any, scene: Any) -> None:
    manager = slicer.app.layoutManager()
    names = manager.sliceViewNames()
    assert desktop_picture(None) is None
    assert desktop_picture(manager) is None, "no view is shown"
    manager.sliceWidget(names[0]).show()
    try:
        picture = QtGui.QImage()
        assert picture.loadFromData(desktop_picture(manager))
        assert picture.height() == 480
        one = picture.width()
        manager.sliceWidget(names[1]).show()
        assert picture.loadFromData(desktop_picture(manager))
        assert picture.width() > one
    finally:
        for name in names[:2]:
            manager.sliceWidget(name).hide()
