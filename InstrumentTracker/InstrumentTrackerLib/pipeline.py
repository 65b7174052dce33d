"""Picture in, needle out: localization, tracking and targeting as a plain object without sockets."""

from __future__ import annotations

from dataclasses import dataclass

from TemporalReconLib.acquisition.image_frame import ImageFrame

from InstrumentTrackerLib.localization.classical_localizer import ClassicalLocalizer
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose
from InstrumentTrackerLib.tracking.tracker import Tracker


@dataclass(frozen=True, eq=False)
class Guidance:
    """Everything known of one frame.

    Attributes
    ----------
    image
        The picture.
    mask
        Guide and needle pixels, None where nothing was found.
    pose
        As measured in this frame.
    tracked
        As far as it can be trusted.
    error
        Against the target; None without a target or without numbers.
    """

    image: ImageFrame
    mask: InstrumentMask | None
    pose: InstrumentPose
    tracked: TrackedPose
    error: TargetingError | None


class TrackingPipeline:
    """Follows the instrument through a series of pictures."""

    def __init__(self, target: Target | None = None) -> None:
        self.target = target
        self._localizer = ClassicalLocalizer()
        self._tracker = Tracker()
        self._last: TrackedPose | None = None

    def push(self, image: ImageFrame) -> Guidance:
        """Locate, follow and measure in one picture; in one that its own method doubts, nothing is visible."""
        pose, mask = self._located(image)
        tracked = self._tracker.update(pose)
        self._last = tracked
        return Guidance(
            image=image,
            mask=mask if tracked.state.has_numbers else None,
            pose=pose,
            tracked=tracked,
            error=error_of(tracked, self.target),
        )

    def _located(self, image: ImageFrame) -> tuple[InstrumentPose, InstrumentMask | None]:
        if image.is_unreliable:
            return InstrumentPose(index=image.index, time_s=image.mid_acquisition_time), None
        return self._localizer.locate(image, self._last)

    def reset(self) -> None:
        """Forget the series; the target stays."""
        self._tracker.reset()
        self._last = None


def error_of(tracked: TrackedPose, target: Target | None) -> TargetingError | None:
    """Tip against target, or None where one of them is not known."""
    if target is None or tracked.tip is None or tracked.axis is None:
        return None
    return TargetingError.of(tracked.tip, tracked.axis, target.position, target.entry)
