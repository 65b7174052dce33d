"""Whatever goes wrong ends in a clear state from which Start works again, and leaves nothing behind.

Every test clicks the panel's own buttons. The engine is a real process that keeps the engine's contract; where the
engine's own behavior matters it is the real engine.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import slicer
import vtk
from standins import desktop
from TemporalReconLib.engine_client.session import SessionState
from TemporalReconLib.scene.mrml_nodes import ROLE

STATE_WORDS = {
    SessionState.STOPPED: "Stopped",
    SessionState.RUNNING: "Running",
    SessionState.STALLED: "Stalled",
    SessionState.FAILED: "Failed",
}
REAL_ENGINE_S = 200.0


@pytest.fixture(params=["recon", "tracker"])
def panel(request: pytest.FixtureRequest) -> Any:
    """The widget of each module in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch, errors_in_callbacks: list[BaseException]) -> Iterator[list[str]]:
    """Error boxes as the user sees them; the exceptions behind them are theirs, no others."""
    shown: list[str] = []
    monkeypatch.setattr(type(slicer.app), "testingEnabled", lambda self: False)
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, **_: shown.append(text))
    yield shown
    assert [str(error) in "\n".join(shown) for error in errors_in_callbacks] == [True] * len(shown)
    errors_in_callbacks.clear()


@pytest.fixture
def press(use_small_engine: Any, wait_until: Any, port: int) -> Any:
    """Clicks Start with an engine of some manner, and waits for a state."""

    class Press:
        def start(self, panel: Any, manner: str) -> None:
            use_small_engine(panel, manner)
            panel.ui.portSpinBox.value = port
            assert panel.ui.startButton.enabled
            panel.ui.startButton.click()

        def until(self, panel: Any, state: SessionState, timeout_s: float = 20.0) -> str:
            wait_until(lambda: STATE_WORDS[state] in panel.ui.stateLabel.text, timeout_s)
            return str(panel.ui.stateLabel.text)

        def start_works(self, panel: Any) -> None:
            """The end of every test: the next session is a good one, and Stop ends it."""
            self.start(panel, "pictures")
            self.until(panel, SessionState.RUNNING)
            panel.ui.stopButton.click()
            self.until(panel, SessionState.STOPPED)
            assert panel.ui.startButton.enabled and not panel.ui.stopButton.enabled

    return Press()


@pytest.fixture(autouse=True)
def nothing_stays_behind(app: Any, wait_until: Any) -> Iterator[None]:
    """Processes and threads of a test are gone soon after it."""
    threads = set(threading.enumerate())
    yield
    wait_until(lambda: not engines(), 10.0)
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread not in threads], 10.0)


def engines() -> list[psutil.Process]:
    """Engine processes of this one that still run; other tests may have left helpers of Python behind."""
    return [child for child in psutil.Process().children(recursive=True) if is_engine(child)]


def is_engine(process: psutil.Process) -> bool:
    try:
        return any("engine" in part for part in process.cmdline())  # a zombie has no command line
    except psutil.Error:
        return False


def scene_nodes() -> set[str]:
    """Ids of all nodes but Slicer's own subject hierarchy, which comes and goes with others."""
    nodes = [slicer.mrmlScene.GetNthNode(index) for index in range(slicer.mrmlScene.GetNumberOfNodes())]
    return {node.GetID() for node in nodes if not node.IsA("vtkMRMLSubjectHierarchyNode")}


def scene_roles() -> Counter[str]:
    """How many nodes have each of our roles."""
    nodes = [slicer.mrmlScene.GetNthNode(index) for index in range(slicer.mrmlScene.GetNumberOfNodes())]
    return Counter(node.GetAttribute(ROLE) for node in nodes if node.GetAttribute(ROLE))


def observers(thing: Any) -> int:
    """How many observers a node or the scene has, as VTK prints them."""
    return str(thing).count("vtkObserver (")


def add_target(position: tuple[float, float, float] = (4.0, 6.0, 33.0)) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Lesion")
    node.AddControlPointWorld(vtk.vtkVector3d(*position))
    return node


def test_a_missing_weights_file_is_named_and_nothing_starts(panel: Any, boxes: list[str], press: Any) -> None:
    panel.ui.weightsPathLineEdit.currentPath = "/no/such/weights.safetensors"
    panel.ui.startButton.click()
    assert "/no/such/weights.safetensors: no such weights file" in boxes[0]
    assert "choose another or leave it empty" in boxes[0]
    assert "Stopped" in panel.ui.stateLabel.text
    assert not engines()
    panel.ui.weightsPathLineEdit.currentPath = ""
    press.start_works(panel)


def test_a_picture_that_cannot_be_shown_stops_the_engine_with_one_box(
    panel: Any, boxes: list[str], press: Any, monkeypatch: pytest.MonkeyPatch, errors_in_callbacks: list[BaseException]
) -> None:
    press.start(panel, "pictures")

    def fail(settings: Any) -> None:
        raise RuntimeError("no room for the picture")

    with monkeypatch.context() as broken:
        broken.setattr(panel.logic, "update", fail)
        press.until(panel, SessionState.STOPPED)
    assert len(boxes) == 1 and "no room for the picture" in boxes[0]
    press.start_works(panel)


