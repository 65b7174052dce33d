"""A list of targets as a table that a spreadsheet writes."""

from __future__ import annotations

import csv
from pathlib import Path

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.targeting.target import DEFAULT_RADIUS_MM, Target
from InstrumentTrackerLib.targeting.targets import Targets

# A plan of a biopsy has a dozen targets; a longer file is something else.
MAX_TARGETS = 200


def read_target_csv(path: Path, is_lps: bool = False) -> Targets:
    """Targets of rows ``name, R, A, S`` in mm, with the lesion's radius as an optional fifth column.

    Comma, semicolon or tab separate; a first row without numbers is a heading; empty rows and rows that begin with
    ``#`` are skipped.

    Parameters
    ----------
    is_lps
        The file's numbers are L, P, S, as in most files of ITK and of Slicer's markups.

    Raises
    ------
    InputError
        If the file cannot be read, holds no target, or a row is not understood; the message names file and row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: cannot be read as text ({error})") from None
    separator = next((mark for mark in ";\t" if mark in text), ",")
    rows = [
        (number, [cell.strip() for cell in row])
        for number, row in enumerate(csv.reader(text.splitlines(), delimiter=separator), 1)
        if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#")
    ]
    if rows and not any(_is_number(cell) for cell in rows[0][1][1:]):
        rows = rows[1:]
    if not rows:
        raise InputError(f"{path.name}: holds no target; expected rows name,R,A,S in mm")
    if len(rows) > MAX_TARGETS:
        raise InputError(f"{path.name}: {len(rows)} rows; expected up to {MAX_TARGETS} targets")
    try:
        return Targets(tuple(_target(path, number, cells, is_lps) for number, cells in rows))
    except InputError as error:
        raise InputError(f"{path.name}: {error}" if path.name not in str(error) else str(error)) from None


def _target(path: Path, number: int, cells: list[str], is_lps: bool) -> Target:
    where = f"{path.name}, row {number}"
    if len(cells) not in (4, 5) or not all(_is_number(cell) for cell in cells[1:]):
        raise InputError(
            f"{where}: '{','.join(cells)}' is not name,R,A,S; expected for example: left apex,-12.5,30,5 (mm)"
        )
    x, y, z, radius = (*(float(cell) for cell in cells[1:]), DEFAULT_RADIUS_MM)[:4]
    position = (-x, -y, z) if is_lps else (x, y, z)
    try:
        return Target(position, name=cells[0], radius_mm=radius)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
