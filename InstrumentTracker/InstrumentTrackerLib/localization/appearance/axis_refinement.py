"""From a rough line to the guide's axis: sub-pixel offset, fine angle, distance of the gel lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.guide_profile import dark_evidence, guide_evidence, line_evidence
from InstrumentTrackerLib.localization.appearance.straight_view import ALONG_STEP_MM, STEP_MM, StraightView, straighten
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

GEL_OFFSETS_MM = (2.5, 3.0, 3.5, 4.0)
# Offsets searched about the rough line, mm; the rest of the view feeds the local mean.
SEARCH_MM = 6.0

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AxisFit:
    """A refined axis and how it is supported.

    Attributes
    ----------
    line
        The axis in the image plane.
    gel_mm
        Distance of the gel lines from it.
    score
        Mean evidence per row along the stretch.
    along
        Middle of the stretch on the refined line, mm.
    """

    line: Line
    gel_mm: float
    score: float
    along: float


def refine_axis(
    pixels: NDArray[np.float32],
    plane: ImagePlane,
    line: Line,
    along: float,
    slice_index: int,
    length_mm: float = 48.0,
    reach_deg: float = 4.0,
    search_mm: float = SEARCH_MM,
) -> AxisFit:
    """The best straight axis near a rough one, over a stretch about ``along``.

    Turning the line by a small angle is a shear of the straightened picture, so that the evidence of each row is
    computed once.
    """
    positions = np.arange(along - length_mm / 2, along + length_mm / 2 + 0.1, ALONG_STEP_MM)
    fit = _search(straighten(pixels, plane, line, positions, [slice_index]), along, reach_deg, 0.5, search_mm)
    return _search(straighten(pixels, plane, fit.line, positions, [slice_index]), fit.along, 0.75, 0.125, 1.5)


def line_imbalance(view: StraightView, row: int, fit: AxisFit) -> float:
    """-1 (only the gel line at negative ``across`` is seen) to 1 (only the other one), near 0 for two lines."""
    stretch = np.abs(view.along - fit.along) <= 20.0
    if not stretch.any():
        return 0.0
    profile = np.asarray(view.data[row][stretch].mean(axis=0), dtype=np.float64)

    def mean(center: float) -> float:
        return float(profile[np.abs(view.across - center) <= 0.5 + 1e-6].mean())

    heights = [max(0.0, mean(sign * fit.gel_mm) - mean(0.0)) for sign in (-1.0, 1.0)]
    total = heights[0] + heights[1]
    return 0.0 if total <= 0 else (heights[1] - heights[0]) / total


def _search(view: StraightView, along: float, reach_deg: float, step_deg: float, search_mm: float) -> AxisFit:
    profile = torch.from_numpy(np.ascontiguousarray(view.data))
    line, dark = line_evidence(profile, STEP_MM), dark_evidence(profile, STEP_MM)
    slopes = np.tan(np.deg2rad(np.arange(-reach_deg, reach_deg + 1e-6, step_deg)))
    search = round(search_mm / STEP_MM)
    middle = view.across.size // 2
    shift = slopes[:, None] * (view.along - along) / STEP_MM + middle
    base = np.floor(shift).astype(int)
    offsets = np.arange(-search, search + 1)
    index = np.clip(base[..., None] + offsets, 0, view.across.size - 2)
    fraction = (shift - base)[..., None]
    rows = np.arange(view.along.size)[None, :, None]
    best: tuple[float, float, float, float] = (-np.inf, 0.0, 0.0, 0.0)
    for gel_mm in GEL_OFFSETS_MM:
        evidence = guide_evidence(line, dark, STEP_MM, gel_mm)[0].numpy().astype(np.float64)
        # (slope, offset): mean over the rows of the sheared evidence.
        score = (evidence[rows, index] * (1 - fraction) + evidence[rows, index + 1] * fraction).mean(axis=1)
        i, j = np.unravel_index(int(score.argmax()), score.shape)
        if score[i, j] > best[0]:
            d_slope, d_offset = _vertex(score[:, j], int(i)), _vertex(score[i], int(j))
            slope = float(np.interp(i + d_slope, np.arange(slopes.size), slopes))
            best = (float(score[i, j]), slope, (offsets[j] + d_offset) * STEP_MM, gel_mm)
    value, slope, offset, gel_mm = best
    through = view.line.point(along, offset)
    refined = Line.through(through, view.line.direction + slope * view.line.normal)
    return AxisFit(refined, gel_mm, value, float(through @ refined.direction))


def _vertex(values: Array, index: int) -> float:
    """Sub-sample position of a maximum relative to ``index``: vertex of the parabola through three samples."""
    if index == 0 or index == values.size - 1:
        return 0.0
    left, center, right = values[index - 1 : index + 2]
    curvature = left - 2 * center + right
    return 0.0 if curvature >= -1e-12 else float(np.clip(0.5 * (left - right) / curvature, -0.5, 0.5))
