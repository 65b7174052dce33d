"""Which phase-encode lines each frame acquires: the paper's protocol and golden-ratio order."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.errors import InputError

MASK_KINDS = ("paper", "golden")

# Width of the exponential density, as a fraction of the number of lines. Chosen so that the unique lines over
# five independent draws of 256 agree with the published 94, 54, 40, 27 for R = 8, 16, 25, 32.
DENSITY_DECAY = 0.25


def lines_per_frame(n_lines: int, acceleration: float) -> int:
    """Acquired lines for R = full / acquired: 256 lines at R = 8, 16, 25, 32 give 32, 16, 11, 8.

    Raises
    ------
    InputError
        If the acceleration is below 1 or above the number of lines.
    """
    if not 1.0 <= acceleration <= n_lines:
        raise InputError(f"acceleration {acceleration} must lie between 1 and the number of lines, {n_lines}")
    return math.ceil(n_lines / acceleration)


def sampling_mask(
    kind: str, n_lines: int, n_slices: int, acceleration: float, frame_index: int, seed: int = 0
) -> NDArray[np.bool_]:
    """Mask (slice, ky) of one frame.

    ``paper``: the central third of the line budget contiguous, the rest random with exponentially decaying
    density, a new draw for each frame and slice (Noordman et al., J. Med. Imaging 12(3) 035001, 2025).
    ``golden``: golden-ratio steps through the lines, continued from frame to frame; no line is repeated
    before all were acquired (Winkelmann et al., IEEE TMI 26(1) 68, 2007, on the golden ratio in time).

    Parameters
    ----------
    kind
        One of :data:`MASK_KINDS`.
    frame_index
        Number of the frame; the same arguments always give the same mask.

    Raises
    ------
    InputError
        If the kind is unknown or the acceleration impossible.
    """
    count = lines_per_frame(n_lines, acceleration)
    if kind == "paper":
        n_central = max(1, round(n_lines / acceleration / 3))
        return _paper_mask(n_lines, n_slices, count, n_central, frame_index, seed)
    if kind == "golden":
        return _golden_mask(n_lines, n_slices, count, frame_index, seed)
    raise InputError(f"unknown mask kind '{kind}', expected one of: {', '.join(MASK_KINDS)}")


def _paper_mask(
    n_lines: int, n_slices: int, count: int, n_central: int, frame_index: int, seed: int
) -> NDArray[np.bool_]:
    generator = np.random.default_rng([seed, frame_index])
    first = n_lines // 2 - n_central // 2
    mask = np.zeros((n_slices, n_lines), dtype=bool)
    mask[:, first : first + n_central] = True
    if count == n_central:
        return mask
    outer = np.flatnonzero(~mask[0])
    density = np.exp(-np.abs(outer - n_lines // 2) / (DENSITY_DECAY * n_lines))
    for row in mask:
        row[generator.choice(outer, count - n_central, replace=False, p=density / density.sum())] = True
    return mask


def _golden_mask(n_lines: int, n_slices: int, count: int, frame_index: int, seed: int) -> NDArray[np.bool_]:
    step = _golden_step(n_lines)
    mask = np.zeros((n_slices, n_lines), dtype=bool)
    turns = frame_index * count + np.arange(count)
    for slice_index, row in enumerate(mask):
        # Slices start apart, so that one moment samples neighbouring slices at different lines.
        row[(seed + slice_index * (n_lines // max(n_slices, 1)) + turns * step) % n_lines] = True
    return mask


def _golden_step(n_lines: int) -> int:
    """The step nearest N / golden ratio that visits every line once per cycle (coprime with N)."""
    ideal = n_lines * (math.sqrt(5.0) - 1.0) / 2.0
    candidates = [step for step in range(1, n_lines + 1) if math.gcd(step, n_lines) == 1]
    return min(candidates, key=lambda step: abs(step - ideal))
