"""From what is shown now to the record of a core."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from TemporalReconLib.acquisition.image_frame import ImageFrame

from InstrumentTrackerLib.case_log.core_record import NO_GUIDANCE, CoreRecord, Position
from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.targeting.assessment import DEFAULT_MARGIN_MM, Assessment, CoreVerdict
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

STALE = "stale"

_WOULD_SAMPLE = {CoreVerdict.HIT: True, CoreVerdict.EDGE: True, CoreVerdict.MISS: False, CoreVerdict.UNSURE: None}

# Why there is nothing to measure, by state.
_REASONS = {
    NO_GUIDANCE: "guidance is not running",
    STALE: "the picture is too old",
    TrackingState.LOST.value: "the instrument is lost",
    TrackingState.ABSENT.value: "no instrument is visible",
}


@dataclass(frozen=True, eq=False)
class ShownGuidance:
    """What the display shows at this moment.

    Attributes
    ----------
    tracked, image
        Pose and picture of one and the same frame.
    age_s
        Seconds since the middle of the picture's acquisition, now.
    stale_after_s
        Age beyond which the display withdraws its numbers.
    target, needle, margin_mm
        The plan as it is now; None where there is none.
    """

    tracked: TrackedPose | None
    image: ImageFrame | None = None
    age_s: float | None = None
    stale_after_s: float = 1.0
    target: Target | None = None
    needle: BiopsyNeedle | None = None
    margin_mm: float = DEFAULT_MARGIN_MM

    @property
    def state(self) -> str:
        """Tracking state, ``stale`` for an old picture, or ``no guidance``."""
        if self.tracked is None or self.age_s is None:
            return NO_GUIDANCE
        if not self.age_s <= self.stale_after_s:  # NaN is not young either
            return STALE
        return self.tracked.state.value

    @property
    def has_numbers(self) -> bool:
        return self.state in (TrackingState.TRACKED.value, TrackingState.PREDICTED.value)


def reason_without_numbers(shown: ShownGuidance | None) -> str:
    """Why a core cannot be measured now, in a few words; empty where it can."""
    if shown is not None and shown.has_numbers:
        return ""
    return _REASONS[NO_GUIDANCE if shown is None else shown.state]


def core_record(number: int, marked_at_s: float, shown: ShownGuidance | None) -> CoreRecord:
    """The record of a core marked now; without numbers where the display shows none.

    Parameters
    ----------
    marked_at_s
        UTC epoch s of the marking.
    shown
        What the display shows; None where there is no guidance at all.
    """
    if shown is None:
        return CoreRecord(number, marked_at_s)
    values: dict[str, Any] = {"state": shown.state, **_plan(shown), **_picture(shown)}
    tracked = shown.tracked
    if shown.has_numbers and tracked is not None:
        values |= _pose(tracked) | _errors(tracked, shown)
    return CoreRecord(number, marked_at_s, **values)


def _plan(shown: ShownGuidance) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if shown.target is not None:
        values |= {
            "target_name": shown.target.name,
            "target": _position(shown.target.position),
            "target_radius_mm": shown.target.radius_mm,
            "entry": _position(shown.target.entry),
        }
    if shown.needle is not None:
        needle = shown.needle
        values |= {"throw_mm": needle.throw_mm, "notch_mm": needle.notch_mm, "dead_tip_mm": needle.dead_tip_mm}
    return values


def _picture(shown: ShownGuidance) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if shown.age_s is not None and math.isfinite(shown.age_s):
        values["picture_age_s"] = shown.age_s
    if shown.tracked is not None:
        values |= {"frame": shown.tracked.index, "time_s": shown.tracked.time_s}
    if shown.image is not None:
        values["image_quality"] = shown.image.quality
    return values


def _pose(tracked: TrackedPose) -> dict[str, Any]:
    return {
        "guide_tip": _position(tracked.guide_tip),
        "needle_tip": _position(tracked.needle_tip),
        "axis": _position(tracked.axis),
        "confidence": tracked.confidence,
        "has_fired": tracked.tip_is_fired,
        "artifact_correction_mm": tracked.artifact_correction_mm,
    }


def _errors(tracked: TrackedPose, shown: ShownGuidance) -> dict[str, Any]:
    target = shown.target
    if target is None or tracked.tip is None or tracked.axis is None:
        return {}
    error = TargetingError.of(tracked.tip, tracked.axis, target.position, target.entry)
    values: dict[str, Any] = {
        name: getattr(error, name)
        for name in ("distance_mm", "lateral_mm", "depth_mm", "angle_deg", "projected_miss_mm")
    }
    found = None if shown.needle is None else Assessment.of(tracked, target, shown.needle, shown.margin_mm)
    if found is not None:
        values |= {
            "distance_mm": found.distance_mm,
            "lateral_mm": found.lateral_mm,
            "core_miss_mm": found.miss_mm,
            "is_partly_unknown": found.is_partly_unknown,
            "verdict": found.verdict.value,
            "margin_mm": found.margin_mm,
            "would_sample": _WOULD_SAMPLE[found.verdict],
            "probability": found.forecast.probability,
        }
    return values


def _position(point: Point | None) -> Position | None:
    return None if point is None else (float(point[0]), float(point[1]), float(point[2]))
