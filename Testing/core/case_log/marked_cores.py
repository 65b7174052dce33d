"""Guidance whose numbers are known by hand: the needle lies on S, its tip at the origin."""

from __future__ import annotations

from typing import Any

import numpy as np
from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.marking import ShownGuidance, core_record
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

NOON = 1_795_000_000.0
NEEDLE = BiopsyNeedle(throw_mm=22.0, notch_mm=18.0, dead_tip_mm=4.0)


def shown(
    target: tuple[float, float, float] | None = (3.0, 4.0, 12.0),
    state: TrackingState = TrackingState.TRACKED,
    age_s: float = 0.2,
    target_name: str = "left apex",
    radius_mm: float = 6.0,
    **pose: Any,
) -> ShownGuidance:
    """A needle 22 mm out of its guide, 3 and 4 mm beside a target that lies 12 mm ahead."""
    if not state.has_numbers:
        tracked = TrackedPose(state, index=7, time_s=NOON - 0.2)
    else:
        tracked = TrackedPose(
            state, np.array([0.0, 0.0, -22.0]), np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.9, index=7,
            time_s=NOON - 0.2, **pose,
        )  # fmt: skip
    plan = None if target is None else Target(target, name=target_name, radius_mm=radius_mm)
    return ShownGuidance(tracked, None, age_s, 0.5, plan, NEEDLE)


def core(number: int, **guidance: Any) -> CoreRecord:
    return core_record(number, NOON + 60.0 * number, shown(**guidance))