def test_a_host_where_nobody_listens_can_be_given_up(panel: Any, press: Any, port: int, wait_until: Any) -> None:
    panel.ui.hostLineEdit.text = "127.0.0.2"
    panel.ui.portSpinBox.value = port
    panel.ui.startButton.click()
    wait_until(lambda: "connecting" in panel.ui.stateLabel.text)
    assert not engines(), "an engine of another computer is not started here"
    panel.ui.stopButton.click()
    press.until(panel, SessionState.STOPPED)
    panel.ui.hostLineEdit.text = "127.0.0.1"
    press.start_works(panel)


@pytest.mark.slow
def test_a_port_that_is_taken_is_named(recon: Any, press: Any, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        recon.ui.portSpinBox.value = port
        recon.ui.methodComboBox.currentText = "zero-filled"
        recon.ui.startButton.click()
        text = press.until(recon, SessionState.FAILED, REAL_ENGINE_S)
    assert str(port) in text
    assert "<br>" in text, "what to do stands below what is wrong"
    press.start_works(recon)


@pytest.mark.skipif(os.name == "nt", reason="uses SIGKILL")
def test_an_engine_that_is_killed_is_reported_and_can_be_started_again(panel: Any, press: Any) -> None:
    press.start(panel, "pictures")
    press.until(panel, SessionState.RUNNING)
    os.kill(panel.logic.session.process.process_id, signal.SIGKILL)
    text = press.until(panel, SessionState.FAILED)
    assert "SIGKILL" in text
    assert panel.ui.startButton.enabled
    press.start_works(panel)


def test_a_scanner_that_stops_mid_series_is_called_stalled_and_what_is_shown_is_no_longer_live(
    panel: Any, press: Any
) -> None:
    press.start(panel, "pause")
    text = press.until(panel, SessionState.STALLED)
    assert "no picture for" in text
    assert panel.ui.stopButton.enabled
    panel.ui.stopButton.click()
    press.until(panel, SessionState.STOPPED)
    press.start_works(panel)


def test_closing_the_scene_while_running_ends_the_session(panel: Any, press: Any) -> None:
    views = slicer.app.layoutManager()  # in the desktop all views are there before a module is opened
    for name in views.sliceViewNames():
        views.sliceWidget(name).sliceView().renderWindow()
    views.threeDWidget(0).threeDView().renderWindow()
    before = scene_nodes()
    press.start(panel, "pictures")
    press.until(panel, SessionState.RUNNING)
    slicer.mrmlScene.Clear(0)
    press.until(panel, SessionState.STOPPED)
    assert scene_nodes() <= before
    press.start_works(panel)


def test_closing_the_scene_twice_while_starting_leaves_one_panel_that_works(panel: Any, press: Any) -> None:
    press.start(panel, "pictures")
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.Clear(0)
    press.until(panel, SessionState.STOPPED)
    press.start_works(panel)


def test_start_and_stop_in_quick_succession_leave_one_state(panel: Any, press: Any) -> None:
    for _ in range(2):
        press.start(panel, "pictures")
        panel.ui.stopButton.click()
        press.until(panel, SessionState.STOPPED)
    press.start_works(panel)


def test_two_sessions_use_the_same_nodes(panel: Any, press: Any, wait_until: Any) -> None:
    def play() -> None:
        press.start(panel, "pictures")
        wait_until(lambda: panel.logic.session.status.n_frames > 5)
        if hasattr(panel.ui, "statusLabel"):
            wait_until(lambda: "TRACKED" in panel.ui.statusLabel.text)
        panel.ui.stopButton.click()
        press.until(panel, SessionState.STOPPED)

    play()  # the views make nodes of their own with the first picture
    play()
    before, roles = scene_nodes(), scene_roles()
    play()
    new_roles = scene_roles() - roles  # what a picture shows first in this session has its first node
    assert before <= scene_nodes() and len(scene_nodes() - before) == sum(new_roles.values())
    assert not set(new_roles) & set(roles)


def test_reloading_the_module_while_running_leaves_one_panel_and_no_engine(panel: Any, press: Any) -> None:
    name = panel.moduleName
    press.start(panel, "pictures")
    press.until(panel, SessionState.RUNNING)
    panel.onReload()
    assert not engines()
    fresh = getattr(slicer.modules, f"{name}Widget")
    assert fresh is not panel
    assert "Stopped" in fresh.ui.stateLabel.text
    assert panel.Observations == []
    press.start_works(fresh)


@pytest.mark.parametrize("folder", desktop.MODULE_FOLDERS, ids=lambda folder: folder.name)
def test_quitting_while_running_ends_engine_threads_and_observers(
    scene: Any, use_small_engine: Any, wait_until: Any, port: int, folder: Path
) -> None:
    """As Slicer quits: modules are told, then their widgets go."""
    counts = []
    for _ in range(3):  # the first times make views and nodes that Slicer keeps
        target = add_target()
        widget = desktop.load_module(folder / f"{folder.name}.py")[2]
        use_small_engine(widget, "pictures")
        if hasattr(widget.ui, "targetSelector"):
            widget.ui.targetSelector.setCurrentNode(target)
        widget.ui.portSpinBox.value = port
        widget.ui.startButton.click()
        wait_until(lambda widget=widget: "Running" in widget.ui.stateLabel.text)
        begin = time.monotonic()
        desktop.unload_module(folder.name)
        assert time.monotonic() - begin < 5.0
        assert not engines()
        assert observers(target) == 0
        slicer.mrmlScene.Clear(0)
        counts.append({node_id: observers(slicer.mrmlScene.GetNodeByID(node_id)) for node_id in scene_nodes()})
        counts[-1]["scene"] = observers(slicer.mrmlScene)
    assert counts[2] == counts[1]


def test_undo_takes_back_what_the_user_did_and_not_the_live_pictures(panel: Any, press: Any, wait_until: Any) -> None:
    scene = slicer.mrmlScene
    scene.SetUndoOn()
    try:
        target = add_target()
        target.SetUndoEnabled(True)
        press.start(panel, "pictures")
        press.until(panel, SessionState.RUNNING)
        scene.SaveStateForUndo()
        target.SetNthControlPointPositionWorld(0, 7.0, 7.0, 7.0)
        before = scene_nodes()
        scene.Undo()
        assert scene_nodes() == before
        n_frames = panel.logic.session.status.n_frames
        wait_until(lambda: panel.logic.session.status.n_frames > n_frames)
        assert "Running" in panel.ui.stateLabel.text
        own = [scene.GetNodeByID(node_id) for node_id in before]
        assert [node.GetName() for node in own if node.GetUndoEnabled()] == ["Lesion"]
        panel.ui.stopButton.click()
        press.until(panel, SessionState.STOPPED)
    finally:
        scene.ClearUndoStack()
        scene.SetUndoOff()


def test_a_target_deleted_while_tracking_takes_its_numbers_along(tracker: Any, press: Any, wait_until: Any) -> None:
    target = add_target()
    tracker.ui.targetSelector.setCurrentNode(target)
    press.start(tracker, "pictures")
    wait_until(lambda: tracker.ui.verdictLabel.text != "")
    slicer.mrmlScene.RemoveNode(target)
    wait_until(lambda: tracker.ui.verdictLabel.text == "")
    assert tracker.ui.targetSelector.currentNode() is None
    press.until(tracker, SessionState.RUNNING)
    tracker.ui.targetSelector.setCurrentNode(add_target((1.0, 2.0, 33.0)))
    wait_until(lambda: tracker.ui.verdictLabel.text != "")
    tracker.ui.stopButton.click()
    press.until(tracker, SessionState.STOPPED)
    press.start_works(tracker)


def test_the_picture_deleted_while_running_comes_back(recon: Any, press: Any, wait_until: Any) -> None:
    press.start(recon, "pictures")
    press.until(recon, SessionState.RUNNING)
    wait_until(lambda: recon._parameterNode.outputVolume is not None)
    slicer.mrmlScene.RemoveNode(recon._parameterNode.outputVolume)
    wait_until(lambda: recon._parameterNode.outputVolume is not None)
    press.until(recon, SessionState.RUNNING)
    recon.ui.stopButton.click()
    press.until(recon, SessionState.STOPPED)
    press.start_works(recon)


@pytest.mark.slow
def test_an_output_folder_that_vanishes_while_recording_is_told_and_pictures_go_on(
    recon: Any, press: Any, wait_until: Any, port: int, tmp_path: Path
) -> None:
    slicer.mrmlScene.GetCacheManager().SetRemoteCacheDirectory(str(tmp_path / "cache"))
    folder = tmp_path / "recording"
    folder.mkdir()
    recon.ui.demoButton.click()
    recon.ui.loopCheckBox.click()
    recon.ui.methodComboBox.currentText = "zero-filled"
    recon.ui.recordFolderLineEdit.currentPath = str(folder)
    recon.ui.recordCheckBox.click()
    recon.ui.portSpinBox.value = port
    recon.ui.startButton.click()
    assert "no folder" not in recon.ui.recordStateLabel.text
    press.until(recon, SessionState.RUNNING, REAL_ENGINE_S)
    wait_until(lambda: "MB" in recon.ui.recordStateLabel.text and any(folder.iterdir()))
    shutil.rmtree(folder)
    wait_until(lambda: "stopped" in recon.ui.recordStateLabel.text)
    n_frames = recon.logic.session.status.n_frames
    wait_until(lambda: recon.logic.session.status.n_frames > n_frames)
    recon.ui.stopButton.click()
    press.until(recon, SessionState.STOPPED)
    assert recon.ui.startButton.enabled
