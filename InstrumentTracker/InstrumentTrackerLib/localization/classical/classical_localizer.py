"""Finds guide and needle by what they look like, without learning: baseline and fallback."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import directions_of

from InstrumentTrackerLib.localization.appearance.axis_refinement import AxisFit, line_imbalance, refine_axis
from InstrumentTrackerLib.localization.appearance.confidence import REFUSE_BELOW, guide_confidence, with_prior
from InstrumentTrackerLib.localization.appearance.guide_profile import evidence_along_axis
from InstrumentTrackerLib.localization.appearance.guide_tip import GuideTip, find_guide_tip
from InstrumentTrackerLib.localization.appearance.needle_tip import MAX_REACH_MM, find_needle_tip
from InstrumentTrackerLib.localization.appearance.straight_view import STEP_MM, StraightView, straighten
from InstrumentTrackerLib.localization.appearance.through_plane import NEEDLE_TILT, find_through_plane
from InstrumentTrackerLib.localization.classical.global_search import find_candidates
from InstrumentTrackerLib.localization.drawn_mask import draw_mask
from InstrumentTrackerLib.localization.expected_pose import ExpectedPose
from InstrumentTrackerLib.localization.instrument_pose import UNKNOWN_VARIANCE, InstrumentPose
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask, empty_mask

CANDIDATES = 6
# The guide tip is searched from before to beyond the middle of the stretch that was found, mm.
BEFORE_MM, BEYOND_MM = 15.0, 80.0
# From this imbalance of the two gel lines on, one of them counts as missing.
ONE_LINE = 0.45
# Measuring again next to the tip may move it by no more than this.
SETTLED_MM = 3.0
LATERAL_STD_MM = 0.5
# A guess from the previous frame is taken without a global search if it is at least this good.
SURE = 0.9
# No further candidate is examined after one as good as this.
BEYOND_DOUBT = 0.98
# Middle of the stretch that is refined, mm before a known guide tip.
EXPECTED_STRETCH_MM = 30.0
# What it is worth (log odds) that a finding agrees with the previous frame, and what counts as agreement.
AGREEMENT_LOG_ODDS, AGREEMENT_MM, AGREEMENT_DEG = 1.5, 12.0, 10.0

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class _Finding:
    fit: AxisFit
    tip: GuideTip
    slice_index: int
    confidence: float


class ClassicalLocalizer:
    """Model-based localization in one picture (slice, row, col) of any spacing."""

    def locate(
        self, image: ImageFrame, prediction: ExpectedPose | None = None
    ) -> tuple[InstrumentPose, InstrumentMask]:
        """Pose and mask of one frame; an empty pose with its confidence where no instrument is found.

        Parameters
        ----------
        prediction
            Where it is expected. A sure finding near it saves the global search.
        """
        plane = ImagePlane.of(image)
        time_s = image.mid_acquisition_time
        level = float(np.percentile(image.data, 99))
        if level <= 0 or min(plane.half_size) < 40:
            return InstrumentPose(index=image.index, time_s=time_s), empty_mask(plane, image.index)
        pixels = image.data / np.float32(level)
        finding = self._near(pixels, plane, prediction)
        if finding is None or finding.confidence < SURE:
            everywhere = self._anywhere(pixels, plane)
            if finding is None or (everywhere is not None and everywhere.confidence > finding.confidence):
                finding = everywhere
        if finding is None or finding.confidence < REFUSE_BELOW:
            confidence = 0.0 if finding is None else finding.confidence
            empty = InstrumentPose(confidence=confidence, index=image.index, time_s=time_s)
            return empty, empty_mask(plane, image.index)
        pose = _pose(pixels, plane, _settled(pixels, plane, finding), image.index, time_s)
        return pose, draw_mask(plane, pose)

    def localize(self, image: ImageFrame, mask: InstrumentMask | None = None) -> InstrumentPose:
        """As :class:`~InstrumentTrackerLib.localization.localizer.Localizer`; the mask is not needed."""
        return self.locate(image)[0]

    def _near(self, pixels: Pixels, plane: ImagePlane, prediction: ExpectedPose | None) -> _Finding | None:
        if prediction is None or prediction.guide_tip is None or prediction.axis is None:
            return None
        tip, slice_index = plane.from_ras(prediction.guide_tip)
        direction = plane.direction_to_plane(prediction.axis)[:2]
        if np.linalg.norm(direction) < 0.5 or np.any(np.abs(tip) > plane.half_size):
            return None
        line = Line.through(tip, direction)
        middle = int(np.clip(round(float(slice_index)), 0, plane.shape[0] - 1))
        along = float(tip @ line.direction) - EXPECTED_STRETCH_MM
        best = _examine(pixels, plane, line, along, middle, 8.0)
        for neighbor in (middle - 1, middle + 1):
            if best.confidence < SURE and 0 <= neighbor < plane.shape[0]:
                best = max(best, _examine(pixels, plane, line, along, neighbor, 8.0), key=_confidence)
        moved = float(np.linalg.norm(best.fit.line.point(best.tip.along) - tip))
        turned = float(np.degrees(np.arccos(np.clip(best.fit.line.direction @ line.direction, -1, 1))))
        if moved > AGREEMENT_MM or turned > AGREEMENT_DEG:
            return best
        return replace(best, confidence=with_prior(best.confidence, AGREEMENT_LOG_ODDS))

    def _anywhere(self, pixels: Pixels, plane: ImagePlane) -> _Finding | None:
        candidates = find_candidates(torch.from_numpy(pixels), plane, CANDIDATES)
        best: _Finding | None = None
        for candidate in candidates:
            finding = _examine(pixels, plane, candidate.line, candidate.along, candidate.slice_index, 4.0)
            best = finding if best is None else max(best, finding, key=_confidence)
            if best.confidence > BEYOND_DOUBT:
                break
        return best


def _examine(
    pixels: Pixels, plane: ImagePlane, line: Line, along: float, slice_index: int, reach_deg: float
) -> _Finding:
    """Refine a rough line and judge what is there."""
    fit = refine_axis(pixels, plane, line, along, slice_index, reach_deg=reach_deg)
    # The shaft may be seen best in one slice and the tip in its neighbor.
    slices = list(range(max(0, slice_index - 1), min(plane.shape[0], slice_index + 2)))
    view = straighten(pixels, plane, fit.line, None, slices)
    own = slices.index(slice_index)
    finding = _judge(plane, view, own, fit, slice_index)
    for row, neighbor in enumerate(slices):
        if row != own and finding.confidence < SURE:
            finding = max(finding, _judge(plane, view, row, fit, neighbor), key=_confidence)
    imbalance = line_imbalance(view, own, fit)
    if abs(imbalance) < ONE_LINE:
        return finding
    # A single line may be the left one of one guide or the right one of another: cap and shaft tell which.
    other = replace(fit.line, offset=fit.line.offset + 2 * fit.gel_mm * float(np.sign(imbalance)))
    mirrored = refine_axis(pixels, plane, other, fit.along, slice_index, reach_deg=1.0, search_mm=2.0)
    mirrored_view = straighten(pixels, plane, mirrored.line, None, [slice_index])
    return max(finding, _judge(plane, mirrored_view, 0, mirrored, slice_index), key=_confidence)


def _judge(plane: ImagePlane, view: StraightView, row: int, fit: AxisFit, slice_index: int) -> _Finding:
    evidence = evidence_along_axis(view.data[row : row + 1], STEP_MM, fit.gel_mm)[0]
    tip = find_guide_tip(view, row, fit.gel_mm, evidence, fit.along - BEFORE_MM, fit.along + BEYOND_MM)
    return _Finding(fit, tip, slice_index, guide_confidence(plane, fit, tip, view.along, evidence))


def _settled(pixels: Pixels, plane: ImagePlane, finding: _Finding) -> _Finding:
    """The axis measured over the stretch next to the tip, whichever way the finding was come by."""
    along = finding.tip.along - EXPECTED_STRETCH_MM
    fit = refine_axis(pixels, plane, finding.fit.line, along, finding.slice_index, reach_deg=2.0, search_mm=1.5)
    view = straighten(pixels, plane, fit.line, None, [finding.slice_index])
    settled = _judge(plane, view, 0, fit, finding.slice_index)
    moved = abs(settled.tip.along - float(finding.fit.line.point(finding.tip.along) @ fit.line.direction))
    return finding if moved > SETTLED_MM else replace(settled, confidence=finding.confidence)


def _confidence(finding: _Finding) -> float:
    return finding.confidence


def _pose(pixels: Pixels, plane: ImagePlane, finding: _Finding, index: int, time_s: float) -> InstrumentPose:
    line, tip = finding.fit.line, finding.tip
    view = straighten(pixels, plane, line)
    slice_mm = float(plane.spacing[2])
    through = find_through_plane(view, finding.slice_index, tip.along, slice_mm)
    offset, slope, std = (0.0, 0.0, None) if through is None else (through.offset_mm, through.slope, through.std_mm)
    needle = find_needle_tip(view, list(range(plane.shape[0])), tip.along)
    direction = directions_of(plane.ijk_to_ras) @ np.array([*line.direction, slope])
    needle_point = None
    if needle is not None:
        depth = offset + slope * (needle.along - tip.along)
        needle_point = plane.to_ras(line.point(needle.along, needle.across), finding.slice_index + depth / slice_mm)
    return InstrumentPose(
        guide_tip=plane.to_ras(line.point(tip.along), finding.slice_index + offset / slice_mm),
        needle_tip=needle_point,
        axis=direction / np.linalg.norm(direction),
        confidence=finding.confidence,
        guide_tip_covariance=_covariance(plane, line, tip.std_mm, std),
        needle_tip_covariance=None
        if needle is None
        else _covariance(plane, line, needle.std_mm, None if std is None else std + NEEDLE_TILT * MAX_REACH_MM / 2),
        index=index,
        time_s=time_s,
    )


def _covariance(plane: ImagePlane, line: Line, along_std: float, through_std: float | None) -> NDArray[np.float64]:
    """RAS covariance: along the axis, across it in the plane, through the plane (None: unknown)."""
    through = UNKNOWN_VARIANCE if through_std is None else through_std**2
    return plane.covariance_to_ras(line, np.diag([along_std**2, LATERAL_STD_MM**2, through]))
