"""The cases of a study as a CSV table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion, StudyCase
from InstrumentTrackerLib.evaluation.study.cases.study_config import checked_frames

REQUIRED = ("patient", "case", "input", "annotations")
OPTIONAL = ("planning", "group", "frames")
READER_PREFIX = "annotations_"
# In the column of annotations: it is known that there is no instrument.
NO_INSTRUMENT = "none"
# Between several files of one cell.
SEPARATOR = ";"


def read_manifest(path: Path) -> tuple[list[StudyCase], list[Exclusion]]:
    """Cases of a table, and the lines that are none with the reason; paths count from the table's folder.

    Columns: ``patient,case,input,annotations`` and, where needed, ``planning,group,frames`` and
    ``annotations_NAME`` of further readers. Several annotation files of a case are separated by ``;``; ``none`` says
    that there is no instrument.

    Raises
    ------
    InputError
        If the table cannot be read, lacks a column or has an unknown one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(path, reader.fieldnames)
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error})") from error
    cases, excluded = [], []
    for number, row in lines:
        if not any(isinstance(value, str) and value.strip() for value in row.values()):
            continue
        try:
            cases.append(_case(path, number, row))
        except InputError as error:
            excluded.append(Exclusion(_cell(row, "patient"), _cell(row, "case"), str(error)))
    return cases, excluded


def _check_columns(path: Path, names: object) -> None:
    found = [str(name).strip() for name in names] if isinstance(names, (list, tuple)) else []
    if len(found) == 1 and SEPARATOR in found[0]:
        raise InputError(
            f"{path}: its columns are separated by '{SEPARATOR}', expected commas; save it as comma-separated CSV "
            f"('{SEPARATOR}' stands between several files of one cell)"
        )
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise InputError(f"{path}: no column '{missing[0]}'; expected {', '.join(REQUIRED)}")
    known = {*REQUIRED, *OPTIONAL}
    for name in found:
        if name not in known and not (name.startswith(READER_PREFIX) and len(name) > len(READER_PREFIX)):
            raise InputError(
                f"{path}: unknown column '{name}'; expected {', '.join((*REQUIRED, *OPTIONAL))} or {READER_PREFIX}NAME"
            )


def _case(path: Path, number: int, row: Mapping[str, str | None]) -> StudyCase:
    where = f"{path.name} line {number}"
    if None in row:
        raise InputError(f"{where}: more cells than columns; quote cells that contain a comma")
    for name in REQUIRED[:3]:
        if not _cell(row, name):
            raise InputError(f"{where}: field '{name}' is empty")
    text = _cell(row, "annotations")
    if not text:
        raise InputError(f"{where}: missing annotation; give a file, or '{NO_INSTRUMENT}' if there is no instrument")
    frames = _cell(row, "frames") or None
    planning = _cell(row, "planning")
    readers = [
        (name.strip()[len(READER_PREFIX) :], _paths(path, _cell(row, name)))
        for name in row
        if name is not None and name.strip().startswith(READER_PREFIX) and _cell(row, name)
    ]
    return StudyCase(
        patient=_cell(row, "patient"),
        name=_cell(row, "case"),
        path=path.parent / _cell(row, "input"),
        annotations=() if text.lower() == NO_INSTRUMENT else _paths(path, text),
        planning=path.parent / planning if planning else None,
        group=_cell(row, "group"),
        frames=None if frames is None else checked_frames(frames, f"{where}: field 'frames'"),
        readers=tuple(readers),
    )


def _paths(path: Path, text: str) -> tuple[Path, ...]:
    return tuple(path.parent / part.strip() for part in text.split(SEPARATOR) if part.strip())


def _cell(row: Mapping[str, str | None], name: str) -> str:
    value = next((value for key, value in row.items() if key is not None and key.strip() == name), None)
    return value.strip() if isinstance(value, str) else ""
