"""Reads ``track.csv`` back: pose and targeting error of every frame."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.track_table import COLUMNS
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

TrackRow = tuple[TrackedPose, TargetingError | None]

_ERRORS = ("distance_mm", "lateral_mm", "depth_mm", "angle_deg")
# The table rounds to five digits, a pose wants a unit vector.
_UNIT_TOLERANCE = 1e-3


def read_track(path: Path) -> tuple[TrackRow, ...]:
    """Poses (RAS mm) and errors in the order of the file.

    Raises
    ------
    InputError
        That names file, line and column of what cannot be understood.
    """
    rows: list[TrackRow] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: no column '{missing[0]}'; expected a table of instrument-tracker track")
            for row in reader:
                try:
                    rows.append(_row(row))
                except InputError as error:
                    raise InputError(f"{path}: line {reader.line_num}: {error}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    if not rows:
        raise InputError(f"{path}: no frames in it")
    return tuple(rows)


def _row(row: dict[str, str]) -> TrackRow:
    try:
        state = TrackingState(row["state"])
    except ValueError:
        raise InputError(f"state: '{row['state']}' is none of {', '.join(s.value for s in TrackingState)}") from None
    frame = _number(row, "frame")
    if frame is None or frame != int(frame):
        raise InputError(f"frame: '{row['frame']}' is no whole number")
    tracked = TrackedPose(
        state,
        guide_tip=_point(row, "guide_tip"),
        needle_tip=_point(row, "needle_tip"),
        axis=_axis(row),
        confidence=_number(row, "confidence") or 0.0,
        index=int(frame),
        time_s=_number(row, "time_s") or 0.0,
    )
    values = [_number(row, name) for name in _ERRORS]
    known = [value for value in values if value is not None]
    return tracked, TargetingError(*known) if len(known) == len(_ERRORS) else None


def _number(row: dict[str, str], name: str) -> float | None:
    text = row[name] or ""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{name}: '{text}' is no finite number")
    return value


def _point(row: dict[str, str], name: str) -> np.ndarray | None:
    values = [_number(row, f"{name}_{axis}") for axis in "ras"]
    if values == [None, None, None]:
        return None
    for axis, value in zip("ras", values, strict=True):
        if value is None:
            raise InputError(f"{name}_{axis}: missing, the other coordinates are given")
    return np.array(values, dtype=np.float64)


def _axis(row: dict[str, str]) -> np.ndarray | None:
    axis = _point(row, "axis")
    if axis is None:
        return None
    length = float(np.linalg.norm(axis))
    if abs(length - 1.0) > _UNIT_TOLERANCE:
        raise InputError(f"axis_r: the axis has length {length:.3f}; expected a unit vector")
    return axis / length
