"""A table of every target in every frame: errors, what a core would take, and how probably."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from TemporalReconLib.acquisition.output_file import written_atomically

from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.core_forecast import CoreForecast
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.targeting.targets import Targets
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

COLUMNS = [
    "frame",
    "time_s",
    "state",
    "target",
    "nearest_reachable",
    "distance_mm",
    "projected_miss_mm",
    "lateral_mm",
    "depth_mm",
    "angle_deg",
    "has_fired",
    "core_miss_mm",
    "would_sample",
    "probability",
    "advance_mm",
    "probability_after_advance",
    "artifact_correction_mm",
]


def write_targeting(path: Path, poses: Iterable[TrackedPose], targets: Targets, needle: BiopsyNeedle) -> None:
    """One row per frame and target (mm, deg; 0 or 1 for no and yes), empty where not known.

    Raises InputError if the file cannot be written.
    """
    with written_atomically(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for tracked in poses:
            nearest = targets.nearest_reachable(tracked, needle)
            for target in targets:
                writer.writerow(_row(tracked, target, needle, target is nearest))


def _row(tracked: TrackedPose, target: Target, needle: BiopsyNeedle, is_nearest: bool) -> list[str]:
    row = [str(tracked.index), f"{tracked.time_s:.6f}", tracked.state.value, target.name]
    forecast = CoreForecast.of(tracked, target, needle)
    if forecast is None or tracked.tip is None or tracked.axis is None:
        return [*row, *[""] * (len(COLUMNS) - len(row))]
    error = TargetingError.of(tracked.tip, tracked.axis, target.position, target.entry)
    return [
        *row,
        _flag(is_nearest),
        _number(error.distance_mm),
        _number(error.projected_miss_mm),
        _number(error.lateral_mm),
        _number(error.depth_mm),
        _number(error.angle_deg),
        _flag(tracked.has_fired),
        _number(forecast.miss_mm),
        _flag(forecast.would_sample),
        _number(forecast.probability),
        _number(forecast.advance_mm),
        _number(forecast.probability_after_advance),
        _number(tracked.artifact_correction_mm),
    ]


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
