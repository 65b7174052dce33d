"""What the guide looks like across its axis: the evidence of one row of pixels.

From the outside inward: dark wall, bright gel line, darker core, and the same on the other side. All evidence is
a ratio of neighboring intensities (Michelson contrast), so that coil shading, banding and scaling cancel, and each
row's vote is bounded, so that no single bright structure can outvote a straight bar of 60 mm.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

# Distances from the axis, mm.
GEL_MM = 3.5
WALL_MM = 5.5
GUIDE_RADIUS_MM = 5.4
# The guide tip lies in the middle of the dark cap.
GEL_END_MM = 4.5
# Intensity (fraction of the image's 99th percentile) below which contrast is noise.
FLOOR = 0.06
LINE_LIMITS = (-0.2, 0.6)
DARK_LIMITS = (-0.4, 0.4)
CORE_WEIGHT, WALL_WEIGHT, LINE_WEIGHT = 0.5, 0.5, 1.0


def shifted(data: torch.Tensor, samples: int) -> torch.Tensor:
    """``data[..., n + samples]`` with the border repeated."""
    return data if samples == 0 else torch.roll(data, -samples, dims=-1)


def line_evidence(profile: torch.Tensor, step_mm: float) -> torch.Tensor:
    """How much each sample is a bright line, brighter than 2 to 3 mm away on both sides; (..., across)."""
    near, far = round(2.0 / step_mm), round(3.0 / step_mm)
    right = shifted(profile, near) + shifted(profile, far)
    left = shifted(profile, -near) + shifted(profile, -far)
    beside = torch.maximum(left, right) / 2
    return ((profile - beside) / (profile + beside + FLOOR)).clamp_(*LINE_LIMITS)


def dark_evidence(profile: torch.Tensor, step_mm: float) -> torch.Tensor:
    """How much each sample is darker than the mean over +-15 mm; (..., across)."""
    reach = round(15.0 / step_mm)
    flat = profile.flatten(0, -3)
    padded = torch.nn.functional.pad(flat, (reach + 1, reach), mode="replicate")
    total = padded.cumsum(dim=-1).reshape(*profile.shape[:-1], -1)
    mean = (total[..., 2 * reach + 1 :] - total[..., : -2 * reach - 1]) / (2 * reach + 1)
    return ((mean - profile) / (mean + profile + FLOOR)).clamp_(*DARK_LIMITS)


def guide_evidence(line: torch.Tensor, dark: torch.Tensor, step_mm: float, gel_mm: float) -> torch.Tensor:
    """Evidence that the axis passes at each sample, about 0 without a guide, up to about 1.8; (..., across)."""
    gel, wall = round(gel_mm / step_mm), round((gel_mm + WALL_MM - GEL_MM) / step_mm)
    lines = shifted(line, gel) + shifted(line, -gel)
    walls = shifted(dark, wall) + shifted(dark, -wall)
    return LINE_WEIGHT * lines + WALL_WEIGHT * walls + CORE_WEIGHT * dark


def evidence_along_axis(data: NDArray[np.float32], step_mm: float, gel_mm: float) -> NDArray[np.float64]:
    """Evidence of each row that the guide is centred on the middle column; (slice, along, across) -> (slice, along)."""
    profile = torch.from_numpy(np.ascontiguousarray(data))
    evidence = guide_evidence(line_evidence(profile, step_mm), dark_evidence(profile, step_mm), step_mm, gel_mm)
    return np.asarray(evidence[..., data.shape[-1] // 2].numpy(), dtype=np.float64)
