"""The section Reader study: a whole reading by keyboard, blinded, paused, resumed, on disk answer by answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from InstrumentTrackerLib.reading.answers import answers_file, read_answers
from InstrumentTrackerLib.reading.picture_file import picture_file, write_picture
from InstrumentTrackerLib.reading.reading_list import ReadingList, read_list, write_list
from InstrumentTrackerLib.reading.reading_session import ReadingState
from PySide6 import QtCore, QtTest, QtWidgets
from standins import desktop
from TemporalReconLib.acquisition.image_frame import ImageFrame

KEY = QtCore.Qt.Key
SHIFT = QtCore.Qt.KeyboardModifier.ShiftModifier
SECRETS = (
    "mueller",
    "scan-7",
    "temporal",
    "bcrnn",
    "zero",
    "sliding",
    "golden",
    "paper",
    "r = 16",
    "reference",
    "method",
)
COUNT = 6
# 2 mm pixels, 3 mm coronal slices: columns to the patient's left, rows to the feet, slices to the front.
GEOMETRY = np.array([[-2.0, 0, 0, 60], [0, 0, 3.0, -20], [0, -2.0, 0, 70], [0, 0, 0, 1.0]])


def prepared(folder: Path) -> Path:
    """A reading of three cases in two conditions, as the command makes it."""
    (folder / "pictures").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(1, COUNT + 1):
        data = generator.uniform(0, number, (3, 64, 64)).astype(np.float32)
        image = ImageFrame(data, GEOMETRY, 7, stream_id="Mueller scan-7", method="temporal", acceleration=16.0)
        write_picture(picture_file(folder, str(number)), image)
    write_list(folder, ReadingList("r1", 1, "guide", (("4", "2", "6"), ("1", "5", "3"))))
    write_list(folder, ReadingList("r1", 2, "guide", (("1", "5", "3"), ("4", "2", "6"))))
    return folder


class Reader:
    """A reader before the panel, with keys and a hand that clicks in the view."""

    def __init__(self, widget: Any, wait_until: Any) -> None:
        self.widget, self.ui, self.section = widget, widget.ui, widget.readingSection
        self._wait_until = wait_until

    def begin(self, folder: Path, reader: int = 1) -> None:
        self.section.setFolder(str(folder))
        self._wait_until(lambda: self.ui.readingReaderComboBox.count)
        self.ui.readingReaderComboBox.currentText = str(reader)
        self._wait_until(lambda: self.ui.readingStartButton.enabled)
        self.ui.readingStartButton.click()
        self.wait_for(ReadingState.READING)

    def wait_for(self, state: ReadingState) -> None:
        self._wait_until(lambda: self.section.session is not None and self.section.session.state is state)

    def press(self, *keys: Any, modifier: Any = QtCore.Qt.KeyboardModifier.NoModifier) -> None:
        for key in keys:
            QtTest.QTest.keyClick(self.widget.parent, key, modifier)

    def click(self, position: Any) -> None:
        """Slicer adds a point to the list that waits for one."""
        assert self.is_placing
        selection = slicer.app.applicationLogic().GetSelectionNode()
        slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID()).AddControlPointWorld(list(map(float, position)))
        self._interaction.SwitchToViewTransformMode()

    @property
    def _interaction(self) -> Any:
        return slicer.app.applicationLogic().GetInteractionNode()

    @property
    def is_placing(self) -> bool:
        return self._interaction.GetCurrentInteractionMode() == self._interaction.Place

    @property
    def volume(self) -> Any:
        return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")

    @property
    def red(self) -> Any:
        return slicer.app.layoutManager().sliceWidget("Red")


@pytest.fixture
def reader(scene: Any, tmp_path: Path, wait_until: Any) -> Iterator[Reader]:
    from InstrumentTrackerLib.module.mrml_log_section import FOLDER_SETTING

    slicer.app.userSettings().setValue(FOLDER_SETTING, str(tmp_path / "cases"))
    widget = desktop.load_module(desktop.MODULE_FOLDERS[1] / "InstrumentTracker.py")[2]
    widget.ui.readingCollapsibleButton.collapsed = False
    widget.parent.show()
    yield Reader(widget, wait_until)
    desktop.unload_module("InstrumentTracker")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepared(tmp_path / "readers")


def visible_texts(panel: QtWidgets.QWidget) -> list[str]:
    """Every text that can be read on the panel, tooltips with it."""
    found = []
    for child in panel.findChildren(QtWidgets.QWidget):
        if not child.isVisible():
            continue
        found.append(QtWidgets.QWidget.toolTip(child))
        for name in ("text", "title", "currentText", "placeholderText", "windowTitle"):
            value = QtCore.QObject.property(child, name)
            if isinstance(value, str):
                found.append(value)
    return found


def node_texts(scene: Any) -> list[str]:
    """Names, descriptions, attributes and files of all nodes, and what the views write into their corners."""
    found = []
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        found += [node.GetName() or "", node.GetDescription() or ""]
        for name in node.GetAttributeNames() or ():
            found += [name, node.GetAttribute(name)]
        if node.IsA("vtkMRMLStorableNode") and node.GetStorageNode() is not None:
            found.append(node.GetStorageNode().GetFileName() or "")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return found + [hierarchy.GetItemName(items.GetId(n)) for n in range(items.GetNumberOfIds())]


def test_a_whole_reading_by_keyboard_alone(reader: Reader, folder: Path) -> None:
    reader.begin(folder)
    for number in range(1, COUNT + 1):
        assert reader.ui.readingProgressLabel.text == f"Reading {number} of {COUNT}"
        assert reader.is_placing
        if number % 2:
            reader.press(KEY.Key_Right)
            reader.press(KEY.Key_Left, modifier=SHIFT)
        else:
            reader.press(KEY.Key_N)
        assert not reader.is_placing
        assert not reader.ui.readingNextButton.enabled
        reader.press(KEY.Key_1 + number % 5)
        reader.press(KEY.Key_Return)
        if number == 3:
            assert "Part 1 of 2 is done" in reader.ui.readingTaskLabel.text
            assert reader.volume is None
            reader.press(KEY.Key_P)
        reader.wait_for(ReadingState.FINISHED if number == COUNT else ReadingState.READING)
    assert "All pictures are read" in reader.ui.readingTaskLabel.text
    assert reader.volume is None
    answers = read_answers(folder, read_list(folder, 1))
    assert [answer.picture for answer in answers] == ["4", "2", "6", "1", "5", "3"]
    assert [answer.tip is not None for answer in answers] == [True, False] * 3
    assert [answer.confidence for answer in answers] == [1 + number % 5 for number in range(1, COUNT + 1)]
    # The middle of the middle slice, then ten pixels of 2 mm to the left of the screen: the patient's right.
    np.testing.assert_allclose(answers[0].tip, [60 - 2 * 32 + 20, -17, 70 - 64], atol=1.01)
    assert all(0 < answer.seconds < 20 for answer in answers)


def test_a_click_marks_the_tip_and_the_mark_can_be_moved_and_taken_back(reader: Reader, folder: Path) -> None:
    reader.begin(folder)
    reader.click([5.0, -17.0, 8.0])
    assert reader.section.session.tip == (5.0, -17.0, 8.0)
    assert "How sure" in reader.ui.readingTaskLabel.text
    reader.press(KEY.Key_Up)
    np.testing.assert_allclose(reader.section.session.tip, [5.0, -17.0, 10.0], atol=1e-6)
    reader.press(KEY.Key_Backspace)
    assert reader.section.session.tip is None and reader.is_placing
    reader.press(KEY.Key_N)
    assert reader.ui.readingNotVisibleButton.checked and not reader.is_placing
    reader.press(KEY.Key_N)
    assert not reader.ui.readingNotVisibleButton.checked and reader.is_placing
    reader.click([1.0, -17.0, 2.0])
    node = slicer.mrmlScene.GetFirstNodeByName("Mark")
    node.SetNthControlPointPositionWorld(0, [3.0, -17.0, 2.0])  # dragged
    assert reader.section.session.tip == (3.0, -17.0, 2.0)
    node.RemoveAllControlPoints()
    assert reader.section.session.tip is None


def test_the_picture_fills_one_view_as_it_was_acquired_and_slices_change_by_key(reader: Reader, folder: Path) -> None:
    reader.begin(folder)
    assert slicer.app.layoutManager().sliceViewNames() == ["Red"]
    composite, node = reader.red.mrmlSliceCompositeNode(), reader.red.mrmlSliceNode()
    assert composite.GetBackgroundVolumeID() == reader.volume.GetID()
    assert node.GetOrientation() == "Coronal"
    assert node.GetSliceOffset() == pytest.approx(-17.0)
    for key, offset in ((KEY.Key_PageUp, -14.0), (KEY.Key_PageUp, -14.0), (KEY.Key_PageDown, -17.0)):
        reader.press(key)
        assert node.GetSliceOffset() == pytest.approx(offset)
    display = reader.volume.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == pytest.approx((1000.0, 500.0), rel=1e-3)
    assert not display.GetAutoWindowLevel()


def test_a_scene_with_anything_in_it_is_closed_first_if_the_reader_agrees(
    reader: Reader, folder: Path, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Mueller temporal R = 16")
    questions: list[str] = []
    answer = [False]

    def ask(text: str, *_: Any) -> bool:
        questions.append(text)
        return answer[0]

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", ask)
    reader.section.setFolder(str(folder))
    wait_until(lambda: reader.ui.readingStartButton.enabled)
    reader.ui.readingStartButton.click()
    assert "Close the scene?" in questions[0]
    assert reader.section.session is None and reader.volume is not None
    answer[0] = True
    reader.begin(folder)
    assert len(questions) == 2
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_nothing_on_the_screen_or_in_the_scene_tells_what_is_shown(reader: Reader, folder: Path) -> None:
    reader.ui.caseNameLineEdit.text = "Mueller"
    reader.begin(folder)
    for number in range(COUNT):
        texts = visible_texts(reader.widget.parent) + node_texts(slicer.mrmlScene)
        assert f"Reading {number + 1} of {COUNT}" in texts
        for text in set(texts) - {"TemporalRecon"}:  # the other module's own node bears its name
            for word in (*SECRETS, str(folder).lower()):
                assert word not in text.lower(), text
        reader.press(KEY.Key_N, KEY.Key_3, KEY.Key_Enter)
        if number == 2:
            reader.press(KEY.Key_P)
        reader.wait_for(ReadingState.FINISHED if number == COUNT - 1 else ReadingState.READING)


def test_paused_the_picture_is_nowhere_and_the_mark_comes_back(reader: Reader, folder: Path) -> None:
    reader.begin(folder)
    reader.click([5.0, -17.0, 8.0])
    reader.press(KEY.Key_2, KEY.Key_P)
    assert reader.volume is None and slicer.mrmlScene.GetFirstNodeByName("Mark") is None
    assert reader.red.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None
    assert "Paused" in reader.ui.readingTaskLabel.text
    reader.press(KEY.Key_5, KEY.Key_N, KEY.Key_Return)  # without any effect
    reader.press(KEY.Key_P)
    reader.wait_for(ReadingState.READING)
    assert slicer.util.arrayFromMarkupsControlPoints(slicer.mrmlScene.GetFirstNodeByName("Mark")).tolist() == [
        [5.0, -17.0, 8.0]
    ]
    assert reader.ui.readingConfidenceButton2.checked
    reader.press(KEY.Key_Return)
    reader.wait_for(ReadingState.READING)
    reader.section.end()
    answers = read_answers(folder, read_list(folder, 1))
    assert (answers[0].tip, answers[0].confidence, answers[0].pauses) == ((5.0, -17.0, 8.0), 2, 1)


def test_after_a_restart_it_goes_on_with_the_picture_that_was_open(reader: Reader, folder: Path) -> None:
    reader.begin(folder)
    reader.press(KEY.Key_N, KEY.Key_1, KEY.Key_Return)
    reader.wait_for(ReadingState.READING)
    # As a crash leaves it: the file alone, cut in the middle of a line.
    reader.section.session.answers._journal.wait(5.0)
    path = answers_file(folder, 1)
    kept = path.read_bytes() + b'{"event": "ans'
    reader.ui.readingEndButton.click()
    path.write_bytes(kept)
    assert reader.ui.readingSetupFrame.visible and not reader.ui.readingFrame.visible
    reader.begin(folder)
    assert reader.ui.readingProgressLabel.text == f"Reading 2 of {COUNT}"
    reader.press(KEY.Key_N, KEY.Key_4, KEY.Key_Return)
    reader.wait_for(ReadingState.READING)
    reader.section.end()
    assert [each.seen_before for each in read_answers(folder, read_list(folder, 1))] == [False, True]


def test_leaving_the_panel_or_closing_the_scene_hides_the_picture(reader: Reader, folder: Path) -> None:
    reader.begin(folder)
    reader.widget.parent.exit()
    assert reader.section.session.state is ReadingState.PAUSED and reader.volume is None
    reader.widget.parent.enter()
    reader.press(KEY.Key_P)
    reader.wait_for(ReadingState.READING)
    slicer.mrmlScene.Clear(0)
    assert reader.section.session.state is ReadingState.PAUSED
    reader.press(KEY.Key_P)
    reader.wait_for(ReadingState.READING)
    reader.press(KEY.Key_N, KEY.Key_1, KEY.Key_Return)
    reader.wait_for(ReadingState.READING)
    assert reader.ui.readingProgressLabel.text == f"Reading 2 of {COUNT}"


def test_while_guidance_runs_nothing_is_read(
    reader: Reader, folder: Path, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(reader.widget, "pause")
    reader.ui.portSpinBox.value = port
    reader.begin(folder)
    reader.widget.onStart()
    wait_until(lambda: reader.section.session.state is ReadingState.PAUSED)
    assert "Guidance is running" in reader.ui.readingStatusLabel.text
    reader.press(KEY.Key_P)
    assert reader.section.session.state is ReadingState.PAUSED
    reader.widget.onStop()
    wait_until(lambda: not reader.widget.logic.session.status.state.is_active)
    reader.press(KEY.Key_P)
    reader.wait_for(ReadingState.READING)


def test_other_sections_fold_for_the_reading_and_layout_and_sections_come_back(reader: Reader, folder: Path) -> None:
    before = slicer.app.layoutManager().layout
    reader.ui.planCollapsibleButton.collapsed = False
    reader.begin(folder)
    assert reader.ui.planCollapsibleButton.collapsed
    assert not reader.ui.readingCollapsibleButton.collapsed
    reader.ui.readingEndButton.click()
    assert not reader.ui.planCollapsibleButton.collapsed
    assert slicer.app.layoutManager().layout == before


@pytest.mark.parametrize("damage", ["no reading", "other answers", "missing picture"])
def test_what_is_wrong_is_said_and_start_works_again(
    reader: Reader, folder: Path, tmp_path: Path, wait_until: Any, damage: str
) -> None:
    label = reader.ui.readingStatusLabel
    if damage == "no reading":
        (tmp_path / "empty").mkdir()
        reader.section.setFolder(str(tmp_path / "empty"))
        wait_until(lambda: "no reading in it" in label.text)
        assert not reader.ui.readingStartButton.enabled
    elif damage == "other answers":
        answers_file(folder, 1).write_text(json.dumps({"event": "reading", "format": 1, "reading": "r0"}) + "\n")
        reader.section.setFolder(str(folder))
        wait_until(lambda: reader.ui.readingStartButton.enabled)
        reader.ui.readingStartButton.click()
        wait_until(lambda: "of another reading" in label.text)
        assert reader.section.session is None
        answers_file(folder, 1).unlink()
    else:
        path = picture_file(folder, "2")
        path.rename(tmp_path / "2.nrrd")
        reader.begin(folder)
        reader.press(KEY.Key_N, KEY.Key_1, KEY.Key_Return)
        reader.wait_for(ReadingState.PAUSED)
        assert "2.nrrd: is missing" in label.text
        (tmp_path / "2.nrrd").rename(path)
        reader.press(KEY.Key_P)
        reader.wait_for(ReadingState.READING)
        return
    reader.begin(folder)


def test_the_next_picture_waits_until_the_answer_is_on_disk(
    reader: Reader, folder: Path, app: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from InstrumentTrackerLib.case_log import journal

    reader.begin(folder)
    wait_until(lambda: not reader.section.session.answers.n_unsaved)
    write, is_full = journal.append_line, [True]

    def append(path: Path, line: str) -> None:
        if is_full[0]:
            raise OSError(28, "No space left on device")
        write(path, line)

    monkeypatch.setattr(journal, "append_line", append)
    monkeypatch.setattr(journal, "RETRY_S", 0.05)
    reader.press(KEY.Key_N, KEY.Key_1, KEY.Key_Return)
    wait_until(lambda: "No space left on device" in reader.ui.readingStatusLabel.text)
    assert reader.section.session.state is ReadingState.WAITING and reader.volume is None
    is_full[0] = False
    reader.wait_for(ReadingState.READING)
    assert len(read_answers(folder, read_list(folder, 1))) == 1
