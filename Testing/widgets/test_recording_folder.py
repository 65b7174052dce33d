"""Where a recording stopped, the panel says which folder it was, if that is on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from TemporalReconLib.engine_client.report import EngineReport
from TemporalReconLib.engine_client.session import SessionState, SessionStatus

STOPPED = SessionStatus(SessionState.RUNNING, report=EngineReport(recording="stopped: the folder is gone"))
ON = SessionStatus(SessionState.RUNNING, report=EngineReport(recording="on, 42 frames"))


def test_the_folder_of_a_stopped_recording_is_named(recon: Any, tmp_path: Path) -> None:
    recon.ui.recordFolderLineEdit.currentPath = str(tmp_path)
    recon.recordSection.update(ON)
    assert recon.ui.recordStateLabel.text == "on, 42 frames"
    recon.recordSection.update(STOPPED)
    assert recon.ui.recordStateLabel.text == f"stopped: the folder is gone (folder: {tmp_path})"


def test_the_folder_of_another_computer_is_not_guessed(recon: Any, tmp_path: Path) -> None:
    recon.ui.recordFolderLineEdit.currentPath = str(tmp_path)
    recon.ui.hostLineEdit.text = "10.0.0.7"
    recon.recordSection.update(STOPPED)
    assert recon.ui.recordStateLabel.text == "stopped: the folder is gone"
