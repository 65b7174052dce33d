"""Picture in, needle out: localization, tracking and targeting as a plain object without sockets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

from InstrumentTrackerLib.localization.classical.classical_localizer import ClassicalLocalizer
from InstrumentTrackerLib.localization.expected_pose import ExpectedPose
from InstrumentTrackerLib.localization.instrument_pose import MAX_NEEDLE_ACCELERATION, MIN_CONFIDENCE, InstrumentPose
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.localization.masks.mask_localizer import MaskLocalizer
from InstrumentTrackerLib.localization.pose_fusion import fuse, fuse_guide
from InstrumentTrackerLib.localization.samples.guide_course import GuideCourse
from InstrumentTrackerLib.localization.samples.sample_localizer import SampleLocalizer
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.segmentation.segmenter import Segmenter
from InstrumentTrackerLib.targeting.artifact_correction import ArtifactCorrection
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

    @property
    def labels(self) -> NDArray[np.uint8]:
        """uint8 (slice, row, col): 0 background, 1 guide, 2 needle; all 0 without a mask."""
        return np.zeros(self.image.data.shape, np.uint8) if self.mask is None else self.mask.labels


class TrackingPipeline:
    """Follows the instrument through a series of pictures and, where they are at hand, of their samples.

    Parameters
    ----------
    target
        What the tip is measured against; may be changed at any time.
    segmenter
        Marks guide and needle in each picture; None: the learning-free localizer does without.
    correction
        From the void's end to the metal's; None: the tip is that of the void.
    calibration
        What the segmenter's masks are worth; None: as those of the network that comes with the product.
    """

    def __init__(
        self,
        target: Target | None = None,
        segmenter: Segmenter | None = None,
        correction: ArtifactCorrection | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self.target = target
        self._segmenter = segmenter
        self._correction = correction
        self._classical, self._localizer = ClassicalLocalizer(), MaskLocalizer(calibration)
        self._samples = SampleLocalizer()
        self._tracker = Tracker()
        self._last: ExpectedPose | None = None

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """Begin a new series with this planning scan, from which coil sensitivities come."""
        self.reset()
        self._samples.set_planning(planning)

    def ingest(self, frame: KSpaceFrame) -> None:
        """Take a frame's samples, before its picture and whether or not that is ever pushed."""
        self._samples.ingest(frame)

    def push(self, image: ImageFrame) -> Guidance:
        """Locate, follow and measure in one picture; in one that its own method doubts, the guide alone.

        If the samples of the picture were the last that came in, both tips are measured in both.
        """
        pose, mask, course = self._in_picture(image)
        is_seen = pose.certainty_of_guide >= MIN_CONFIDENCE
        sight = self._samples.find_guide(image, course, is_seen, self._tracker.is_following)
        pose = fuse_guide(pose, sight, self._samples.has_many_lines)
        pose = fuse(pose, self._samples.localize(image, self._last, self._tracker.needle_seen_once))
        if (image.acceleration > MAX_NEEDLE_ACCELERATION or image.is_unreliable) and pose.needle_tip is not None:
            pose = pose.without_needle()
        tracked = self._tracker.update(pose, is_reliable=not image.is_unreliable)
        # Pictures show voids: the next one is searched where this one's void was, not where its metal is.
        self._last = self._tracker.last_place or tracked
        if self._correction is not None:
            tracked = self._correction.apply(tracked, image.ijk_to_ras)
        return Guidance(
            image=image,
            mask=mask if tracked.state.has_numbers else None,
            pose=pose,
            tracked=tracked,
            error=error_of(tracked, self.target),
        )

    def _in_picture(self, image: ImageFrame) -> tuple[InstrumentPose, InstrumentMask | None, GuideCourse | None]:
        """What the picture alone shows, and where the samples are to look for the guide, however doubtful it is."""
        if self._segmenter is None:
            pose, mask = self._classical.locate(image, self._last)
            return pose, mask, GuideCourse.of(pose, ImagePlane.of(image))
        mask = self._segmenter.segment(image)
        finding = self._localizer.find(image, mask, self._last)
        pose = self._localizer.pose_of(finding, image)
        if finding is None:
            return pose, mask, None
        return pose, mask, GuideCourse(finding.guide.line, finding.guide.tip + CAP_REACH_MM, finding.slice_at_tip)

    def reset(self) -> None:
        """Forget the series and its planning scan; the target stays."""
        self._samples.reset()
        self._tracker.reset()
        self._last = None

    def restart(self) -> None:
        """Begin a new series of the same place: the planning scan stays."""
        self._samples.restart()
        self._tracker.reset()
        self._last = None


def error_of(tracked: TrackedPose, target: Target | None) -> TargetingError | None:
    """Tip against target, or None where one of them is not known."""
    if target is None or tracked.tip is None or tracked.axis is None:
        return None
    return TargetingError.of(tracked.tip, tracked.axis, target.position, target.entry)
