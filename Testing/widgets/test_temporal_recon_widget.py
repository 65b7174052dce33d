"""The Temporal Recon panel: settings, Start and Stop, and what it tells the user."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
import pytest
import slicer
import small_engine
import vtk
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine_client.session import SessionState
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import validated_ijk_to_ras
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.frames import kspace_envelope


def state_of(widget: Any) -> SessionState:
    state: SessionState = widget.logic.session.status.state
    return state


def test_a_fresh_panel_says_stopped_and_offers_start_only(recon: Any) -> None:
    assert "Stopped" in recon.ui.stateLabel.text
    assert recon.ui.startButton.enabled
    assert not recon.ui.stopButton.enabled
    assert recon.ui.portSpinBox.value == 18944
    assert recon.ui.noticeLabel.text == "Research software, not a medical device"


def test_settings_go_from_widgets_to_the_scene_and_back(recon: Any) -> None:
    node = recon.logic.getParameterNode().parameterNode
    recon.ui.portSpinBox.value = 18955
    recon.ui.scannerLineEdit.text = "10.0.0.5"
    recon.ui.methodComboBox.currentText = "zero-filled"
    recon.ui.weightsPathLineEdit.currentPath = "/somewhere/weights.pt"
    assert node.GetParameter("enginePort") == "18955"
    assert node.GetParameter("scannerAddress") == "10.0.0.5"
    assert node.GetParameter("method") == "zero-filled"
    assert node.GetParameter("weightsPath") == "/somewhere/weights.pt"
    node.SetParameter("enginePort", "18966")
    node.SetParameter("device", "cpu")
    assert recon.ui.portSpinBox.value == 18966
    assert recon.ui.deviceComboBox.currentText == "cpu"


def test_only_volumes_made_for_live_pictures_are_offered_as_output(recon: Any) -> None:
    planning = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T2 planning")
    assert recon.ui.outputVolumeSelector.nodeCount() == 0
    live = recon.ui.outputVolumeSelector.addNode()
    assert recon.ui.outputVolumeSelector.nodeCount() == 1
    assert recon._parameterNode.outputVolume is live
    assert planning.GetImageData() is None


def test_pictures_arrive_with_pixels_geometry_and_counters(
    recon: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(recon, "pictures")
    recon.ui.portSpinBox.value = port
    recon.onStart()
    assert "Starting" in recon.ui.stateLabel.text
    assert not recon.ui.startButton.enabled
    assert not recon.ui.portSpinBox.enabled
    wait_until(lambda: "Running" in recon.ui.stateLabel.text)
    node = recon._parameterNode.outputVolume
    pixels = slicer.util.arrayFromVolume(node)
    index = int(node.GetAttribute("TR.FrameIndex"))
    np.testing.assert_array_equal(pixels, small_engine.picture(index))
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(_ijk_to_ras(node)), small_engine.GEOMETRY)
    assert recon.ui.outputVolumeSelector.currentNode() is node
    assert "live" in recon.ui.pictureLabel.text
    wait_until(lambda: "1 skipped, 1 lost" in recon.ui.framesLabel.text)
    assert recon.ui.latencyLabel.text == "12 ms median, 31 ms 95th percentile"
    recon.onStop()
    assert not pixels.any(), "the last picture must not look live after Stop"
    wait_until(lambda: "Stopped" in recon.ui.stateLabel.text)
    assert recon.ui.startButton.enabled


def test_the_selected_output_volume_gets_the_pictures(
    recon: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(recon, "pictures")
    chosen = recon.ui.outputVolumeSelector.addNode()
    recon.ui.portSpinBox.value = port
    recon.onStart()
    wait_until(lambda: chosen.GetImageData() is not None)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert recon._parameterNode.outputVolume is chosen


def test_a_stream_that_stops_is_called_stalled_with_a_reason(
    recon: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(recon, "pause")
    recon.ui.portSpinBox.value = port
    recon.onStart()
    wait_until(lambda: "Stalled" in recon.ui.stateLabel.text)
    assert "no picture for" in recon.ui.stateLabel.text
    assert "Check that the scanner still sends" in recon.ui.stateLabel.text
    assert recon.ui.stopButton.enabled


def test_an_engine_that_crashes_is_reported_with_reason_and_advice_and_can_be_started_again(
    recon: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(recon, "crash")
    recon.ui.portSpinBox.value = port
    recon.onStart()
    wait_until(lambda: "Failed" in recon.ui.stateLabel.text)
    assert "out of memory" in recon.ui.stateLabel.text
    assert "Choose device cpu" in recon.ui.stateLabel.text
    assert recon.ui.startButton.enabled
    os.environ["SMALL_ENGINE_MANNER"] = "pictures"
    recon.onStart()
    wait_until(lambda: "Running" in recon.ui.stateLabel.text)


@pytest.mark.skipif(os.name == "nt", reason="uses SIGKILL")
def test_an_engine_killed_by_the_system_is_reported(
    recon: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(recon, "pictures")
    recon.ui.portSpinBox.value = port
    recon.onStart()
    wait_until(lambda: "Running" in recon.ui.stateLabel.text)
    os.kill(recon.logic.session.process.process_id, signal.SIGKILL)
    wait_until(lambda: "Failed" in recon.ui.stateLabel.text)
    assert "SIGKILL" in recon.ui.stateLabel.text


def test_bad_settings_show_the_engines_own_words(recon: Any, use_small_engine: Any, wait_until: Any) -> None:
    use_small_engine(recon, "refuse")
    recon.onStart()
    wait_until(lambda: "Failed" in recon.ui.stateLabel.text)
    assert "unknown method &#x27;magic&#x27;" in recon.ui.stateLabel.text
    assert "Correct the setting" in recon.ui.stateLabel.text


def test_settings_reach_the_engines_command_line(recon: Any, use_small_engine: Any, wait_until: Any, port: int) -> None:
    use_small_engine(recon, "pictures")
    recon.ui.portSpinBox.value = port
    recon.ui.scannerLineEdit.text = " 10.0.0.5 "
    recon.ui.methodComboBox.currentText = "sliding-window"
    recon.ui.deviceComboBox.currentText = "cpu"
    recon.onStart()
    wait_until(lambda: recon.logic.session.process.log_tail)
    expected = ["serve", "--port", str(port), "--method", "sliding-window", "--device", "cpu"]
    expected += ["--host", "0.0.0.0", "--allow", "10.0.0.5", "--allow", "127.0.0.1"]
    assert recon.logic.session.process.log_tail[0] == f"arguments {expected}"


def test_a_missing_weights_file_is_refused_before_anything_starts(recon: Any) -> None:
    recon.ui.weightsPathLineEdit.currentPath = "/no/such/weights.pt"
    with pytest.raises(InputError, match=r"/no/such/weights\.pt: no such weights file"):
        recon.onStart()
    assert state_of(recon) is SessionState.STOPPED


def test_closing_the_scene_stops_the_engine_and_binds_new_settings(
    recon: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(recon, "pictures")
    recon.ui.portSpinBox.value = port
    recon.onStart()
    wait_until(lambda: "Running" in recon.ui.stateLabel.text)
    process_id = recon.logic.session.process.process_id
    slicer.mrmlScene.Clear(0)
    wait_until(lambda: "Stopped" in recon.ui.stateLabel.text)
    assert recon.logic.session.process.process_id is None
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    recon.ui.portSpinBox.value = 18977
    assert recon.logic.getParameterNode().enginePort == 18977


def test_unloading_the_module_ends_the_engine_and_leaves_no_observers(
    recon: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(recon, "pictures")
    recon.ui.portSpinBox.value = port
    recon.onStart()
    wait_until(lambda: "Running" in recon.ui.stateLabel.text)
    recon.cleanup()
    assert state_of(recon) is SessionState.STOPPED
    assert recon.logic.session.process.process_id is None
    assert recon.Observations == []


def test_showing_pictures_never_blocks_the_panel(recon: Any, use_small_engine: Any, wait_until: Any, port: int) -> None:
    use_small_engine(recon, "pictures")
    recon.ui.portSpinBox.value = port
    durations = []
    begin = time.monotonic()
    recon.onStart()
    durations.append(time.monotonic() - begin)
    wait_until(lambda: "Running" in recon.ui.stateLabel.text)
    for _ in range(20):
        begin = time.monotonic()
        recon.onTimer()
        durations.append(time.monotonic() - begin)
        time.sleep(0.02)
    begin = time.monotonic()
    recon.onStop()
    durations.append(time.monotonic() - begin)
    # The first picture makes nodes; on this shared machine half a second would already be a wait for the network.
    assert max(durations) < 0.5


def test_the_real_engine_reconstructs_what_is_sent_to_it(recon: Any, wait_until: Any, port: int) -> None:
    """Start, wait for data, one fully sampled frame, the right picture, Stop; no part of it replaced."""
    recon.ui.portSpinBox.value = port
    recon.ui.methodComboBox.currentText = "zero-filled"
    recon.ui.deviceComboBox.currentText = "cpu"
    recon.onStart()
    wait_until(lambda: "Starting" not in recon.ui.stateLabel.text, 90.0)
    assert "Waiting for data" in recon.ui.stateLabel.text
    assert f"port {port}" in recon.ui.stateLabel.text

    truth = np.zeros((2, 32, 32), np.float32)
    truth[0, 8:20, 10:14], truth[1, 20:25, 5:30] = 1.0, 2.0
    axes = (-2, -1)
    centred = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(truth, axes), norm="ortho"), axes)
    frame = KSpaceFrame(
        data=centred[None].astype(np.complex64),
        mask=np.ones((2, 32), bool),
        ijk_to_ras=validated_ijk_to_ras(np.diag([2.0, 2.0, 4.0, 1.0])),
        acquisition_start_time=time.time() - 0.1,
        acquisition_end_time=time.time(),
    )
    with IgtlClient(port=port) as scanner:
        scanner.send(kspace_envelope(frame))
        wait_until(lambda: recon._parameterNode.outputVolume is not None)
    shown = slicer.util.arrayFromVolume(recon._parameterNode.outputVolume)
    np.testing.assert_allclose(shown, truth, atol=1e-4)
    process_id = recon.logic.session.process.process_id
    recon.onStop()
    wait_until(lambda: "Stopped" in recon.ui.stateLabel.text)
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


def _ijk_to_ras(node: Any) -> Any:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix
