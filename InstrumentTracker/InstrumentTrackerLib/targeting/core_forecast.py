"""Whether a core taken now would sample the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.sampling_probability import sampling_probability
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.known_directions import UNKNOWN_FROM
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

Array = NDArray[np.float64]

# A direction less certain than this (rad2) is unknown.
UNKNOWN_DIRECTION = 0.25


@dataclass(frozen=True)
class CoreForecast:
    """What a straight shot from the present tip would take; after a shot, what it took.

    From a guide tip, while no needle is seen, the forecast is that of a needle whose tip lies there.

    Attributes
    ----------
    core_mm
        Begin and end of the core along the axis, mm from the present tip.
    miss_mm
        Distance of the target's middle from the core.
    would_sample
        The core comes within the target's radius of its middle.
    probability
        Of that, given the uncertainty of tip and axis, 0 to 1; None where the position through the plane, or the
        uncertainty altogether, is unknown. The target and the tissue are taken to rest.
    advance_mm
        To advance by hand before firing (negative: to pull back) so that the notch's middle comes beside the target.
    probability_after_advance
        The same probability after that straight advance.
    """

    core_mm: tuple[float, float]
    miss_mm: float
    would_sample: bool
    probability: float | None
    advance_mm: float
    probability_after_advance: float | None

    @classmethod
    def of(cls, tracked: TrackedPose, target: Target, needle: BiopsyNeedle) -> CoreForecast | None:
        """Forecast for a tracked pose; None where it carries no numbers."""
        if tracked.tip is None or tracked.axis is None:
            return None
        core = needle.core(tracked.tip_is_fired)
        basis = _basis(tracked.axis)
        offset = basis @ (target.position - tracked.tip)
        across, depth = float(np.hypot(*offset[:2])), float(offset[2])
        miss = float(np.hypot(across, max(core[0] - depth, depth - core[1], 0.0)))
        advance = depth - 0.5 * (core[0] + core[1])

        def probability(advanced_mm: float) -> float | None:
            covariances = _covariances(tracked, basis)
            if covariances is None:
                return None
            # The tip moves, the core's distance from where the direction was measured grows with it.
            shifted = (core[0] + advanced_mm, core[1] + advanced_mm)
            return sampling_probability(offset, shifted, target.radius_mm, *covariances)

        return cls(
            core_mm=core,
            miss_mm=miss,
            would_sample=miss <= target.radius_mm,
            probability=probability(0.0),
            advance_mm=advance,
            probability_after_advance=probability(advance),
        )


def _basis(axis: Array) -> Array:
    """(3, 3) rows: two directions across the axis and the axis."""
    across = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(axis, across), axis])


def _covariances(tracked: TrackedPose, basis: Array) -> tuple[Array, Array] | None:
    """Of tip and direction in the needle's frame; None where they are unknown."""
    if tracked.tip_covariance is None:
        return None
    tip = basis @ tracked.tip_covariance @ basis.T
    direction = np.zeros((2, 2))
    if tracked.axis_covariance is not None:
        direction = basis[:2] @ tracked.axis_covariance @ basis[:2].T
    if not (np.all(np.isfinite(tip)) and np.all(np.isfinite(direction))):
        return None
    if np.linalg.eigvalsh(tip)[-1] >= UNKNOWN_FROM or np.linalg.eigvalsh(direction)[-1] >= UNKNOWN_DIRECTION:
        return None
    return tip, direction
