"""Where the needle's void ends beyond the guide."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.straight_view import ALONG_STEP_MM, StraightView
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM

LOG_FLOOR = 0.03
# Needles reach up to 40 mm beyond the guide, less what is hidden by the cap.
MAX_REACH_MM = 46.0
MIN_VISIBLE_MM = 3.0
# Slopes and sideways offsets at the cap that a slightly bent or off-axis needle may have.
SLOPES = np.tan(np.deg2rad(np.arange(-4.0, 4.1, 1.0)))
OFFSETS_MM = np.arange(-1.5, 1.6, 0.5)
# One row's contrast (log ratio of tissue to void) is bounded, so that an edge cannot stand for a void.
CONTRAST_LIMITS = (-0.5, 1.0)
# Spread of that contrast in tissue, for the 3 mm over which its texture is alike.
TEXTURE_STD, TEXTURE_MM = 0.3, 3.0
MIN_CONTRAST = 0.15
# Evidence (squared standard scores / 2) from which a void is called a needle.
MIN_EVIDENCE = 3.7
# A straight needle on the axis needs no excuse; one at the border of what is searched costs this much evidence.
OFF_AXIS_COST = 1.5

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NeedleTip:
    """End of the void: mm along the guide's line, mm across it, and how sure."""

    along: float
    across: float
    std_mm: float
    evidence: float


def find_needle_tip(view: StraightView, rows: list[int], guide_tip: float) -> NeedleTip | None:
    """Follow a thin dark line that continues the axis; None where there is none.

    Change point of unknown contrast: rows before the tip share one mean, rows behind it have none; the tip is where
    that explains most (generalized likelihood ratio; Basseville and Nikiforov, Detection of Abrupt Changes, 1993).

    Parameters
    ----------
    rows
        Slices of the view in which the needle may lie; each and each pair of neighbors is tried.
    """
    start = guide_tip + CAP_REACH_MM + 0.5
    chosen = (view.along >= start) & (view.along <= guide_tip + MAX_REACH_MM) & view.inside
    along = view.along[chosen]
    if along.size < MIN_VISIBLE_MM + 2:
        return None
    contrasts = [_void_contrast(np.log(np.maximum(view.data[row][chosen], 0) + LOG_FLOOR), view.across) for row in rows]
    contrasts += [0.5 * (first + second) for first, second in pairwise(contrasts[: len(rows)])]
    findings = [_best_path(contrast, along, guide_tip, view.across) for contrast in contrasts]
    best = max(findings, key=lambda finding: finding.evidence)
    return best if best.evidence >= MIN_EVIDENCE else None


def _best_path(contrast: Array, along: Array, guide_tip: float, across: Array) -> NeedleTip:
    offsets = OFFSETS_MM[None, :, None] + SLOPES[:, None, None] * (along - guide_tip)
    index = (offsets - across[0]) / (across[1] - across[0])
    base = np.clip(np.floor(index).astype(int), 0, across.size - 2)
    n = np.arange(along.size)
    on_path = contrast[n, base] * (1 - (index - base)) + contrast[n, base + 1] * (index - base)
    length = (n + 1) * ALONG_STEP_MM
    mean = on_path.cumsum(axis=-1) / (n + 1)
    evidence = np.where(mean >= MIN_CONTRAST, mean, 0) ** 2 * (length / TEXTURE_MM) / (2 * TEXTURE_STD**2)
    excuse = np.abs(OFFSETS_MM)[None, :, None] / OFFSETS_MM[-1] + np.abs(SLOPES)[:, None, None] / SLOPES[-1]
    evidence = np.where(length >= MIN_VISIBLE_MM, evidence - OFF_AXIS_COST * excuse, -OFF_AXIS_COST)
    i, j, end = np.unravel_index(int(evidence.argmax()), evidence.shape)
    course = evidence[i, j]
    near = course > course[end] - 0.7
    std = float(np.sqrt(0.5**2 + np.var(along[near])))
    return NeedleTip(
        along=float(along[end] + 0.5 * ALONG_STEP_MM),
        across=float(offsets[i, j, end]),
        std_mm=std,
        evidence=float(course[end]),
    )


def _void_contrast(log: Array, across: Array) -> Array:
    """Tissue at 2.5 to 5 mm on both sides, mostly the darker one, less the void's middle; (along, across)."""
    step = across[1] - across[0]
    middle = (np.roll(log, 1, 1) + np.roll(log, -1, 1) + 2 * log) / 4
    near, far = round(2.5 / step), round(5.0 / step)
    left, right = (np.mean([np.roll(log, sign * n, 1) for n in range(near, far + 1)], axis=0) for sign in (-1, 1))
    sides = 0.7 * np.minimum(left, right) + 0.3 * np.maximum(left, right)
    return np.asarray(np.clip(sides - middle, *CONTRAST_LIMITS), dtype=np.float64)
