"""Where the needle's void ends beyond the guide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.guide_profile import CAP_REACH_MM
from InstrumentTrackerLib.localization.straight_view import StraightView

LOG_FLOOR = 0.03
# Needles reach up to 40 mm beyond the guide, less what is hidden by the cap.
MAX_REACH_MM = 46.0
MIN_VISIBLE_MM = 3.0
# Slopes and sideways offsets at the cap that a slightly bent or off-axis needle may have.
SLOPES = np.tan(np.deg2rad(np.arange(-4.0, 4.1, 1.0)))
OFFSETS_MM = np.arange(-1.5, 1.6, 0.5)
# Contrast (log ratio of both sides to the void) taken as void rather than texture, and its spread in tissue.
VOID_CONTRAST, TEXTURE_STD = 0.7, 0.3
# Summed evidence from which a void is called a needle.
MIN_EVIDENCE = 6.0

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

    Each row votes for void or tissue by its log-likelihood ratio; the tip is where the sum is largest
    (a change point of known levels).
    """
    start = guide_tip + CAP_REACH_MM
    chosen = (view.along >= start) & (view.along <= guide_tip + MAX_REACH_MM) & view.inside
    along = view.along[chosen]
    if along.size < MIN_VISIBLE_MM + 2:
        return None
    best: NeedleTip | None = None
    for row in rows:
        log = np.log(np.maximum(view.data[row][chosen], 0) + LOG_FLOOR)
        contrast = _void_contrast(log, view.across)
        ratio = (np.clip(contrast, -0.6, 1.4) - VOID_CONTRAST / 2) * VOID_CONTRAST / TEXTURE_STD**2 / 3
        # Paths (slope, offset) through the rows.
        across = OFFSETS_MM[None, :, None] + SLOPES[:, None, None] * (along - guide_tip)
        index = (across - view.across[0]) / (view.across[1] - view.across[0])
        base = np.clip(np.floor(index).astype(int), 0, view.across.size - 2)
        n = np.arange(along.size)
        votes = ratio[n, base] * (1 - (index - base)) + ratio[n, base + 1] * (index - base)
        total = votes.cumsum(axis=-1)
        # A straight needle on the axis needs no excuse.
        total -= 0.6 * (np.abs(OFFSETS_MM)[None, :, None] / 0.5 + np.abs(SLOPES)[:, None, None] / SLOPES[-1] * 4) * 0.5
        i, j, end = np.unravel_index(int(total.argmax()), total.shape)
        evidence = float(total[i, j, end])
        if along[end] - start < MIN_VISIBLE_MM or evidence < MIN_EVIDENCE:
            continue
        if best is None or evidence > best.evidence:
            course = total[i, j]
            near = course > course[end] - 1.0
            std = float(np.sqrt(0.5**2 + np.var(along[near])))
            best = NeedleTip(float(along[end] + 0.5), float(across[i, j, end]), std, evidence)
    return best


def _void_contrast(log: Array, across: Array) -> Array:
    """Darker side at 3 to 5 mm minus the void's 2 mm middle, (along, across)."""
    step = across[1] - across[0]
    middle = (np.roll(log, 1, 1) + np.roll(log, -1, 1) + log) / 3
    near, far = round(3.0 / step), round(5.0 / step)
    sides = [np.mean([np.roll(log, sign * n, 1) for n in range(near, far + 1)], axis=0) for sign in (-1, 1)]
    return np.asarray(np.minimum(sides[0], sides[1]) - middle, dtype=np.float64)
