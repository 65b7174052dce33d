"""How far the instrument is from the planned biopsy target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import angle_deg

from InstrumentTrackerLib.localization.instrument_pose import validated_axis, validated_point

# A path this short has no direction: tip or entry point is on the target.
_NO_LENGTH_MM = 1e-9


@dataclass(frozen=True)
class TargetingError:
    """Tip against target, split as a clinician steers: sideways and along the needle.

    Attributes
    ----------
    distance_mm
        Straight distance tip to target.
    lateral_mm
        Distance of the target from the instrument's axis, taken as an endless line.
    depth_mm
        Along the axis from tip to target: positive, still to advance; negative, gone past.
    angle_deg
        Between the instrument's axis and the planned path (entry to target); without an entry point, the
        direction from tip to target. 0..180.
    """

    distance_mm: float
    lateral_mm: float
    depth_mm: float
    angle_deg: float

    def __post_init__(self) -> None:
        if not all(np.isfinite([self.distance_mm, self.lateral_mm, self.depth_mm, self.angle_deg])):
            raise InputError("targeting error: all numbers must be finite")
        if self.distance_mm < 0 or self.lateral_mm < 0 or not 0 <= self.angle_deg <= 180:
            raise InputError("targeting error: distances must be >= 0 and the angle within 0..180 deg")

    @property
    def projected_miss_mm(self) -> float:
        """Distance of the target from the line ahead: ``lateral_mm``, or ``distance_mm`` once it is passed."""
        return self.lateral_mm if self.depth_mm >= 0 else self.distance_mm

    @classmethod
    def of(cls, tip: ArrayLike, axis: ArrayLike, target: ArrayLike, entry: ArrayLike | None = None) -> TargetingError:
        """Measure from a tip (RAS mm), a unit axis toward the tip, a target and an optional entry point.

        Raises
        ------
        InputError
            If tip, axis or target is missing, a point is not finite, or the axis is not of unit length.
        """
        tip_point, target_point = validated_point(tip, "tip"), validated_point(target, "target")
        unit_axis, entry_point = validated_axis(axis, "axis"), validated_point(entry, "entry")
        if tip_point is None or target_point is None or unit_axis is None:
            raise InputError("targeting error: needs a tip, an axis and a target")
        to_target = target_point - tip_point
        depth = float(to_target @ unit_axis)
        lateral = float(np.linalg.norm(to_target - depth * unit_axis))
        path = to_target if entry_point is None else target_point - entry_point
        return cls(
            distance_mm=float(np.linalg.norm(to_target)),
            lateral_mm=lateral,
            depth_mm=depth,
            angle_deg=angle_deg(unit_axis, path) if np.linalg.norm(path) >= _NO_LENGTH_MM else 0.0,
        )
