"""The guide measured in a mask and in its picture, before the two are weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.axis_refinement import AxisFit, refine_axis
from InstrumentTrackerLib.localization.appearance.guide_profile import evidence_along_axis
from InstrumentTrackerLib.localization.appearance.guide_tip import GuideTip, find_guide_tip
from InstrumentTrackerLib.localization.appearance.straight_view import ALONG_STEP_MM, STEP_MM, straighten
from InstrumentTrackerLib.localization.expected_pose import ExpectedPose
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.masks.end_profile import BEFORE_MM, BEYOND_MM, EndFit, fit_end
from InstrumentTrackerLib.localization.masks.shaft import CORE_MM, REACH_MM, Shaft, find_shafts, slices_with
from InstrumentTrackerLib.localization.masks.shaft_choice import comparable_shafts, leaves_image, toward_tip
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# The core of a round end, averaged over its width, ends this much before its outermost point.
ROUND_END_MM = 0.4
# The picture is searched for axis and tip this far about what the mask says.
AXIS_REACH_DEG, AXIS_REACH_MM, TIP_REACH_MM = 2.0, 2.0, 6.0
# Middle of the stretch that is refined in the picture, mm before the tip.
STRETCH_MM = 30.0
# Rows whose slices are weighed, and whose probability is averaged, mm before the end.
NEAR_END_MM, SHAFT_MM = 25.0, 50.0
# What the model of the tip in the picture looks at, mm.
BEHIND_MM, AHEAD_MM = 40.0, 36.0

Pixels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class GuideMeasurement:
    """The guide in one frame.

    Attributes
    ----------
    shaft
        The bar in the mask, directed toward the tip.
    second
        The best of the other bars, None without.
    end
        End of its probability along ``shaft.line``.
    mean
        Mean probability along its last 50 mm.
    fit
        Axis in the picture.
    image_tip
        Guide tip in the picture, along ``fit.line``.
    slice_index
        Where the tip is seen best.
    """

    shaft: Shaft
    second: Shaft | None
    end: EndFit
    mean: float
    fit: AxisFit
    image_tip: GuideTip
    slice_index: int

    @property
    def mask_tip(self) -> float:
        """Guide tip in the mask, mm along ``shaft.line``."""
        return self.end.position + ROUND_END_MM - CAP_REACH_MM

    @property
    def tips_apart_mm(self) -> float:
        """Picture less mask, along the axis."""
        point = self.fit.line.point(self.image_tip.along)
        return float(point @ self.shaft.line.direction) - self.mask_tip

    @property
    def axes_apart_mm(self) -> float:
        """Picture less mask, across the axis at the tip."""
        at_tip = self.shaft.line.point(self.mask_tip)
        across = float(self.fit.line.normal @ at_tip) - self.fit.line.offset
        return -across

    @property
    def axes_apart(self) -> float:
        """Angle from the axis in the mask to that in the picture, radians."""
        turn = self.fit.line.angle - self.shaft.line.angle
        return float((turn + np.pi) % (2 * np.pi) - np.pi)


def measure_guides(
    pixels: Pixels, guide: Pixels, needle: Pixels, plane: ImagePlane, prediction: ExpectedPose | None
) -> list[GuideMeasurement]:
    """Each bar that may be the guide and ends inside the image, the best in the mask first.

    Parameters
    ----------
    pixels
        (slice, row, col), relative to the 99th percentile.
    guide, needle
        Probabilities (slice, row, col).
    """
    shafts = find_shafts(guide, plane)
    if not shafts:
        return []
    measured = []
    for chosen in comparable_shafts(shafts, plane, prediction):
        second = next((shaft for shaft in shafts if shaft is not chosen), None)
        measured.append(_measured(pixels, guide, plane, toward_tip(chosen, needle, plane), second))
    return [measurement for measurement in measured if measurement is not None]


def _measured(
    pixels: Pixels, guide: Pixels, plane: ImagePlane, shaft: Shaft, second: Shaft | None
) -> GuideMeasurement | None:
    if leaves_image(shaft, plane):
        return None
    slices = slices_with(shaft, guide, plane)
    along = np.arange(shaft.high - SHAFT_MM - BEFORE_MM, shaft.high + BEYOND_MM + 2, ALONG_STEP_MM)
    view = straighten(guide, plane, shaft.line, along, slices, REACH_MM)
    mass = view.data[:, (along > shaft.high - NEAR_END_MM) & (along < shaft.high)].sum(axis=(1, 2))
    # A slice beside the axis cuts the round cap short: practically only the widest cut counts.
    weight = (mass / max(float(mass.max()), 1e-9)) ** 8
    profile = weight @ view.band(-CORE_MM, CORE_MM) / weight.sum()
    end = fit_end(along[view.inside], profile[view.inside], shaft.high)
    if end is None:
        return None
    slice_index = slices[int(mass.argmax())]
    tip = end.position + ROUND_END_MM - CAP_REACH_MM
    fit = refine_axis(
        pixels,
        plane,
        shaft.line,
        tip - STRETCH_MM,
        slice_index,
        reach_deg=AXIS_REACH_DEG,
        search_mm=AXIS_REACH_MM,
    )
    return GuideMeasurement(
        shaft=shaft,
        second=second,
        end=end,
        mean=float(profile[(along > end.position - SHAFT_MM) & (along < end.position)].mean()),
        fit=fit,
        image_tip=_image_tip(pixels, plane, fit, shaft.line.point(tip), slice_index),
        slice_index=slice_index,
    )


def _image_tip(pixels: Pixels, plane: ImagePlane, fit: AxisFit, tip: NDArray[np.float64], slice_index: int) -> GuideTip:
    along = float(tip @ fit.line.direction)
    rows = np.arange(along - TIP_REACH_MM - BEHIND_MM, along + TIP_REACH_MM + AHEAD_MM, ALONG_STEP_MM)
    view = straighten(pixels, plane, fit.line, rows, [slice_index])
    evidence = evidence_along_axis(view.data, STEP_MM, fit.gel_mm)[0]
    return find_guide_tip(view, 0, fit.gel_mm, evidence, along - TIP_REACH_MM, along + TIP_REACH_MM)
