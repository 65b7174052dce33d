"""Which of the bars is the guide, and which of its ends is the tip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.straight_view import STEP_MM, straighten
from InstrumentTrackerLib.localization.expected_pose import ExpectedPose
from InstrumentTrackerLib.localization.masks.shaft import Shaft
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# Bars at least this good compared with the best one may be the guide as well; at most so many are examined.
COMPARABLE, MOST = 0.4, 3
# A bar that ends this near to the border of the image goes on outside.
BORDER_MM = 6.0
# Votes for an end being the tip: along the usual direction, needle beyond it, the image's border at the other end.
INWARD_VOTE, NEEDLE_VOTE, BORDER_VOTE = 2.0, 2.0, 2.0
# The needle is looked for here, mm beyond the bar's end, and this much of it decides, mm2.
NEEDLE_MM, NEEDLE_MM2 = 25.0, 20.0
NEEDLE_HALF_MM = 4.0


def comparable_shafts(shafts: list[Shaft], plane: ImagePlane, prediction: ExpectedPose | None) -> list[Shaft]:
    """The bars to be examined: those that may be the guide, or with a prediction the one of them nearest to it.

    Parameters
    ----------
    shafts
        Best first, at least one.
    """
    comparable = [shaft for shaft in shafts if shaft.score >= COMPARABLE * shafts[0].score][:MOST]
    if prediction is None or prediction.tip is None or prediction.axis is None:
        return comparable
    expected, _ = plane.from_ras(prediction.tip)
    direction = plane.direction_to_plane(prediction.axis)[:2]

    def distance(shaft: Shaft) -> float:
        aside = abs(float((expected - shaft.line.point(shaft.middle)) @ shaft.line.normal))
        turned = abs(float(shaft.line.normal @ direction))
        return aside + turned * (shaft.high - shaft.low) / 2

    return [min(comparable, key=distance)]


def toward_tip(shaft: Shaft, needle: NDArray[np.float32], plane: ImagePlane) -> Shaft:
    """The bar with its line directed from outside toward the tip.

    Parameters
    ----------
    needle
        Probability (slice, row, col).
    """
    needle = needle.max(axis=0, keepdims=True)
    other = shaft.reversed()
    votes = INWARD_VOTE * float(shaft.line.direction @ plane.inward)
    votes += NEEDLE_VOTE * (_needle_beyond(shaft, needle, plane) - _needle_beyond(other, needle, plane))
    votes += BORDER_VOTE * (leaves_image(other, plane) - leaves_image(shaft, plane))
    return shaft if votes >= 0 else other


def leaves_image(shaft: Shaft, plane: ImagePlane) -> bool:
    """Whether the far end of the bar lies at the border of the image."""
    end = shaft.line.point(shaft.high)
    return bool(np.any(np.abs(end) > plane.half_size - BORDER_MM))


def _needle_beyond(shaft: Shaft, needle: NDArray[np.float32], plane: ImagePlane) -> float:
    """0..1: needle beyond the far end."""
    along = np.arange(shaft.high, shaft.high + NEEDLE_MM, 1.0)
    view = straighten(needle, plane, shaft.line, along, reach_mm=NEEDLE_HALF_MM)
    area = float(view.data.max(axis=0).sum()) * STEP_MM
    return min(1.0, area / NEEDLE_MM2)
