"""Mask and picture weighed against each other: one axis, one guide tip, one depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from InstrumentTrackerLib.localization.appearance.straight_view import ALONG_STEP_MM, StraightView, straighten
from InstrumentTrackerLib.localization.appearance.through_plane import ThroughPlane, find_through_plane
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.localization.masks.chord_depth import HALF_WIDTH_MM, find_chord_depth
from InstrumentTrackerLib.localization.masks.guide_measurement import GuideMeasurement, Pixels
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

# Measurements that differ by more standard deviations are not of the same thing; the mask's counts.
GATE = 3.0
# An axis without walls and lines to be seen is worth as much less as its evidence is below 1.
LEAST_SCORE = 0.25
# What is looked at, mm from the guide tip.
BEFORE_MM, BEYOND_MM = 64.0, 58.0
# Slices on either side of the guide.
NEIGHBORS = 2


@dataclass(frozen=True, eq=False)
class GuideEstimate:
    """The guide as it is reported, with the spreads that the weighing states.

    Attributes
    ----------
    line, tip
        Axis, and guide tip along it, mm.
    slices
        Those that can see the instrument.
    view
        The picture about the axis in these slices.
    along_std_mm, across_std_mm
        Of the tip in the plane.
    slice_index
        Slice that ``depth`` is counted from.
    depth
        Through the plane; None where it is not known.
    depth_routes
        The same by mask and by picture alone.
    """

    line: Line
    tip: float
    along_std_mm: float
    across_std_mm: float
    slice_index: int
    slices: list[int]
    view: StraightView
    depth: ThroughPlane | None = None
    depth_routes: tuple[ThroughPlane | None, ThroughPlane | None] = (None, None)


def weigh(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """Value and standard deviation of two measurements of one thing; the first alone if they contradict each other."""
    if abs(first[0] - second[0]) > GATE * np.hypot(first[1], second[1]):
        return first
    share = second[1] ** 2 / (first[1] ** 2 + second[1] ** 2)
    return (
        share * first[0] + (1 - share) * second[0],
        first[1] * second[1] / float(np.hypot(first[1], second[1])),
    )


def image_axis_doubt(measurement: GuideMeasurement) -> float:
    """Grows as walls and lines fade."""
    return 1.0 / max(measurement.fit.score, LEAST_SCORE)


def mask_axis_std(measurement: GuideMeasurement) -> float:
    """Of the axis across, at the tip, as the straight line through the mask states it."""
    shaft = measurement.shaft
    return float(np.hypot(shaft.offset_std_mm, shaft.angle_std * (measurement.mask_tip - shaft.middle)))


def estimate_guide(
    pixels: Pixels, guide: Pixels, plane: ImagePlane, measurement: GuideMeasurement, calibration: Calibration
) -> GuideEstimate:
    """Weigh by what the calibration says that each is worth."""
    spreads, shaft = calibration.spreads, measurement.shaft
    across, across_std = weigh(
        (0.0, spreads["mask_axis"].std_mm(mask_axis_std(measurement))),
        (measurement.axes_apart_mm, spreads["image_axis"].std_mm(image_axis_doubt(measurement))),
    )
    share = across / measurement.axes_apart_mm if abs(measurement.axes_apart_mm) > 1e-6 else 0.0
    along, along_std = weigh(
        (0.0, spreads["mask_tip"].std_mm(measurement.end.std_mm)),
        (measurement.tips_apart_mm, spreads["image_tip"].std_mm(measurement.image_tip.std_mm)),
    )
    point = shaft.line.point(measurement.mask_tip + along, across)
    turned = shaft.line.angle + share * measurement.axes_apart
    line = Line.through(point, (np.cos(turned), np.sin(turned)))
    tip = float(point @ line.direction)
    k, spacing = measurement.slice_index, float(plane.spacing[2])
    slices = list(range(max(0, k - NEIGHBORS), min(plane.shape[0], k + NEIGHBORS + 1)))
    rows = np.arange(tip - BEFORE_MM, tip + BEYOND_MM, ALONG_STEP_MM)
    view = straighten(pixels, plane, line, rows, slices)
    in_mask = straighten(guide, plane, line, rows[rows < tip], slices, HALF_WIDTH_MM)
    routes = (
        find_chord_depth(in_mask, slices.index(k), tip, spacing),
        find_through_plane(view, slices.index(k), tip, spacing),
    )
    return GuideEstimate(
        line, tip, along_std, across_std, k, slices, view, depth=_depth(*routes, calibration), depth_routes=routes
    )


def _depth(mask: ThroughPlane | None, image: ThroughPlane | None, calibration: Calibration) -> ThroughPlane | None:
    if mask is None or image is None:
        return mask or image
    mask_std = calibration.spreads["mask_depth"].std_mm(mask.std_mm)
    image_std = calibration.spreads["image_depth"].std_mm(image.std_mm)
    offset, std = weigh((mask.offset_mm, mask_std), (image.offset_mm, image_std))
    slope, _ = weigh((mask.slope, mask_std), (image.slope, image_std))
    return ThroughPlane(offset, slope, std)
