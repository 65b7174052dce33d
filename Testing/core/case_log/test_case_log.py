"""A case's cores are on disk at once, survive a crash, and none is ever lost."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from InstrumentTrackerLib.case_log.case_log import LOG_FILE, CaseLog, case_folders
from InstrumentTrackerLib.case_log.case_name import default_case_name, folder_name
from InstrumentTrackerLib.case_log.journal import append_line
from InstrumentTrackerLib.case_log.provenance import Provenance
from marked_cores import NOON, core
from TemporalReconLib.errors import InputError

PICTURE = b"\x89PNG any bytes"


def saved(log: CaseLog) -> CaseLog:
    assert log.wait(5.0), log.problem
    return CaseLog.open(log.folder)


def test_cores_notes_and_pictures_are_found_again(tmp_path: Path) -> None:
    log = CaseLog(tmp_path, "case A")
    log.append(core(1), PICTURE, Provenance(method="temporal"))
    log.append(core(2), None, Provenance(method="temporal"))
    log.append(core(3), None, Provenance(method="zero-filled"))
    log.edit_note(2, " pot B ", NOON)
    found = saved(log)
    assert found.name == "case A"
    assert found.folder == tmp_path / "case_A"
    assert found.records == log.records
    assert [record.note for record in found.records] == ["", "pot B", ""]
    assert found.picture(found.records[0]) == PICTURE
    assert found.picture(found.records[1]) is None
    assert [each.method for each in found.provenances] == ["temporal", "zero-filled"]


def test_an_undone_core_gives_its_number_free_and_stays_in_the_file(tmp_path: Path) -> None:
    log = CaseLog(tmp_path, "case")
    log.append(core(1))
    log.append(core(2, target_name="wrong pot"))
    assert log.undo_last(NOON).target_name == "wrong pot"
    assert log.next_number == 2
    log.append(core(2))
    log.remove(1, "marked twice", NOON)
    found = saved(log)
    assert [record.number for record in found.records] == [2]
    assert [(record.number, reason) for record, reason in found.removed] == [(2, "undone"), (1, "marked twice")]
    assert "wrong pot" in (log.folder / LOG_FILE).read_text()


def test_what_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    log = CaseLog(tmp_path, "case")
    with pytest.raises(InputError, match="no core to undo"):
        log.undo_last(NOON)
    log.append(core(1))
    with pytest.raises(InputError, match="core 1: there is one already"):
        log.append(core(1))
    with pytest.raises(InputError, match="say why"):
        log.remove(1, "  ", NOON)
    with pytest.raises(InputError, match="core 9: there is none"):
        log.edit_note(9, "", NOON)


def test_a_core_is_on_disk_when_the_program_is_killed_right_after(tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from InstrumentTrackerLib.case_log.case_log import CaseLog
        from InstrumentTrackerLib.case_log.core_record import CoreRecord
        log = CaseLog(Path(sys.argv[1]), "killed")
        log.append(CoreRecord(1, 0.0))
        log.append(CoreRecord(2, 0.0))
        assert log.wait(5.0)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], env=environment, check=False)
    assert [record.number for record in CaseLog.open(tmp_path / "killed").records] == [1, 2]


def test_a_line_that_a_crash_cut_short_is_taken_off_and_the_case_goes_on(tmp_path: Path) -> None:
    log = CaseLog(tmp_path, "case")
    log.append(core(1))
    assert log.close()
    path = log.folder / LOG_FILE
    path.write_bytes(path.read_bytes() + b'{"event": "core", "core": {"numb')
    again = CaseLog.open(log.folder)
    again.append(core(2))
    assert [record.number for record in saved(again).records] == [1, 2]


def test_a_full_disk_keeps_the_cores_in_memory_says_so_and_writes_them_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    log = CaseLog(tmp_path, "case")
    log.append(core(1))
    assert log.wait(5.0)
    size = (log.folder / LOG_FILE).stat().st_size
    monkeypatch.setattr(os, "fsync", fsync)
    log.append(core(2), PICTURE)
    deadline = time.monotonic() + 5.0
    while not log.problem:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert log.problem == "No space left on device"
    assert log.n_unsaved == 2
    assert [record.number for record in log.records] == [1, 2]
    assert (log.folder / LOG_FILE).stat().st_size == size, "half a line must not stay"
    full = False
    assert saved(log).records == log.records
    assert log.problem == ""
    assert log.n_unsaved == 0


def test_a_case_moves_to_a_folder_that_works(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    log = CaseLog(tmp_path / "file", "case")
    log.append(core(1), PICTURE)
    assert not log.wait(0.3)
    assert log.problem
    log.move_to(tmp_path)
    log.append(core(2))
    found = saved(log)
    assert [record.number for record in found.records] == [1, 2]
    assert found.picture(found.records[0]) == PICTURE


def test_another_case_of_the_same_name_is_not_touched(tmp_path: Path) -> None:
    first, second = CaseLog(tmp_path, "case"), None
    first.append(core(1))
    assert first.close()
    second = CaseLog(tmp_path, "case")
    second.append(core(1, target_name="other"))
    assert saved(second).records[0].target_name == "other"
    assert CaseLog.open(first.folder).records[0].target_name == "left apex"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"event": "core", "core": {"number": 2}}', "line 3: marked_at_s: missing"),
        ('{"event": "note", "number": 5, "note": ""}', "line 3: core 5: there is none"),
        ('{"event": "note", "number": 1}', "line 3: note"),
        ('{"event": "party"}', "line 3: event: 'party' is unknown"),
        ("not json", "line 3: not JSON"),
        ("7", "line 3: event"),
    ],
)
def test_a_broken_log_names_file_line_and_field(tmp_path: Path, line: str, complaint: str) -> None:
    log = CaseLog(tmp_path, "case")
    log.append(core(1))
    assert log.close()
    append_line(log.folder / LOG_FILE, line)
    with pytest.raises(InputError, match=f"{LOG_FILE}: {complaint}"):
        CaseLog.open(log.folder)


def test_case_folders_are_found_one_level_down(tmp_path: Path) -> None:
    logs = [CaseLog(tmp_path, name) for name in ("b", "a")]
    for log in logs:
        log.append(core(1))
        assert log.close()
    assert [folder.name for folder in case_folders(tmp_path)] == ["a", "b"]
    assert case_folders(tmp_path / "a") == [tmp_path / "a"]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no case in it"):
        case_folders(tmp_path / "none")


@pytest.mark.parametrize("name", ["", "  ", "M\u00fcller", "a\nb", "x" * 61])
def test_a_case_name_is_a_short_printable_label(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="printable ASCII"):
        CaseLog(tmp_path, name)


def test_a_case_name_is_never_a_path() -> None:
    assert folder_name("../../etc/x") == "_.._etc_x"
    assert folder_name("..") == "case"
    assert "/" not in folder_name(default_case_name())


def test_every_line_is_json(tmp_path: Path) -> None:
    log = CaseLog(tmp_path, 'quote " and \\')
    log.append(core(1))
    assert log.close()
    events = [json.loads(line) for line in (log.folder / LOG_FILE).read_text().splitlines()]
    assert [event["event"] for event in events] == ["case", "core"]
    assert events[0]["name"] == 'quote " and \\'
