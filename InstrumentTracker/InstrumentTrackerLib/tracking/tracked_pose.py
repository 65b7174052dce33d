"""Where the instrument is, as far as it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.localization.instrument_pose import Point, validated_axis, validated_point
from InstrumentTrackerLib.tracking.motion import Motion


class TrackingState(str, Enum):
    """What the numbers of a frame are worth."""

    TRACKED = "tracked"
    PREDICTED = "predicted"
    LOST = "lost"
    ABSENT = "absent"

    @property
    def has_numbers(self) -> bool:
        return self in (TrackingState.TRACKED, TrackingState.PREDICTED)


@dataclass(frozen=True, eq=False)
class TrackedPose:
    """Filtered pose with an explicit state; only ``tracked`` and ``predicted`` carry numbers.

    Attributes
    ----------
    state
        ``tracked`` (measured in this frame), ``predicted`` (filter only, short), ``lost`` (was there, is not
        found; or the picture cannot be believed), ``absent`` (no instrument seen so far, or withdrawn); the rules
        stand in ``tracking/rules.py``.
    guide_tip, needle_tip, axis
        As in :class:`~InstrumentTrackerLib.localization.instrument_pose.InstrumentPose`; None without numbers.
    confidence
        0..1: of this frame's measurement, times how well it fits what was expected.
    tip_covariance
        (3, 3) mm2 of ``tip``; a variance of 1e4 and more means unknown.
    axis_covariance
        (3, 3) rad2 of the direction of ``axis``, across it.
    motion
        Class of the present motion.
    has_fired
        The needle was fired and not pulled back since.
    artifact_correction_mm
        By how much ``needle_tip`` was moved back along the axis from the end of the void; None where it was not
        (``targeting/artifact_correction.py``).
    index, time_s
        Frame number; mid-acquisition time in s.
    """

    state: TrackingState
    guide_tip: Point | None = None
    needle_tip: Point | None = None
    axis: Point | None = None
    confidence: float = 0.0
    tip_covariance: NDArray[np.float64] | None = None
    index: int = 0
    time_s: float = 0.0
    axis_covariance: NDArray[np.float64] | None = None
    motion: Motion | None = None
    has_fired: bool = False
    artifact_correction_mm: float | None = None

    def __post_init__(self) -> None:
        for name in ("guide_tip", "needle_tip"):
            object.__setattr__(self, name, validated_point(getattr(self, name), f"tracked pose {self.index} {name}"))
        object.__setattr__(self, "axis", validated_axis(self.axis, f"tracked pose {self.index} axis"))
        carries = self.guide_tip is not None or self.needle_tip is not None or self.axis is not None
        if carries and not self.state.has_numbers:
            raise InputError(f"tracked pose {self.index}: state {self.state.value} must not carry numbers")
        if self.state.has_numbers and (self.axis is None or self.tip is None):
            raise InputError(f"tracked pose {self.index}: state {self.state.value} needs an axis and a tip")

    @property
    def tip_is_fired(self) -> bool:
        """Whether the reported tip is that of a fired needle, also while the shot waits for its second sight."""
        return self.has_fired or self.motion is Motion.FIRING

    @property
    def tip(self) -> Point | None:
        """The needle tip, else the guide tip, RAS mm."""
        return self.needle_tip if self.needle_tip is not None else self.guide_tip
