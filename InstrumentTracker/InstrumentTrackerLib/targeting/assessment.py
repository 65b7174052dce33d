"""What a clinician needs to know of a tip and a target, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.core_forecast import UNKNOWN_DIRECTION, CoreForecast
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.tracking.known_directions import KnownDirections
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

Array = NDArray[np.float64]

DEFAULT_MARGIN_MM = 1.0
# With less of the needle's direction within the known ones, how deep it lies is not known: 45 degrees.
_KNOWN_SHARE = np.sqrt(0.5)


class CoreVerdict(str, Enum):
    """Whether a core taken now would sample the target (after a shot: whether it did)."""

    HIT = "hit"
    EDGE = "edge"
    MISS = "miss"
    UNSURE = "unsure"


@dataclass(frozen=True, eq=False)
class Assessment:
    """A tip against its target.

    Where the position through the picture's plane is unknown, distance, misses and their direction are those
    within the known directions: the true ones are at least as large.

    Attributes
    ----------
    target, needle
        What was measured against, and with which needle.
    error
        As if everything were known.
    forecast
        What a straight shot would take, as if everything were known.
    verdict
        HIT: the core keeps the safety margin to the lesion's border. EDGE: it samples the lesion, but not with the
        margin. MISS: it does not, wherever the needle is in an unknown direction. UNSURE: that cannot be told.
    margin_mm
        The safety margin.
    distance_mm
        From tip to target.
    miss_mm
        From the core to the target's middle.
    sideways_mm
        (3,) RAS, from the needle's line to the target, at right angles to the line.
    is_partly_unknown
        The tip is not known in some direction.
    depth_is_unknown
        That direction is along the needle rather than across it.
    has_fired
        The tip is that of a fired needle: the core is where it is.
    """

    target: Target
    needle: BiopsyNeedle
    error: TargetingError
    forecast: CoreForecast
    verdict: CoreVerdict
    margin_mm: float
    distance_mm: float
    miss_mm: float
    sideways_mm: Array
    is_partly_unknown: bool
    depth_is_unknown: bool
    has_fired: bool

    @property
    def lateral_mm(self) -> float:
        """Length of ``sideways_mm``."""
        return float(np.linalg.norm(self.sideways_mm))

    @classmethod
    def of(
        cls, tracked: TrackedPose, target: Target, needle: BiopsyNeedle, margin_mm: float = DEFAULT_MARGIN_MM
    ) -> Assessment | None:
        """Assess a tracked pose; None where it carries no numbers."""
        forecast = CoreForecast.of(tracked, target, needle)
        if forecast is None or tracked.tip is None or tracked.axis is None:
            return None
        known = np.eye(3)
        if tracked.tip_covariance is not None:
            known = KnownDirections.of(tracked.tip_covariance).known
        to_target = target.position - tracked.tip
        sideways = to_target - (to_target @ tracked.axis) * tracked.axis
        is_partly_unknown = len(known) < 3
        miss = _miss_mm(known @ to_target, known @ tracked.axis, forecast.core_mm)
        return cls(
            target=target,
            needle=needle,
            error=TargetingError.of(tracked.tip, tracked.axis, target.position, target.entry),
            forecast=forecast,
            verdict=_verdict(miss, target, margin_mm, is_partly_unknown or _direction_is_unknown(tracked)),
            margin_mm=margin_mm,
            distance_mm=float(np.linalg.norm(known @ to_target)),
            miss_mm=miss,
            sideways_mm=known.T @ (known @ sideways),
            is_partly_unknown=is_partly_unknown,
            depth_is_unknown=float(np.linalg.norm(known @ tracked.axis)) < _KNOWN_SHARE,
            has_fired=tracked.tip_is_fired,
        )


def _miss_mm(to_target: Array, axis: Array, core: tuple[float, float]) -> float:
    """Distance of a target from the core, both seen along the directions that are known."""
    squared = float(axis @ axis)
    along = core[0] if squared == 0.0 else min(max(float(to_target @ axis) / squared, core[0]), core[1])
    return float(np.linalg.norm(to_target - along * axis))


def _verdict(miss_mm: float, target: Target, margin_mm: float, is_unknown: bool) -> CoreVerdict:
    if miss_mm > target.radius_mm:
        return CoreVerdict.MISS
    if is_unknown:
        return CoreVerdict.UNSURE
    return CoreVerdict.HIT if miss_mm <= target.radius_mm - margin_mm else CoreVerdict.EDGE


def _direction_is_unknown(tracked: TrackedPose) -> bool:
    covariance = tracked.axis_covariance
    if covariance is None:
        return False
    return not np.all(np.isfinite(covariance)) or bool(np.linalg.eigvalsh(covariance)[-1] >= UNKNOWN_DIRECTION)
