"""Cores as a table: CSV and JSON for spreadsheets and statistics.

Columns bear the names that they have in ``track.csv`` where they are the same thing. Positions are RAS mm; yes and no
are 1 and 0; what is not known is empty. ``COLUMNS`` says what each one is.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.output_file import written_atomically

from InstrumentTrackerLib.case_log.core_record import CoreRecord, Position

COLUMNS = {
    "case": "free label of the case",
    "core": "number of the core, as on the specimen",
    "time_utc": "when it was marked, ISO 8601",
    "time_s": "UTC epoch s of the middle of the picture's acquisition",
    "frame": "number of the picture",
    "state": "tracked, predicted; lost, absent, stale or no guidance: marked without measurement",
    "confidence": "of the pose, 0 to 1",
    "target": "name of the target",
    **{f"target_{axis}": f"target, RAS mm, {axis.upper()}" for axis in "ras"},
    "target_radius_mm": "a core within this distance of the target's middle samples it",
    **{f"entry_{axis}": f"planned entry point, RAS mm, {axis.upper()}" for axis in "ras"},
    "tip": "tip that the errors are of: needle or guide",
    **{f"guide_tip_{axis}": f"guide tip, RAS mm, {axis.upper()}" for axis in "ras"},
    **{f"needle_tip_{axis}": f"needle tip, RAS mm, {axis.upper()}" for axis in "ras"},
    **{f"axis_{axis}": f"unit vector toward the tip, {axis.upper()}" for axis in "ras"},
    "distance_mm": "tip to target",
    "lateral_mm": "target to the needle's line: sideways miss",
    "depth_mm": "along the needle from tip to target; negative: past it",
    "angle_deg": "needle to planned path, or to the target without an entry point",
    "projected_miss_mm": "target to the line ahead of the tip",
    "core_miss_mm": "target's middle to the core",
    "is_partly_unknown": "1: the tip was not known in some direction; the distances are at least as large",
    "verdict": "hit, edge (within the target but not the margin), miss or unsure",
    "margin_mm": "safety margin of the verdict",
    "would_sample": "1: the core comes within the target's radius; a forecast, no histology",
    "probability": "of that, 0 to 1",
    "has_fired": "1: the needle was fired when the core was marked",
    "throw_mm": "throw of the gun",
    "notch_mm": "length of the core",
    "dead_tip_mm": "from the notch to the very tip",
    "artifact_correction_mm": "by how much the needle tip was moved back from the end of its void",
    "picture_age_s": "age of the picture when the core was marked",
    "image_quality": "of the picture, 0 to 1",
    "note": "the user's words",
    "picture": "file name of the picture",
}


def write_cores_csv(path: Path, cases: Iterable[tuple[str, Sequence[CoreRecord]]]) -> None:
    """One row per core of (case name, cores); raises InputError if the file cannot be written."""
    with written_atomically(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for case, records in cases:
            writer.writerows(table_row(case, record) for record in records)


def write_cores_json(path: Path, cases: Iterable[tuple[str, Sequence[CoreRecord]]]) -> None:
    """The same with all digits and the fields' own names; raises InputError if the file cannot be written."""
    content = [{"case": case, "cores": [record.to_dict() for record in records]} for case, records in cases]
    with written_atomically(path) as temporary:
        temporary.write_text(json.dumps({"cases": content}, indent=1), encoding="utf-8")


def table_row(case: str, record: CoreRecord) -> dict[str, str]:
    """Texts by column."""
    row = {
        "case": case,
        "core": str(record.number),
        "time_utc": record.time_utc,
        "time_s": _text(record.time_s, 6),
        "target": record.target_name,
        "tip": record.tip_kind,
        **_position("target", record.target, 3),
        **_position("entry", record.entry, 3),
        **_position("guide_tip", record.guide_tip, 3),
        **_position("needle_tip", record.needle_tip, 3),
        **_position("axis", record.axis, 5),
    }
    for name in COLUMNS:
        if name not in row:
            row[name] = _text(getattr(record, name), 3)
    return row


def _position(name: str, position: Position | None, digits: int) -> dict[str, str]:
    values = ("", "", "") if position is None else tuple(f"{value:.{digits}f}" for value in position)
    return {f"{name}_{axis}": value for axis, value in zip("ras", values, strict=True)}


def _text(value: Any, digits: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)
