"""Where something that finds the instrument says that it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose, Point
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

# State of a frame that was measured without a tracker.
MEASURED, NOT_FOUND = "measured", "not found"


@dataclass(frozen=True, eq=False)
class ReportedPose:
    """What is reported of one frame (mm, RAS), by the product or by another method.

    Attributes
    ----------
    state
        A tracking state, or :data:`MEASURED` and :data:`NOT_FOUND` without a tracker.
    guide_tip, needle_tip, axis
        None where not known.
    confidence
        0..1.
    covariance
        (3, 3) mm2 of the needle tip, else of the guide tip; None where none is stated.
    mask
        None where there is none.
    seconds
        Spent on segmentation, localization and tracking.
    """

    state: str
    guide_tip: Point | None = None
    needle_tip: Point | None = None
    axis: Point | None = None
    confidence: float = 0.0
    covariance: NDArray[np.float64] | None = None
    mask: InstrumentMask | None = None
    seconds: float = 0.0

    @property
    def has_numbers(self) -> bool:
        """Whether a clinician would see a position."""
        return self.guide_tip is not None or self.needle_tip is not None

    @classmethod
    def of_pose(cls, pose: InstrumentPose, mask: InstrumentMask | None, seconds: float) -> ReportedPose:
        """A measurement without a tracker."""
        is_needle = pose.needle_tip is not None
        return cls(
            state=MEASURED if pose.is_present else NOT_FOUND,
            guide_tip=pose.guide_tip,
            needle_tip=pose.needle_tip,
            axis=pose.axis,
            confidence=pose.confidence,
            covariance=pose.needle_tip_covariance if is_needle else pose.guide_tip_covariance,
            mask=mask,
            seconds=seconds,
        )

    @classmethod
    def of_tracked(cls, tracked: TrackedPose, mask: InstrumentMask | None, seconds: float) -> ReportedPose:
        """As the product reports it."""
        return cls(
            state=tracked.state.value,
            guide_tip=tracked.guide_tip,
            needle_tip=tracked.needle_tip,
            axis=tracked.axis,
            confidence=tracked.confidence,
            covariance=tracked.tip_covariance,
            mask=mask,
            seconds=seconds,
        )
