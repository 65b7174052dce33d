"""Guide tip and axis through time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.tracking.known_directions import KnownDirections
from InstrumentTrackerLib.tracking.motion_filter import MotionFilter, Unrest
from InstrumentTrackerLib.tracking.rules import RESTING_MM

Array = NDArray[np.float64]

# The axis is followed as the vector to the tip from a point this far down the shaft: mm like everything else.
LEVER_MM = 50.0
# Spread of a measured axis.
AXIS_STD_RAD = float(np.deg2rad(1.5))
# A hand slides the guide faster and farther than it pivots it.
GUIDE_HAND = Unrest((80.0, 40.0), (12.0, 4.0), (30.0, 12.0), 0.1)
SHAFT_HAND = Unrest((40.0, 40.0), (4.0, 4.0), (15.0, 15.0), 0.1)


class GuideFilter:
    """Follows a guide from its first pose on, which must have a guide tip and an axis."""

    def __init__(self, pose: InstrumentPose) -> None:
        tip, axis = _parts(pose)
        measured = KnownDirections.of(pose.guide_tip_covariance)
        self._tip = MotionFilter(tip, measured, GUIDE_HAND)
        self._shaft = MotionFilter(LEVER_MM * axis, _shaft_directions(measured), SHAFT_HAND)
        self._tip_before: Array | None = None

    @property
    def tip(self) -> Array:
        return self._tip.position

    @property
    def axis(self) -> Array:
        shaft = self._shaft.position
        return np.asarray(shaft / np.linalg.norm(shaft))

    @property
    def tip_covariance(self) -> Array:
        """(3, 3) mm2."""
        return self._tip.covariance

    @property
    def axis_covariance(self) -> Array:
        """(3, 3) rad2 of the direction; across the axis only."""
        across = np.eye(3) - np.outer(self.axis, self.axis)
        return np.asarray(across @ self._shaft.covariance @ across / LEVER_MM**2)

    @property
    def is_resting(self) -> bool:
        """Whether it is known to be about where it was in the picture before."""
        if self._tip_before is None:
            return False
        return abs(float((self.tip - self._tip_before) @ self.axis)) <= RESTING_MM

    @property
    def tip_velocity(self) -> Array:
        return self._tip.velocity

    @property
    def shaft_velocity(self) -> Array:
        """mm/s of the tip about a point ``LEVER_MM`` down the shaft."""
        return self._shaft.velocity

    def point_at(self, depth_mm: float) -> Array:
        """RAS mm of a point on the axis beyond the guide tip."""
        return np.asarray(self.tip + depth_mm * self.axis)

    def velocity_at(self, depth_mm: float) -> Array:
        """mm/s of a point on the axis beyond the guide tip."""
        return np.asarray(self._tip.velocity + self._shaft.velocity * depth_mm / LEVER_MM)

    def predict(self, seconds: float) -> None:
        axis, self._tip_before = self.axis, self.tip
        self._tip.predict(seconds, axis)
        self._shaft.predict(seconds, axis)

    def agreement(self, pose: InstrumentPose) -> float | None:
        """How well tip and axis fit what was expected, 0 to 1; None if they contradict it."""
        tip, axis = _parts(pose)
        measured = KnownDirections.of(pose.guide_tip_covariance)
        fits = (
            self._tip.agreement(tip, measured, self.axis),
            self._shaft.agreement(LEVER_MM * axis, _shaft_directions(measured), self.axis),
        )
        return None if fits[0] is None or fits[1] is None else min(fits[0], fits[1])

    def update(self, pose: InstrumentPose) -> None:
        tip, axis = _parts(pose)
        measured = KnownDirections.of(pose.guide_tip_covariance)
        self._tip.update(tip, measured)
        self._shaft.update(LEVER_MM * axis, _shaft_directions(measured))

    def halt(self, seconds: float) -> None:
        self._tip.halt(seconds)
        self._shaft.halt(seconds)


def _shaft_directions(tip: KnownDirections) -> KnownDirections:
    """Where the tip's position through the plane is unknown, so is the axis' slope through it."""
    return KnownDirections(tip.known, np.full(len(tip.known), (LEVER_MM * AXIS_STD_RAD) ** 2), tip.unknown)


def _parts(pose: InstrumentPose) -> tuple[Array, Array]:
    if pose.guide_tip is None or pose.axis is None:
        raise ValueError("a guide is followed by its tip and its axis")
    return pose.guide_tip, pose.axis
