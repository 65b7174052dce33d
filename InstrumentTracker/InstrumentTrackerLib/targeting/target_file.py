"""The targets of a plan as files that Slicer or a spreadsheet writes."""

from __future__ import annotations

from pathlib import Path

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.targeting.slicer_markups import read_control_points
from InstrumentTrackerLib.targeting.target import DEFAULT_RADIUS_MM, Target
from InstrumentTrackerLib.targeting.target_csv import read_target_csv
from InstrumentTrackerLib.targeting.targets import Targets

TABLE_SUFFIX, MARKUPS_SUFFIX = ".csv", ".json"
# A point of this label is where the needle is planned to go in, for all targets of the file.
ENTRY_LABEL = "entry"


def is_target_file(text: str) -> bool:
    """Whether a text names a file of targets rather than a place."""
    return text.lower().endswith((TABLE_SUFFIX, MARKUPS_SUFFIX))


def read_target_file(path: Path, radius_mm: float = DEFAULT_RADIUS_MM) -> Targets:
    """Targets of a table (RAS, see :func:`~InstrumentTrackerLib.targeting.target_csv.read_target_csv`) or of markups.

    Parameters
    ----------
    radius_mm
        Of targets of markups, which state none.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no target.
    """
    if path.suffix.lower() == TABLE_SUFFIX:
        return read_target_csv(path)
    placed = [(point, point.position) for point in read_control_points(path) if point.position is not None]
    entries = [position for point, position in placed if point.label.strip().lower() == ENTRY_LABEL]
    if len(entries) > 1:
        raise InputError(f"{path}: {len(entries)} points are called '{ENTRY_LABEL}'; leave one")
    found = [(point, position) for point, position in placed if point.label.strip().lower() != ENTRY_LABEL]
    if not found:
        raise InputError(f"{path}: holds no placed target; expected points in Slicer markups")
    targets = []
    for number, (point, position) in enumerate(found, 1):
        name = point.label.strip() or ("target" if number == 1 else f"target {number}")
        try:
            targets.append(Target(position, entries[0] if entries else None, name, radius_mm))
        except InputError as error:
            raise InputError(f"{point.where}: {error}") from None
    return Targets(tuple(targets))
