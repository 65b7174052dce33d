"""The sections of the Temporal Recon panel: what each control does, and what each line says."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import small_engine
from PySide6 import QtWidgets
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import METHOD_NAMES


@pytest.fixture
def run(recon: Any, use_small_engine: Any, wait_until: Any, port: int) -> Any:
    """Start the panel with an engine of some manner and wait for a word in the state line."""

    def start(manner: str, word: str) -> Any:
        use_small_engine(recon, manner)
        recon.ui.portSpinBox.value = port
        recon.ui.startButton.click()
        wait_until(lambda: word in recon.ui.stateLabel.text)
        return recon

    return start


def log_of(recon: Any) -> str:
    return "\n".join(recon.logic.session.process.log_tail)


# Reconstruction


def test_each_method_says_what_it_is_and_which_weights_it_takes(recon: Any) -> None:
    for name in METHOD_NAMES:
        recon.ui.methodComboBox.currentText = name
        assert recon.ui.methodHintLabel.text and recon.ui.weightsLabel.text
    recon.ui.methodComboBox.currentText = "temporal"
    assert recon.ui.weightsLabel.text == "come with the extension"
    card = recon.ui.modelCardBrowser.toPlainText()
    assert "Research software, not a medical device" in card and "SHA256" in card
    recon.ui.methodComboBox.currentText = "zero-filled"
    assert recon.ui.weightsLabel.text == "none: this method needs no training"
    assert not recon.ui.modelCardCollapsibleButton.enabled
    assert recon.ui.modelCardBrowser.toPlainText() == ""


def test_weights_of_ones_own_show_their_name_and_their_own_card(recon: Any, tmp_path: Path) -> None:
    weights = tmp_path / "mine" / "models" / "model.safetensors"
    (tmp_path / "mine" / "docs").mkdir(parents=True)
    weights.parent.mkdir()
    weights.touch()
    recon.ui.weightsPathLineEdit.currentPath = str(weights)
    assert recon.ui.weightsLabel.text == "model.safetensors"
    assert not recon.ui.modelCardCollapsibleButton.enabled
    (tmp_path / "mine" / "docs" / "README.md").write_text("# Mine\n\nTrained at home.\n", encoding="utf-8")
    recon.ui.weightsPathLineEdit.currentPath = ""
    recon.ui.weightsPathLineEdit.currentPath = str(weights)
    assert "Trained at home." in recon.ui.modelCardBrowser.toPlainText()


def test_the_device_that_was_found_is_told_with_its_free_memory(run: Any, wait_until: Any) -> None:
    recon = run("pictures", "Running")
    wait_until(lambda: recon.ui.deviceFoundLabel.text == "cuda:0 NVIDIA H200, 138.2 GB free")


def test_the_planning_scan_is_sent_with_its_geometry_and_again_to_a_restarted_engine(
    recon: Any, run: Any, wait_until: Any
) -> None:
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T2")
    slicer.util.updateVolumeFromArray(volume, np.ones((3, 8, 9), np.int16))
    volume.SetOrigin(1.0, 2.0, 3.0)
    run("silent", "Waiting")
    recon.ui.planningVolumeSelector.setCurrentNode(volume)
    wait_until(lambda: "planning (3, 8, 9) [1.0, 2.0, 3.0]" in log_of(recon))
    recon.ui.stopButton.click()
    wait_until(lambda: "Stopped" in recon.ui.stateLabel.text)
    recon.ui.startButton.click()
    wait_until(lambda: "planning (3, 8, 9)" in log_of(recon))


# Run


def test_a_start_shows_its_steps_in_order_and_can_be_cancelled_at_once(run: Any, recon: Any, wait_until: Any) -> None:
    run("slow", "Starting")
    bar = recon.ui.startUpProgressBar
    assert bar.isVisibleTo(recon.parent)
    wait_until(lambda: bar.format == "Step 1 of 4: checking the environment")
    wait_until(lambda: bar.format == "Step 2 of 4: loading the weights")
    assert (bar.value, bar.maximum) == (1, 4)
    begin = time.monotonic()
    recon.ui.stopButton.click()
    wait_until(lambda: "Stopped" in recon.ui.stateLabel.text)
    assert time.monotonic() - begin < 3.0
    assert not bar.isVisibleTo(recon.parent)
    assert recon.ui.startButton.enabled


def test_the_log_is_shown_when_unfolded_and_can_be_copied(run: Any, wait_until: Any) -> None:
    recon = run("pictures", "Running")
    assert recon.ui.logTextEdit.plainText == ""
    recon.ui.logCollapsibleButton.click()
    assert "step 4/4: listening" in recon.ui.logTextEdit.plainText
    assert Path(recon.ui.logPathLabel.text).read_text(encoding="utf-8").startswith("arguments")
    recon.ui.copyLogButton.click()
    assert "step 1/4: environment" in QtWidgets.QApplication.clipboard().text()


def test_reset_is_sent_and_its_answer_is_told(run: Any, wait_until: Any) -> None:
    recon = run("pictures", "Running")
    recon.ui.resetButton.click()
    wait_until(lambda: "command CMD_RESET" in log_of(recon))
    wait_until(lambda: recon.ui.answerLabel.text == "Reset: the series begins afresh")


def test_two_sessions_in_a_row_work_alike(run: Any, wait_until: Any) -> None:
    recon = run("pictures", "Running")
    wait_until(lambda: recon._parameterNode.outputVolume is not None)
    for name in slicer.app.layoutManager().sliceViewNames():
        slicer.app.layoutManager().sliceWidget(name).sliceView().renderWindow()  # the desktop has its views already
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    recon.ui.stopButton.click()
    wait_until(lambda: "Stopped" in recon.ui.stateLabel.text)
    recon.ui.startButton.click()
    wait_until(lambda: slicer.util.arrayFromVolume(recon._parameterNode.outputVolume).any())
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes


# Monitor


def test_a_picture_that_no_other_follows_is_tinted_and_labelled_until_the_next(
    run: Any, recon: Any, wait_until: Any
) -> None:
    run("pause", "Running")
    wait_until(lambda: recon._parameterNode.outputVolume is not None)
    node = recon._parameterNode.outputVolume
    display = node.GetDisplayNode()
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
    assert "live, 0." in recon.ui.pictureLabel.text
    wait_until(lambda: "not live" in recon.ui.pictureLabel.text)
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeYellow"
    wait_until(lambda: float(node.GetAttribute("TR.Age_s")) > 1.0)
    recon.ui.stopButton.click()
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
    assert not slicer.util.arrayFromVolume(node).any()


def test_the_stale_picture_stays_marked_when_the_engine_is_gone_for_good(run: Any, recon: Any, wait_until: Any) -> None:
    run("pause", "Stalled")
    recon.logic.session.link.close()
    age = float(recon._parameterNode.outputVolume.GetAttribute("TR.Age_s"))
    wait_until(lambda: float(recon._parameterNode.outputVolume.GetAttribute("TR.Age_s")) > age + 0.3)
    assert "not live" in recon.ui.pictureLabel.text


def test_the_views_themselves_say_that_the_picture_is_not_live(run: Any, recon: Any, wait_until: Any) -> None:
    run("pause", "Running")
    wait_until(lambda: recon._parameterNode.outputVolume is not None)
    manager = slicer.app.layoutManager()
    views = [manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()]

    def n_texts() -> list[int]:
        props = [view.renderWindow().GetRenderers().GetFirstRenderer().GetViewProps() for view in views]
        return [
            sum(items.GetItemAsObject(i).IsA("vtkTextActor") for i in range(items.GetNumberOfItems()))
            for items in props
        ]

    before = n_texts()
    wait_until(lambda: "not live" in recon.ui.pictureLabel.text)
    wait_until(lambda: n_texts() == [number + 1 for number in before])
    recon.ui.stopButton.click()
    assert n_texts() == before


def test_a_picture_of_an_earlier_session_is_not_taken_for_live(run: Any, recon: Any, wait_until: Any) -> None:
    volume = recon.ui.outputVolumeSelector.addNode()
    slicer.util.updateVolumeFromArray(volume, np.ones((2, 8, 8), np.float32))
    volume.CreateDefaultDisplayNodes()
    run("silent", "Waiting")
    wait_until(lambda: volume.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeYellow")


def test_changing_the_window_in_a_view_locks_it_and_unlocking_follows_again(
    run: Any, recon: Any, wait_until: Any
) -> None:
    run("pictures", "Running")
    wait_until(lambda: recon._parameterNode.outputVolume is not None)
    display = recon._parameterNode.outputVolume.GetDisplayNode()
    display.SetWindowLevel(10.0, 5.0)
    wait_until(lambda: recon.ui.windowLockedCheckBox.checked)
    assert display.GetWindow() == 10.0
    recon.ui.windowLockedCheckBox.click()
    wait_until(lambda: display.GetWindow() > 1000.0)


def test_the_latency_plot_appears_with_the_pictures(run: Any, recon: Any, wait_until: Any) -> None:
    assert not recon.ui.latencyPlotLabel.isVisibleTo(recon.parent)
    recon.parent.resize(440, 900)
    recon.parent.show()
    run("pictures", "Running")
    wait_until(lambda: recon.ui.latencyPlotLabel.isVisibleTo(recon.parent))
    wait_until(lambda: not QtWidgets.QLabel.pixmap(recon.ui.latencyPlotLabel).isNull())


# Record


def test_raw_data_go_to_the_folder_and_are_switched_without_naming_it(
    run: Any, recon: Any, wait_until: Any, tmp_path: Path
) -> None:
    recon.ui.recordFolderLineEdit.currentPath = str(tmp_path)
    run("pictures", "Running")
    assert f"'--record', '{tmp_path}', '--record-paused'" in log_of(recon)
    recon.ui.recordCheckBox.click()
    wait_until(lambda: 'command CMD_RECORD {"record": true}' in log_of(recon))
    wait_until(lambda: "120.4 GB free" in recon.ui.recordStateLabel.text)
    recon.ui.recordCheckBox.click()
    wait_until(lambda: 'command CMD_RECORD {"record": false}' in log_of(recon))
    assert str(tmp_path) not in log_of(recon).split("arguments", 1)[1].split("\n", 1)[1]


def test_recording_without_a_folder_is_refused_before_anything_starts(recon: Any) -> None:
    recon.ui.recordCheckBox.click()
    with pytest.raises(InputError, match="no folder is chosen"):
        recon.onStart()
    assert "Stopped" in recon.ui.stateLabel.text


def test_pictures_are_recorded_played_and_saved(run: Any, recon: Any, wait_until: Any, tmp_path: Path) -> None:
    run("pictures", "Running")
    recon.ui.recordPicturesButton.click()
    wait_until(lambda: recon.logic.recorder.n_frames >= 5)
    recon.ui.recordPicturesButton.click()
    n_frames = recon.logic.recorder.n_frames
    wait_until(lambda: recon.ui.sequenceLabel.text.startswith(f"{n_frames} pictures"))
    first = recon.logic.recorder.node.GetNthDataNode(0)
    index = int(first.GetAttribute("TR.FrameIndex"))
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(first), small_engine.picture(index))
    recon.ui.playSequenceButton.click()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode") == 1
    recon.ui.sequencePathLineEdit.currentPath = str(tmp_path / "biopsy")
    recon.ui.saveSequenceButton.click()
    assert (tmp_path / "biopsy.seq.nrrd").stat().st_size > n_frames * small_engine.picture(0).nbytes / 100
    assert recon.ui.sequenceLabel.text == f"saved: {tmp_path / 'biopsy.seq.nrrd'}"


# Settings


def test_connection_and_folders_are_found_again_in_the_next_scene(
    run: Any, recon: Any, wait_until: Any, port: int, tmp_path: Path
) -> None:
    recon.ui.recordFolderLineEdit.currentPath = str(tmp_path)
    run("pictures", "Running")
    slicer.mrmlScene.Clear(0)
    wait_until(lambda: "Stopped" in recon.ui.stateLabel.text)
    assert recon.ui.portSpinBox.value == port
    assert recon.ui.recordFolderLineEdit.currentPath == str(tmp_path)
    assert recon.logic.getParameterNode().recordFolder == str(tmp_path)


def test_a_saved_scene_brings_the_settings_and_the_output_volume_back(
    recon: Any, wait_until: Any, tmp_path: Path
) -> None:
    recon.ui.methodComboBox.currentText = "sliding-window"
    recon.ui.portSpinBox.value = 18955
    recon.ui.recordFolderLineEdit.currentPath = "/recordings"
    recon.ui.weightsPathLineEdit.currentPath = "/my.pt"
    recon.ui.windowLockedCheckBox.checked = True
    recon.ui.outputVolumeSelector.addNode().SetName("Live here")
    scene_file = tmp_path / "scene.mrml"
    slicer.mrmlScene.SetURL(str(scene_file))
    assert slicer.mrmlScene.Commit()
    slicer.mrmlScene.Clear(0)
    sys.modules["qt"].QSettings().clear()  # type: ignore[attr-defined]
    assert recon.ui.methodComboBox.currentText == "temporal"
    slicer.mrmlScene.SetURL(str(scene_file))
    slicer.mrmlScene.Import()
    assert recon.ui.methodComboBox.currentText == "sliding-window"
    assert recon.ui.portSpinBox.value == 18955
    assert recon.ui.recordFolderLineEdit.currentPath == "/recordings"
    assert recon.ui.weightsPathLineEdit.currentPath == "/my.pt"
    assert recon.ui.windowLockedCheckBox.checked
    assert recon.ui.outputVolumeSelector.currentNode().GetName() == "Live here"
