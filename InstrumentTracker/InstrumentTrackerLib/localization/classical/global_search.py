"""Where in the picture might a guide be? All angles, all offsets, all slices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from InstrumentTrackerLib.localization.appearance.guide_profile import (
    GEL_END_MM,
    dark_evidence,
    guide_evidence,
    line_evidence,
)
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

ALONG_STEP_MM, ACROSS_STEP_MM = 3.0, 1.0
ANGLE_STEP_DEG, ANGLE_REACH_DEG = 2.5, 60.0
# Evidence is summed over this length; a guide shows at least 60 mm, of which a part may be hidden.
RUN_MM = 48.0
CONTINUED_WEIGHT = 0.4
GEL_OFFSETS_MM = (2.0, 3.0, 4.0)
ANGLES_PER_BATCH = 8
SAME_ANGLE_DEG, SAME_OFFSET_MM = 9.0, 7.0


@dataclass(frozen=True)
class Candidate:
    """A stretch of a line that looks like the guide.

    Attributes
    ----------
    line
        Its axis, not refined.
    along
        Middle of the stretch on the line, mm.
    slice_index
        Where it is seen best.
    score
        Mean evidence per row.
    """

    line: Line
    along: float
    slice_index: int
    score: float


def find_candidates(pixels: torch.Tensor, plane: ImagePlane, count: int) -> list[Candidate]:
    """The best stretches, best first, in different places.

    Parameters
    ----------
    pixels
        (slice, row, col), relative to the 99th percentile.
    """
    angles, grid, along, across = _sampling_grid(
        plane.shape[1:], tuple(plane.spacing[:2]), round(float(np.arctan2(plane.inward[1], plane.inward[0])), 3)
    )
    n_run, n_cap = round(RUN_MM / ALONG_STEP_MM), round((GEL_END_MM + CAP_REACH_MM) / ALONG_STEP_MM)
    best = []
    for first in range(0, len(angles), ANGLES_PER_BATCH):
        part = grid[first : first + ANGLES_PER_BATCH]
        n_angles = part.shape[0]
        sampled = torch.nn.functional.grid_sample(
            pixels[None], part.reshape(1, n_angles * len(along), len(across), 2), align_corners=False
        )
        profile = sampled.reshape(-1, n_angles, len(along), len(across))
        line = _run_means(line_evidence(profile, ACROSS_STEP_MM), n_run)
        dark = _run_means(dark_evidence(profile, ACROSS_STEP_MM), n_run)
        evidence = guide_evidence(line, dark, ACROSS_STEP_MM, GEL_OFFSETS_MM[0])
        for gel_mm in GEL_OFFSETS_MM[1:]:
            evidence = torch.maximum(evidence, guide_evidence(line, dark, ACROSS_STEP_MM, gel_mm))
        # The best stretch is the one that ends at the tip: it is not continued beyond the cap.
        beyond = torch.zeros_like(evidence)
        beyond[:, :, : -n_run - n_cap] = evidence[:, :, n_run + n_cap :].clamp_min(0.0)
        evidence = evidence - CONTINUED_WEIGHT * beyond
        edge = 10
        evidence[..., :edge] = evidence[..., -edge:] = -1.0
        # Best place along and slice for each angle and offset.
        score, where = evidence.permute(1, 3, 0, 2).flatten(2).max(dim=2)
        best.append((score, where))
    score = torch.cat([s for s, _ in best])
    where = torch.cat([w for _, w in best])
    n_places = len(along) - n_run + 1
    middle = along[0] + ALONG_STEP_MM * (n_run - 1) / 2
    candidates = []
    for _ in range(count):
        flat = int(score.argmax())
        i, j = divmod(flat, score.shape[1])
        value = float(score[i, j])
        if value <= 0:
            break
        slice_index, place = divmod(int(where[i, j]), n_places)
        candidates.append(
            Candidate(Line(float(angles[i]), float(across[j])), middle + ALONG_STEP_MM * place, slice_index, value)
        )
        d_angle = round(SAME_ANGLE_DEG / ANGLE_STEP_DEG)
        d_offset = round(SAME_OFFSET_MM / ACROSS_STEP_MM)
        score[max(0, i - d_angle) : i + d_angle + 1, max(0, j - d_offset) : j + d_offset + 1] = -1.0
    return candidates


def _run_means(evidence: torch.Tensor, n_run: int) -> torch.Tensor:
    """Moving mean along the lines; (..., along, across) -> (..., along - n_run + 1, across)."""
    total = torch.nn.functional.pad(evidence.cumsum(dim=-2), (0, 0, 1, 0))
    return (total[..., n_run:, :] - total[..., :-n_run, :]) / n_run


@lru_cache(maxsize=4)
def _sampling_grid(
    rows_columns: tuple[int, int], spacing: tuple[float, float], inward_angle: float
) -> tuple[np.ndarray, torch.Tensor, np.ndarray, np.ndarray]:
    """Angles, sampling positions (angle, along, across, 2) as ``grid_sample`` wants them, and the two axes in mm."""
    n_rows, n_columns = rows_columns
    half = np.array([n_columns * spacing[0], n_rows * spacing[1]]) / 2
    reach = float(half.max())
    along = np.arange(-reach, reach + 1, ALONG_STEP_MM)
    across = np.arange(-reach, reach + 1, ACROSS_STEP_MM)
    angles = inward_angle + np.deg2rad(np.arange(-ANGLE_REACH_DEG, ANGLE_REACH_DEG + 0.1, ANGLE_STEP_DEG))
    cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    x = along[:, None] * cos - across * sin
    y = along[:, None] * sin + across * cos
    return angles, torch.from_numpy(np.stack([x / half[0], y / half[1]], axis=-1).astype(np.float32)), along, across
