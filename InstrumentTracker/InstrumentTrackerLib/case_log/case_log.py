"""The cores of a case: marked, undone, annotated, and always on disk."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.case_log.case_name import folder_name, validated_case_name
from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.journal import Journal, complete_lines
from InstrumentTrackerLib.case_log.provenance import Provenance

LOG_FILE = "cores.jsonl"
FORMAT = 1


class CaseLog:
    """Cores of one case in a folder of its own.

    What happens is appended to ``cores.jsonl``, one JSON object per line: ``case`` (the first), ``provenance``,
    ``core``, ``note``, ``remove``. Nothing is ever taken out of that file: an undone core stays in it with the reason.

    Parameters
    ----------
    parent
        Folder in which the case's folder is made with the first core; another case's folder is never written to.
    name
        Free label, printable ASCII; never a patient's name or number.
    """

    def __init__(self, parent: Path, name: str) -> None:
        self.name = validated_case_name(name)
        self._events: list[dict[str, Any]] = []
        self._pictures: dict[str, bytes] = {}
        self._records: dict[int, CoreRecord] = {}
        self._removed: list[tuple[CoreRecord, str]] = []
        self._provenances: list[Provenance] = []
        self._journal = Journal(_free_folder(parent, self.name) / LOG_FILE)

    @classmethod
    def open(cls, folder: Path) -> CaseLog:
        """Continue a case; raises InputError that names file, line and field."""
        path = folder / LOG_FILE
        if not path.is_file():
            raise InputError(f"{folder}: no case folder; it has no {LOG_FILE}")
        lines = complete_lines(path)
        if not lines:
            raise InputError(f"{path}: empty; expected the cores of a case")
        log = cls(folder.parent, "case")
        log._journal = Journal(path)
        for number, line in enumerate(lines, 1):
            try:
                event = json.loads(line)
            except ValueError:
                raise InputError(f"{path}: line {number}: not JSON; was the file edited?") from None
            log._take(event, f"{path}: line {number}")
        return log

    @classmethod
    def restored(cls, parent: Path, events: Any, source: str) -> CaseLog:
        """A case from its ``events``, written into a new folder; raises InputError that names source and field."""
        log = cls(parent, "case")
        if not isinstance(events, list):
            raise InputError(f"{source}: expected a list of a case's events")
        for number, event in enumerate(events, 1):
            log._take(event, f"{source}: event {number}")
        log.move_to(parent)
        return log

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """What happened, in order, as it stands in the file."""
        return tuple(self._events)

    @property
    def folder(self) -> Path:
        return self._journal.path.parent

    @property
    def records(self) -> tuple[CoreRecord, ...]:
        """Cores in the order of their numbers, without the removed ones."""
        return tuple(self._records[number] for number in sorted(self._records))

    @property
    def removed(self) -> tuple[tuple[CoreRecord, str], ...]:
        """Removed cores with the reason, in the order of removal."""
        return tuple(self._removed)

    @property
    def provenances(self) -> tuple[Provenance, ...]:
        """What computed the numbers, in the order of use."""
        return tuple(self._provenances)

    @property
    def next_number(self) -> int:
        return max(self._records, default=0) + 1

    @property
    def n_unsaved(self) -> int:
        """Entries and pictures that are in memory only."""
        return self._journal.n_unsaved

    @property
    def problem(self) -> str:
        """Why the last write failed, or empty."""
        return self._journal.problem

    def append(self, record: CoreRecord, picture: bytes | None = None, provenance: Provenance | None = None) -> None:
        """Add a core, with its picture as PNG; raises InputError if the number is taken."""
        if record.number in self._records:
            raise InputError(f"core {record.number}: there is one already")
        if provenance is not None and (not self._provenances or provenance != self._provenances[-1]):
            self._add({"event": "provenance", "provenance": provenance.to_dict()})
        if picture is not None:
            record = replace(record, picture=f"core_{record.number}_{record.marked_at_s:.0f}.png")
        self._add({"event": "core", "core": record.to_dict()})
        if picture is not None:
            self._pictures[record.picture] = picture
            self._journal.add_file(record.picture, picture)

    def undo_last(self, time_s: float) -> CoreRecord:
        """Remove the core of the highest number, which becomes free again; raises InputError without cores."""
        if not self._records:
            raise InputError("no core to undo")
        return self.remove(max(self._records), "undone", time_s)

    def remove(self, number: int, reason: str, time_s: float) -> CoreRecord:
        """Remove a core; record and reason stay in the file. Raises InputError without a reason or such a core."""
        reason = reason.strip()
        if not reason:
            raise InputError(f"core {number}: say why it is removed")
        record = self.record(number)
        self._add({"event": "remove", "number": number, "reason": reason, "removed_at_s": time_s})
        return record

    def edit_note(self, number: int, note: str, time_s: float) -> None:
        """Replace a core's note; the one before stays in the file. Raises InputError if there is no such core."""
        if self.record(number).note != note.strip():
            self._add({"event": "note", "number": number, "note": note.strip(), "noted_at_s": time_s})

    def record(self, number: int) -> CoreRecord:
        """Raises InputError if there is no such core."""
        if number not in self._records:
            raise InputError(f"core {number}: there is none")
        return self._records[number]

    def picture(self, record: CoreRecord) -> bytes | None:
        """PNG of the moment of marking, or None."""
        if not record.picture:
            return None
        if record.picture not in self._pictures:
            try:
                self._pictures[record.picture] = (self.folder / Path(record.picture).name).read_bytes()
            except OSError:
                return None
        return self._pictures[record.picture]

    def move_to(self, parent: Path) -> None:
        """Write the whole case into another folder from now on; what is on disk stays there as it is."""
        for record in self.records:
            self.picture(record)
        journal = Journal(_free_folder(parent, self.name) / LOG_FILE)
        self._journal.close(timeout_s=0.0)
        self._journal = journal
        for event in self._events:
            journal.add_line(json.dumps(event))
        for name, data in self._pictures.items():
            journal.add_file(name, data)

    def wait(self, timeout_s: float) -> bool:
        """Wait until all is on disk; False if that did not happen in time."""
        return self._journal.wait(timeout_s)

    def close(self, timeout_s: float = 2.0) -> bool:
        """End the writing; False if something could not be saved."""
        return self._journal.close(timeout_s)

    def _add(self, event: dict[str, Any]) -> None:
        events = [event]
        if not self._events:
            events.insert(0, {"event": "case", "format": FORMAT, "name": self.name})
        for each in events:
            self._apply(each)
            self._events.append(each)
            self._journal.add_line(json.dumps(each))

    def _take(self, event: Any, where: str) -> None:
        """Take an event that happened before."""
        try:
            self._apply(event)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        self._events.append(event)

    def _apply(self, event: Any) -> None:
        kind = event.get("event") if isinstance(event, dict) else None
        if kind == "case":
            if event.get("format") != FORMAT:
                raise InputError(f"format: {event.get('format')!r}; expected {FORMAT}")
            self.name = validated_case_name(str(event.get("name", "")))
        elif kind == "provenance":
            self._provenances.append(Provenance.from_dict(event.get("provenance")))
        elif kind == "core":
            record = CoreRecord.from_dict(event.get("core"))
            self._records[record.number] = record
        elif kind == "note":
            number = _number(event)
            self._records[number] = replace(self.record(number), note=event.get("note"))
        elif kind == "remove":
            record = self.record(_number(event))
            self._removed.append((record, str(event.get("reason", ""))))
            del self._records[record.number]
        else:
            raise InputError(f"event: {kind!r} is unknown; was the file written by a newer version?")


def _free_folder(parent: Path, case_name: str) -> Path:
    """A folder that is not there yet."""
    folder, number = parent / folder_name(case_name), 2
    while os.path.lexists(folder):
        folder, number = parent / f"{folder_name(case_name)}_{number}", number + 1
    return folder


def _number(event: dict[str, Any]) -> int:
    number = event.get("number")
    if not isinstance(number, int):
        raise InputError(f"number: {number!r} is no number of a core")
    return number


def case_folders(folder: Path) -> list[Path]:
    """The folder itself if it is a case's, else those of its subfolders that are; raises InputError for none."""
    if (folder / LOG_FILE).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{LOG_FILE}")) if folder.is_dir() else []
    if not found:
        raise InputError(f"{folder}: no case in it; expected {LOG_FILE} there or one folder below")
    return found
