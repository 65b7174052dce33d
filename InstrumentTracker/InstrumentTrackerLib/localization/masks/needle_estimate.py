"""The needle's end from mask and picture, weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from InstrumentTrackerLib.localization.appearance.needle_tip import NeedleTip, find_needle_tip
from InstrumentTrackerLib.localization.appearance.straight_view import straighten
from InstrumentTrackerLib.localization.appearance.through_plane import NEEDLE_TILT
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.localization.masks.guide_estimate import GuideEstimate, weigh
from InstrumentTrackerLib.localization.masks.guide_measurement import Pixels
from InstrumentTrackerLib.localization.masks.image_confidence import NeedleEvidence
from InstrumentTrackerLib.localization.masks.needle_course import NeedleCourse, find_needle
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# A bent one stays this near to the guide's axis.
SIDEWAYS_MM = 9.0


@dataclass(frozen=True, eq=False)
class NeedleEstimate:
    """The needle's end in coordinates of the guide's line.

    Attributes
    ----------
    course
        In the mask.
    image_tip
        In the picture; None where it shows none.
    along, across, along_std_mm, across_std_mm
        mm, as the weighing states them.
    depth_std_mm
        Through the plane; None where the guide's depth is not known.
    evidence
        For the confidence.
    """

    course: NeedleCourse
    image_tip: NeedleTip | None
    along: float
    across: float
    along_std_mm: float
    across_std_mm: float
    depth_std_mm: float | None
    evidence: NeedleEvidence


def estimate_needle(
    needle: Pixels,
    plane: ImagePlane,
    guide: GuideEstimate,
    calibration: Calibration,
    quality: float | None,
) -> NeedleEstimate | None:
    """The mask decides whether there is a needle; the picture helps to tell where it ends."""
    rows = guide.view.along[guide.view.along > guide.tip]
    course = find_needle(straighten(needle, plane, guide.line, rows, guide.slices, SIDEWAYS_MM), guide.tip)
    if course is None:
        return None
    image_tip = find_needle_tip(guide.view, list(range(len(guide.slices))), guide.tip)
    along = (course.end.position, calibration.spreads["mask_needle"].std_mm(course.end.std_mm))
    if image_tip is not None:
        along = weigh(along, (image_tip.along, calibration.spreads["image_needle"].std_mm(image_tip.std_mm)))
    reach = along[0] - guide.tip
    depth_std = None
    if guide.depth is not None:
        depth_std = float(np.hypot(guide.depth.std_mm, NEEDLE_TILT * reach))
    return NeedleEstimate(
        course=course,
        image_tip=image_tip,
        along=along[0],
        across=course.across,
        along_std_mm=along[1],
        across_std_mm=float(np.hypot(guide.across_std_mm, course.across_std_mm)),
        depth_std_mm=depth_std,
        evidence=NeedleEvidence.of(course, image_tip, guide.tip, quality),
    )
