"""Where along its axis the guide ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.guide_profile import GEL_END_MM
from InstrumentTrackerLib.localization.appearance.straight_view import ALONG_STEP_MM, StraightView
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM

# Keeps the logarithm of dark pixels away from noise (fraction of the 99th percentile).
LOG_FLOOR = 0.03

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GuideTip:
    """The end of the guide on its axis.

    Attributes
    ----------
    along
        mm on the line.
    std_mm
        Standard deviation along the axis.
    gel_step
        How much the gel lines stand out before their end against behind it (log ratio).
    cap_step
        How much tissue beyond the cap is brighter than the cap (log ratio).
    cap_level
        Mean intensity of the cap (fraction of the 99th percentile).
    """

    along: float
    std_mm: float
    gel_step: float
    cap_step: float
    cap_level: float


def find_guide_tip(view: StraightView, row: int, gel_mm: float, evidence: Array, low: float, high: float) -> GuideTip:
    """Best change point with low <= along <= high: gel lines end, dark cap, tissue begins.

    Logarithms turn coil shading into an offset that the differences cancel.

    Parameters
    ----------
    row
        Which slice of the view.
    evidence
        Of a guide in each row (along,), see
        :func:`~InstrumentTrackerLib.localization.appearance.guide_profile.guide_evidence`.
    """
    log = np.log(np.maximum(view.data[row], 0) + LOG_FLOOR)
    along, across = view.along, view.across

    def band(center: float, half: float) -> Array:
        chosen = np.abs(across - center) <= half + 1e-6
        return np.asarray(log[:, chosen].mean(axis=1), dtype=np.float64)

    core = band(0.0, 1.0)
    sides = []
    for sign in (-1.0, 1.0):
        wall = band(sign * (gel_mm + 2.2), 0.6)
        sides.append(np.clip(band(sign * gel_mm, 0.5) - 0.5 * (core + wall), -0.5, 2.0))
    gel = 0.5 * (sides[0] + sides[1])
    inner = band(0.0, 3.5)
    off_axis = 0.5 * (band(-4.0, 1.5) + band(4.0, 1.5))
    flank = np.maximum(band(-8.5, 1.5), band(8.5, 1.5))

    tips = np.arange(low, high + 0.25, 0.5)
    gel_step = _mean(gel, along, tips - GEL_END_MM - 16, tips - GEL_END_MM - 0.5) - _mean(
        gel, along, tips - GEL_END_MM + 0.5, tips - GEL_END_MM + 8.0
    )
    cap = _mean(inner, along, tips - 3.5, tips + 3.5)
    beyond = _mean(off_axis, along, tips + CAP_REACH_MM + 0.5, tips + CAP_REACH_MM + 6.5)
    cap_step = np.clip(beyond - cap, -1.0, 2.0)
    flank_step = np.clip(_mean(flank, along, tips - 3.5, tips + 3.5) - cap, -1.0, 2.0)
    before = _mean(evidence, along, tips - GEL_END_MM - 35, tips - GEL_END_MM)
    after = _mean(evidence, along, tips + CAP_REACH_MM, tips + CAP_REACH_MM + 30)
    score = gel_step + 0.5 * cap_step + 0.25 * flank_step + before - after
    best = int(np.argmax(score))
    shift = 0.0
    if 0 < best < score.size - 1:
        left, center, right = score[best - 1 : best + 2]
        curvature = left - 2 * center + right
        shift = 0.0 if curvature >= -1e-9 else float(np.clip(0.5 * (left - right) / curvature, -0.5, 0.5))
    near = score > score[best] - 0.25
    std = float(np.sqrt(0.4**2 + np.var(tips[near])))
    tip = float(tips[best] + 0.5 * shift)
    cap_pixels = view.data[row][np.abs(along - tip) <= 3.0][:, np.abs(across) <= 3.0]
    return GuideTip(
        along=tip,
        std_mm=std,
        gel_step=float(gel_step[best]),
        cap_step=float(cap_step[best]),
        cap_level=float(cap_pixels.mean()) if cap_pixels.size else 1.0,
    )


def _mean(values: Array, along: Array, low: Array, high: Array) -> Array:
    """Mean of a sampled function over intervals, through its integral; constant beyond its ends."""
    total = np.concatenate([[0.0], np.cumsum(values) * ALONG_STEP_MM])
    edges = np.concatenate([along - ALONG_STEP_MM / 2, [along[-1] + ALONG_STEP_MM / 2]])

    def integral(at: Array) -> Array:
        before, after = np.minimum(at - edges[0], 0) * values[0], np.maximum(at - edges[-1], 0) * values[-1]
        return np.asarray(np.interp(at, edges, total) + before + after)

    return (integral(high) - integral(low)) / (high - low)
