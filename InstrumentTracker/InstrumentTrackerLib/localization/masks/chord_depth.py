"""Where the axis lies between the slices, from how wide each slice's mask cuts a round bar."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.straight_view import STEP_MM, StraightView
from InstrumentTrackerLib.localization.appearance.through_plane import ThroughPlane, line_through_stretches

# Searched about the reference slice.
REACH_MM, DEPTH_STEP_MM = 6.0, 0.25
RADII_MM = np.arange(4.4, 6.7, 0.2)
# Stretches of the guide that are measured, mm before the guide tip.
STRETCHES_MM = ((4.0, 30.0), (30.0, 56.0))
MIN_SHARE = 0.6
HALF_WIDTH_MM = 9.0
# What a width in the mask is worth.
WIDTH_STD_MM = 1.0

Array = NDArray[np.float64]


def find_chord_depth(
    view: StraightView, reference: int, guide_tip: float, slice_spacing_mm: float
) -> ThroughPlane | None:
    """Offset and slope of the axis; None where a single slice cannot tell one side from the other.

    The widths of a bar of radius r in slices at distance z from its axis are 2 sqrt(r^2 - z^2), averaged over the
    slice; position and radius are fitted to them.

    Parameters
    ----------
    view
        Probability of the guide, ``HALF_WIDTH_MM`` to both sides, in the slices that can see it.
    reference
        The slice that offsets are counted from.
    guide_tip
        mm on the line.
    """
    n_slices = view.data.shape[0]
    if n_slices < 2 or slice_spacing_mm > 2 * REACH_MM:
        return None
    first, last = max(0, reference - 3), min(n_slices, reference + 4)
    chords = _chords(tuple((np.arange(first, last) - reference) * slice_spacing_mm), slice_spacing_mm)
    depths = np.arange(-REACH_MM, REACH_MM + DEPTH_STEP_MM / 2, DEPTH_STEP_MM)
    middles, offsets, variances = [], [], []
    for close, far in STRETCHES_MM:
        rows = (view.along >= guide_tip - far) & (view.along <= guide_tip - close) & view.inside
        if rows.sum() < MIN_SHARE * (far - close):
            continue
        widths = view.data[first:last, rows].sum(axis=2).mean(axis=1) * STEP_MM
        # An unsure mask is faint everywhere; its scale says nothing about the depth.
        scale = (chords @ widths) / np.maximum((chords * chords).sum(axis=-1), 1e-9)
        scale = np.clip(scale, 0.3, 1.0)
        misfit = ((widths - scale[..., None] * chords) ** 2).sum(axis=-1) / WIDTH_STD_MM**2
        likelihood = np.exp(-0.5 * (misfit - misfit.min())).sum(axis=1)
        likelihood /= likelihood.sum()
        offset = float(likelihood @ depths)
        middles.append(-(close + far) / 2)
        offsets.append(offset)
        variances.append(float(likelihood @ (depths - offset) ** 2) + DEPTH_STEP_MM**2 / 12)
    return line_through_stretches(middles, offsets, variances)


@lru_cache(maxsize=8)
def _chords(slice_mm: tuple[float, ...], thickness: float) -> Array:
    """Mean chord (depth, radius, slice) of a bar of a radius at a depth."""
    depth = np.arange(-REACH_MM, REACH_MM + DEPTH_STEP_MM / 2, DEPTH_STEP_MM)
    within = np.linspace(-0.5, 0.5, 9) * thickness
    apart = np.array(slice_mm)[None, None, :, None] + within - depth[:, None, None, None]
    return np.asarray(2 * np.sqrt(np.maximum(RADII_MM[:, None, None] ** 2 - apart**2, 0)).mean(axis=-1))
