"""The section Review: a recorded case is scrubbed, its cores compared with their targets, several cases summed up."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.core_table import write_cores_csv, write_cores_json
from InstrumentTrackerLib.scene.mrml_case_picture import png_bytes
from InstrumentTrackerLib.track_table import write_track
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from PySide6 import QtWidgets
from standins import desktop
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence
from TemporalReconLib.scene.mrml_recorder import VolumeRecorder
from TemporalReconLib.scene.mrml_volume import LiveVolume

sys.path.append(str(Path(__file__).parents[1] / "core" / "case_log"))

from marked_cores import core

UI_FOLDER = desktop.MODULE_FOLDERS[1] / "Resources" / "UI"
AXIS = np.array([0.0, 0.0, 1.0])


class Desk:
    """The section as a planner has it before him."""

    def __init__(self, wait_until: Any) -> None:
        import qt
        from InstrumentTrackerLib.module.mrml_review_section import ReviewSection

        self.is_live = False
        self._wait_until = wait_until
        self.panel = qt.QWidget()
        qt.QVBoxLayout(self.panel)
        widget = slicer.util.loadUI(str(UI_FOLDER / "Review.ui"))
        QtWidgets.QWidget.layout(self.panel).addWidget(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(widget)
        self.ui.reviewCollapsibleButton.collapsed = False
        self.section = ReviewSection(self.ui, lambda: self.is_live)
        self.panel.show()

    def wait(self) -> None:
        """Until the thread has read or written."""
        self._wait_until(lambda: not self.section._job.is_running)

    def load(self, path: Path) -> None:
        (self.section.addTrack if path.suffix == ".csv" else self.section.addCases)(str(path))
        self.wait()

    def texts(self, table: Any) -> list[list[str]]:
        return [
            [table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)
        ]

    def review_tip(self) -> list[list[float]]:
        node = slicer.mrmlScene.GetFirstNodeByName("Review: Needle tip")
        return [] if node is None else slicer.util.arrayFromMarkupsControlPoints(node).tolist()


@pytest.fixture
def desk(scene: Any, wait_until: Any) -> Any:
    made = Desk(wait_until)
    yield made
    made.section.close()


def a_case(parent: Path, name: str = "case A", n_cores: int = 2, with_track: bool = True) -> Path:
    """The tip stands at S = frame number; pictures are as bright as their number; cores are marked in frame 7."""
    log = CaseLog(parent, name)
    for number in range(1, n_cores + 1):
        log.append(core(number), png_bytes(np.full((30, 40, 3), 80, np.uint8)))
    assert log.close(5.0)
    if with_track:
        poses = [
            TrackedPose(TrackingState.TRACKED, None, AXIS * index, AXIS, 0.9, index=index, time_s=0.1 * index)
            for index in range(10)
        ]
        write_track(log.folder / "track.csv", [(pose, None) for pose in poses])
        write_image_sequence(log.folder / "pictures.seq.nrrd", pictures(10))
    return log.folder


def pictures(count: int) -> list[ImageFrame]:
    return [
        ImageFrame(np.full((1, 8, 8), float(index), np.float32), np.eye(4), index, 0.1 * index, 0.1 * index)
        for index in range(count)
    ]


def test_a_case_is_scrubbed_with_picture_tip_and_errors(desk: Any, tmp_path: Path) -> None:
    desk.load(a_case(tmp_path))
    assert desk.ui.reviewSlider.maximum == 9
    desk.ui.reviewSlider.value = 4
    assert desk.review_tip() == [[0.0, 0.0, 4.0]]
    volume = slicer.mrmlScene.GetFirstNodeByName("Review: picture")
    assert float(slicer.util.arrayFromVolume(volume).mean()) == 4.0
    # The target lies at (3, 4, 12): 8 mm ahead and 5 mm aside.
    assert "tip to target 9.4 mm, sideways miss 5.0 mm, depth 8.0 mm short" in desk.ui.reviewFrameLabel.text
    desk.ui.reviewForwardButton.click()
    assert desk.review_tip() == [[0.0, 0.0, 5.0]]
    desk.ui.reviewBackButton.click()
    assert "frame 4" in desk.ui.reviewFrameLabel.text


def test_selecting_a_core_jumps_to_its_moment_and_shows_what_was_kept(desk: Any, tmp_path: Path) -> None:
    desk.load(a_case(tmp_path))
    desk.ui.reviewCoreTable.selectRow(1)
    assert desk.ui.reviewSlider.value == 7
    assert desk.review_tip() == [[0.0, 0.0, 7.0]]
    target = slicer.mrmlScene.GetFirstNodeByName("Review: Target")
    assert target.GetNthControlPointLabel(0) == core(2).target_name
    assert desk.ui.reviewPictureLabel.visible
    assert desk.ui.reviewSchemeLabel.visible
    assert desk.texts(desk.ui.reviewCoreTable)[1][5] == "13.0 mm", "as marked"


def test_a_review_leaves_the_plan_and_the_live_picture_alone(desk: Any, tmp_path: Path) -> None:
    live = LiveVolume(slicer.mrmlScene).update(pictures(3)[2])
    target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Target")
    target.SetAttribute("InBoreGuidance.Role", "Target")
    target.AddControlPointWorld([9.0, 9.0, 9.0])
    desk.load(a_case(tmp_path))
    desk.ui.reviewSlider.value = 6
    assert slicer.util.arrayFromMarkupsControlPoints(target).tolist() == [[9.0, 9.0, 9.0]]
    assert float(slicer.util.arrayFromVolume(live).mean()) == 2.0
    desk.section.close()
    assert slicer.mrmlScene.GetFirstNodeByName("Review: picture") is None
    assert slicer.mrmlScene.IsNodePresent(live)


def test_while_guidance_is_live_the_views_stay_live(desk: Any, tmp_path: Path) -> None:
    desk.is_live = True
    desk.load(a_case(tmp_path))
    desk.ui.reviewSlider.value = 6
    assert desk.review_tip() == []
    assert "stop guidance" in desk.ui.reviewFrameLabel.text
    assert "frame 6" in desk.ui.reviewFrameLabel.text


def test_several_cases_are_summed_up_and_saved_in_one_table(desk: Any, tmp_path: Path) -> None:
    a_case(tmp_path, "A", 2)
    a_case(tmp_path, "B", 3, with_track=False)
    desk.load(tmp_path)
    rows = desk.texts(desk.ui.reviewCaseTable)
    assert [row[:4] for row in rows] == [
        ["A", "2", "2", "2 of 2"],
        ["B", "3", "3", "3 of 3"],
        ["All cases", "5", "5", "5 of 5"],
    ]
    assert rows[2][5] == "13.0 [13.0, 13.0] / 13.0 mm"
    desk.section.saveCores(str(tmp_path / "all.csv"), write_cores_csv)
    desk.wait()
    with (tmp_path / "all.csv").open(newline="") as file:
        assert [row["case"] for row in csv.DictReader(file)] == ["A", "A", "B", "B", "B"]
    desk.section.saveCores(str(tmp_path / "all.json"), write_cores_json)
    desk.wait()
    assert [len(case["cores"]) for case in json.loads((tmp_path / "all.json").read_text())["cases"]] == [2, 3]
    assert "Written" in desk.ui.reviewStatusLabel.text
    desk.load(tmp_path)
    assert len(desk.section.cases) == 2, "the same case twice would count twice"
    desk.ui.reviewCaseTable.selectRow(0)
    desk.ui.reviewRemoveCaseButton.click()
    assert [row[0] for row in desk.texts(desk.ui.reviewCaseTable)] == ["B"]


def test_a_track_of_the_command_line_with_its_series(desk: Any, tmp_path: Path) -> None:
    folder = a_case(tmp_path)
    desk.load(folder / "track.csv")
    assert desk.section.case.name == "track"
    assert desk.ui.reviewSlider.maximum == 9
    assert slicer.mrmlScene.GetFirstNodeByName("Review: picture") is None
    desk.section.useSeries(str(folder / "pictures.seq.nrrd"))
    desk.wait()
    desk.ui.reviewSlider.value = 3
    volume = slicer.mrmlScene.GetFirstNodeByName("Review: picture")
    assert float(slicer.util.arrayFromVolume(volume).mean()) == 3.0


def test_pictures_recorded_into_the_scene_belong_to_the_case(desk: Any, tmp_path: Path) -> None:
    volume, recorder = LiveVolume(slicer.mrmlScene), VolumeRecorder(slicer.mrmlScene)
    for image in pictures(8):
        recorder.record(volume.update(image), image.mid_acquisition_time)
    desk.load(a_case(tmp_path, with_track=False))
    assert desk.ui.reviewSequenceButton.enabled
    desk.ui.reviewSequenceButton.click()
    desk.ui.reviewCoreTable.selectRow(0)
    assert desk.ui.reviewSlider.value == 7
    shown = slicer.mrmlScene.GetFirstNodeByName("Review: picture")
    assert float(slicer.util.arrayFromVolume(shown).mean()) == 7.0
    assert desk.review_tip() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("damage", ["log", "track", "nothing there"])
def test_a_damaged_case_is_named_and_the_next_one_still_loads(desk: Any, tmp_path: Path, damage: str) -> None:
    folder = a_case(tmp_path / "bad")
    if damage == "log":
        path = folder / "cores.jsonl"
        path.write_text(path.read_text().replace('"distance_mm": 13.0', '"distance_mm": "near"'))
        expected = "distance_mm"
    elif damage == "track":
        path = folder / "track.csv"
        path.write_text(path.read_text().replace("tracked", "found", 1))
        expected = "line 2: state"
    else:
        folder, path, expected = tmp_path / "none", tmp_path / "none", "no case in it"
    desk.load(folder)
    assert expected in desk.ui.reviewStatusLabel.text
    assert str(path) in desk.ui.reviewStatusLabel.text
    desk.load(a_case(tmp_path / "good"))
    assert len(desk.section.cases) == 1


def test_the_report_of_a_case_is_written_again(desk: Any, tmp_path: Path) -> None:
    desk.load(a_case(tmp_path))
    desk.section.saveReport(str(tmp_path / "again.html"))
    desk.wait()
    text = (tmp_path / "again.html").read_text()
    assert "case A" in text
    assert "data:image/png" in text


def test_closing_the_scene_leaves_the_cases_loaded_and_scrubbing_goes_on(desk: Any, tmp_path: Path) -> None:
    desk.load(a_case(tmp_path))
    desk.ui.reviewSlider.value = 5
    slicer.mrmlScene.Clear(0)
    desk.ui.reviewSlider.value = 6
    assert desk.review_tip() == [[0.0, 0.0, 6.0]]
