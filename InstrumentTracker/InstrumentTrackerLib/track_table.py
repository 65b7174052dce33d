"""``track.csv``: one row per frame, empty where not known."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from TemporalReconLib.acquisition.output_file import written_atomically

from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

COLUMNS = [
    "frame",
    "time_s",
    "state",
    "confidence",
    "guide_tip_r",
    "guide_tip_a",
    "guide_tip_s",
    "needle_tip_r",
    "needle_tip_a",
    "needle_tip_s",
    "axis_r",
    "axis_a",
    "axis_s",
    "distance_mm",
    "lateral_mm",
    "depth_mm",
    "angle_deg",
]


def write_track(path: Path, rows: Iterable[tuple[TrackedPose, TargetingError | None]]) -> None:
    """Write poses (RAS mm) and targeting errors (mm, deg); raises InputError if the file cannot be written."""
    with written_atomically(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for tracked, error in rows:
            writer.writerow(_row(tracked, error))


def _row(tracked: TrackedPose, error: TargetingError | None) -> list[str]:
    row = [str(tracked.index), f"{tracked.time_s:.6f}", tracked.state.value, f"{tracked.confidence:.3f}"]
    row += _point(tracked.guide_tip, 3) + _point(tracked.needle_tip, 3) + _point(tracked.axis, 5)
    if error is None:
        return [*row, "", "", "", ""]
    return [*row, *(f"{v:.3f}" for v in (error.distance_mm, error.lateral_mm, error.depth_mm, error.angle_deg))]


def _point(point: Point | None, digits: int) -> list[str]:
    return ["", "", ""] if point is None else [f"{value:.{digits}f}" for value in point]
