"""The section Source in a panel of its own: choices, player and lamp, against a real engine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.engine_client.report import EngineReport
from TemporalReconLib.engine_client.session import SessionState, SessionStatus
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.playback.player_status import PlayerState

STOPPED = SessionStatus(SessionState.STOPPED)
STARTING = SessionStatus(SessionState.STARTING)
WAITING = SessionStatus(SessionState.WAITING)
RUNNING = SessionStatus(SessionState.RUNNING)


class Panel:
    """A bare panel that holds the section, as the modules' panels do."""

    def __init__(self) -> None:
        import qt
        from slicer.parameterNodeWrapper import parameterNodeWrapper
        from TemporalReconLib.module.mrml_engine_settings import EngineSettings
        from TemporalReconLib.module.mrml_gui_binding import GuiBinding
        from TemporalReconLib.module.mrml_section_ui import addSection
        from TemporalReconLib.module.mrml_source_section import SourceSection
        from TemporalReconLib.module.mrml_source_settings import SourceSettings

        @parameterNodeWrapper
        class Settings(EngineSettings, SourceSettings):
            pass

        self.parent = qt.QWidget()
        layout = qt.QVBoxLayout()
        self.parent.setLayout(layout)
        self.ui = type("Ui", (), {})()
        self.ui.sourcePlace = layout
        addSection(self.ui, "Source")
        del self.ui.sourcePlace
        self.demos: list[Any] = []
        self.section = SourceSection(self.ui, self.demos.append)
        self.settings = Settings(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
        self.binding = GuiBinding(self.settings, self.ui)
        self.section.setSettings(self.settings)
        self.section.update(STOPPED)

    def choose(self, kind: str) -> None:
        box = self.ui.sourceKindComboBox
        box.currentIndex = next(index for index in range(box.count) if kind in box.itemText(index))

    def close(self) -> None:
        self.section.end()
        self.section.setSettings(None)
        self.binding.disconnect()


@pytest.fixture
def panel(scene: Any, tmp_path: Path) -> Any:
    scene.GetCacheManager().SetRemoteCacheDirectory(str(tmp_path))
    panel = Panel()
    yield panel
    panel.close()


@pytest.fixture
def engine() -> Any:
    """A real engine with a light method; (port, processor, client that reads what it publishes)."""
    processor = ReconstructionProcessor("sliding-window", "cpu")
    with serving(processor, ServeOptions(port=0)) as (server, _), IgtlClient(port=server.port) as slicer_end:
        yield server.port, processor, slicer_end


def a_sequence(n_frames: int = 6) -> Any:
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Moving")
    sequence.SetIndexUnit("s")
    for k in range(n_frames):
        volume = slicer.vtkMRMLScalarVolumeNode()
        pixels = np.zeros((1, 32, 24), np.int16)
        pixels[0, 4 + k : 12 + k, 6:15] = 100 + k
        slicer.util.updateVolumeFromArray(volume, pixels)
        sequence.SetDataNodeAtValue(volume, f"{0.05 * k:.2f}")
    return sequence


def shown_panels(panel: Any) -> set[str]:
    names = ("livePanel", "sequencePanel", "volumePanel", "filePanel", "framesPanel", "playerPanel")
    return {name for name in names if not getattr(panel.ui, name).isHidden()}


def test_each_kind_of_source_shows_its_own_controls(panel: Any) -> None:
    assert shown_panels(panel) == {"livePanel"}
    panel.choose("Sequence")
    assert shown_panels(panel) == {"sequencePanel", "playerPanel"}
    panel.choose("Volume")
    assert shown_panels(panel) == {"volumePanel", "framesPanel", "playerPanel"}
    panel.choose("File")
    assert shown_panels(panel) == {"filePanel", "framesPanel", "playerPanel"}
    panel.choose("Live")
    assert shown_panels(panel) == {"livePanel"}


def test_a_live_source_tells_the_engine_who_may_send_and_where_to_fetch(panel: Any) -> None:
    assert panel.section.isLive
    assert panel.section.engineOptions() == []
    assert panel.ui.sendToValueLabel.text == "port 18944 of this computer (OpenIGTLink)"
    panel.ui.scannerLineEdit.text = "10.0.0.5"
    panel.ui.mrdPortSpinBox.value = 9002
    panel.ui.connectToLineEdit.text = "10.0.0.9:18955"
    options = panel.section.engineOptions()
    assert options[options.index("--host") + 1] == "0.0.0.0"
    assert "10.0.0.5" in options
    assert options[-4:] == ["--mrd-port", "9002", "--forward", "10.0.0.9:18955"]


@pytest.mark.parametrize("address", ["scanner", "scanner:", "scanner:99999", ":18944"])
def test_an_address_that_is_none_is_refused_before_the_engine_starts(panel: Any, address: str) -> None:
    panel.ui.connectToLineEdit.text = address
    with pytest.raises(InputError, match="HOST:PORT"):
        panel.section.engineOptions()


def test_two_protocols_cannot_share_a_port(panel: Any) -> None:
    panel.ui.mrdPortSpinBox.value = panel.settings.enginePort
    with pytest.raises(InputError, match="18944"):
        panel.section.engineOptions()


@pytest.mark.parametrize("kind", ["Sequence", "Volume", "File"])
def test_a_series_that_is_not_chosen_is_asked_for(panel: Any, kind: str) -> None:
    panel.choose(kind)
    with pytest.raises(InputError, match="choose one"):
        panel.section.engineOptions()


def test_the_live_picture_cannot_be_its_own_source(panel: Any) -> None:
    from TemporalReconLib.acquisition.image_frame import ImageFrame
    from TemporalReconLib.scene.mrml_volume import LiveVolume

    panel.choose("Volume")
    picture = LiveVolume(slicer.mrmlScene).update(ImageFrame(np.ones((1, 4, 4), np.float32), np.eye(4)))
    panel.ui.volumeNodeSelector.setCurrentNode(picture)
    with pytest.raises(InputError, match="live picture"):
        panel.section.engineOptions()


def test_the_lamp_says_who_is_there_in_words_and_shapes(panel: Any) -> None:
    lamp = panel.ui.linkValueLabel
    texts = []
    for status, words in (
        (STOPPED, "engine not running"),
        (SessionStatus(SessionState.WAITING, report=EngineReport(n_clients=1)), "nobody connected"),
        (SessionStatus(SessionState.WAITING, report=EngineReport(n_clients=2)), "connected, no frames"),
        (SessionStatus(SessionState.RUNNING, report=EngineReport(n_clients=2, n_senders=1, n_arrived=7)), "7 so far"),
    ):
        panel.section.update(status)
        assert words in lamp.text
        texts.append(lamp.text)
    assert len({text.partition("</span>")[0][-1] for text in texts}) == 3, "shapes differ, not only colors"


def test_choices_rest_while_the_engine_is_active(panel: Any) -> None:
    panel.section.update(STARTING)
    assert not panel.ui.sourceKindComboBox.enabled
    assert not panel.ui.scannerLineEdit.enabled
    panel.section.update(STOPPED)
    assert panel.ui.sourceKindComboBox.enabled


def test_the_pattern_of_lines_can_be_chosen_only_where_lines_are_left_out(panel: Any) -> None:
    panel.choose("Sequence")
    assert not panel.ui.maskComboBox.enabled
    panel.ui.accelerationSpinBox.value = 8
    assert panel.ui.maskComboBox.enabled and panel.ui.maskSeedSpinBox.enabled
    panel.section.update(STARTING)
    assert not panel.ui.maskComboBox.enabled


def playing(panel: Any, port: int) -> None:
    """What a panel does: check, start the engine, then tell the section of every status."""
    panel.settings.enginePort = port
    panel.section.engineOptions()
    panel.section.update(STARTING)
    assert panel.section._player is None
    panel.section.update(WAITING)


def test_a_sequence_plays_by_itself_once_the_engine_is_there(panel: Any, engine: Any, wait_until: Any) -> None:
    port, processor, slicer_end = engine
    panel.choose("Sequence")
    panel.ui.seriesNodeSelector.setCurrentNode(a_sequence())
    playing(panel, port)

    def finished() -> bool:
        panel.section.update(RUNNING)
        return "Finished" in panel.ui.playerStateLabel.text

    wait_until(finished)
    assert panel.ui.positionLabel.text == "6 / 6   0.2 s"
    assert panel.ui.positionSlider.value == panel.ui.positionSlider.maximum == 5
    # The player has finished when the last frame is sent; the engine may still be at work on it.
    wait_until(lambda: processor.counters.accepted == 6)
    received: dict[Any, Any] = {}

    def has_last() -> bool:
        if (envelope := slicer_end.receive(0.2)) is not None:
            received[envelope.metadata.get("TR.FrameIndex")] = envelope
        return "5" in received

    wait_until(has_last)
    assert received["5"].message.data.max() == 105, "the pixels of the sequence's last volume"


def test_every_control_of_the_player_does_what_it_says(panel: Any, engine: Any, wait_until: Any) -> None:
    port, processor, _ = engine
    panel.choose("Sequence")
    panel.ui.seriesNodeSelector.setCurrentNode(a_sequence(30))
    panel.ui.accelerationSpinBox.value = 4
    panel.ui.rateSpinBox.value = 10.0
    playing(panel, port)
    status = lambda: panel.section._player.status  # noqa: E731

    def until(condition: Any) -> None:
        def holds() -> bool:
            panel.section.update(RUNNING)
            return bool(condition())

        wait_until(holds)

    until(lambda: (status().position or 0) >= 2)
    assert "Playing" in panel.ui.playerStateLabel.text and "10.0 frames/s" in panel.ui.playerStateLabel.text
    assert "Pause" in panel.ui.playButton.text
    panel.ui.playButton.click()
    until(lambda: "Paused" in panel.ui.playerStateLabel.text)
    held = status().position
    panel.ui.stepForwardButton.click()
    until(lambda: status().position == held + 1)
    panel.ui.stepBackButton.click()
    panel.ui.stepBackButton.click()
    until(lambda: status().position == held - 1)
    panel.ui.positionSlider.value = 25
    until(lambda: panel.ui.positionLabel.text.startswith("26 / 30"))
    assert status().state is PlayerState.PAUSED
    panel.ui.loopCheckBox.checked = True
    panel.ui.rateSpinBox.value = 50.0
    panel.ui.playButton.click()
    until(lambda: status().position == 3)
    assert panel.settings.looping and panel.settings.rate == 50.0
    assert processor.counters.missing == processor.counters.stepped_back == 0
    panel.section.end()
    panel.section.update(STOPPED)
    assert not panel.ui.stepForwardButton.enabled


def test_a_volume_plays_its_slices_where_they_are(panel: Any, engine: Any, wait_until: Any) -> None:
    port, _, slicer_end = engine
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Stack")
    pixels = np.arange(3 * 8 * 8, dtype=np.int16).reshape(3, 8, 8)
    slicer.util.updateVolumeFromArray(volume, pixels)
    volume.SetSpacing(1.0, 1.0, 4.0)
    panel.choose("Volume")
    panel.ui.volumeNodeSelector.setCurrentNode(volume)
    panel.ui.framesAsComboBox.currentText = "slices of one volume"
    assert panel.section.engineOptions() == ["--slices-as-time"]
    playing(panel, port)
    wait_until(lambda: panel.section._player.status.state is PlayerState.FINISHED)
    found = {}
    while (envelope := slicer_end.receive(0.2)) is not None:
        if envelope.device_name == "RECON":
            found[int(envelope.metadata["TR.FrameIndex"])] = envelope.message
    np.testing.assert_array_equal(found[2].data[0], pixels[2])
    assert found[2].ijk_to_ras[2, 3] == pytest.approx(8.0)


def test_a_volume_as_time_is_repeated_with_other_lines_each_time(panel: Any, engine: Any, wait_until: Any) -> None:
    port, processor, _ = engine
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Still")
    slicer.util.updateVolumeFromArray(volume, np.ones((1, 32, 24), np.int16))
    panel.choose("Volume")
    panel.ui.volumeNodeSelector.setCurrentNode(volume)
    panel.ui.accelerationSpinBox.value = 8
    panel.ui.rateSpinBox.value = 50.0
    playing(panel, port)
    wait_until(lambda: processor.counters.accepted > 20)
    assert panel.section._player.status.n_frames == 100
    assert processor.counters.restarts == 0


def test_a_file_that_is_none_fails_in_words_and_the_panel_goes_on(
    panel: Any, engine: Any, wait_until: Any, tmp_path: Path
) -> None:
    bad = tmp_path / "broken.nrrd"
    bad.write_text("not a picture")
    panel.choose("File")
    panel.ui.seriesFileLineEdit.currentPath = str(bad)
    assert panel.settings.seriesFile == str(bad)
    playing(panel, engine[0])
    wait_until(lambda: panel.section._player.status.state is PlayerState.FAILED)
    panel.section.update(RUNNING)
    assert "broken.nrrd" in panel.ui.playerStateLabel.text
    panel.section.update(STOPPED)
    assert panel.section._player is None
    panel.choose("Sequence")
    panel.ui.seriesNodeSelector.setCurrentNode(a_sequence())
    playing(panel, engine[0])
    wait_until(lambda: panel.section._player.status.state is PlayerState.FINISHED)


def test_a_sequence_that_cannot_be_played_is_refused_before_the_engine_starts(panel: Any) -> None:
    panel.choose("Sequence")
    panel.ui.seriesNodeSelector.setCurrentNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Nothing"))
    with pytest.raises(InputError, match="Nothing: the sequence is empty"):
        panel.section.engineOptions()


def test_the_engine_going_ends_the_player_and_a_new_one_is_played_to(panel: Any, engine: Any, wait_until: Any) -> None:
    panel.choose("Sequence")
    panel.ui.seriesNodeSelector.setCurrentNode(a_sequence(100))
    for _ in range(2):
        playing(panel, engine[0])
        wait_until(lambda: (panel.section._player.status.position or 0) > 1)
        begin = time.monotonic()
        panel.section.update(STOPPED)
        assert time.monotonic() - begin < 0.1, "the panel must not wait"
        assert panel.section._player is None


def test_one_click_loads_the_simulated_biopsy_and_it_plays(panel: Any, engine: Any, wait_until: Any) -> None:
    panel.ui.demoButton.click()
    (case,) = panel.demos
    assert panel.ui.seriesNodeSelector.currentNode() is case.sequence
    assert "simulated" in case.sequence.GetName()
    assert panel.ui.accelerationSpinBox.value == 8
    assert panel.settings.planningVolume is case.planning
    assert case.target.GetNthControlPointLabel(0) == "Target"
    playing(panel, engine[0])
    panel.ui.rateSpinBox.value = 50.0
    wait_until(lambda: panel.section._player.status.position == 39, 30.0)
    panel.section.update(STOPPED)
    panel.ui.demoButton.click()
    assert panel.demos[1].sequence is case.sequence, "a second click makes no second copy"


def test_the_settings_outlive_the_panel(panel: Any) -> None:
    panel.choose("File")
    panel.ui.seriesFileLineEdit.currentPath = "/data/case.h5"
    panel.ui.accelerationSpinBox.value = 12
    panel.ui.maskComboBox.currentText = "golden"
    node = panel.settings.parameterNode
    panel.close()
    again = type(panel.settings)(node)
    assert (again.sourceKind.name, again.seriesFile, again.acceleration, again.mask) == (
        *("FILE", "/data/case.h5", 12, "golden"),
    )
