"""Where the axis lies between the slices, from what each slice sees of a round bar.

A slice beside the axis cuts a shorter chord: its dark wall moves inward and its gel lines merge. The mean profile
of each slice is a mixture of background, wall, gel and core whose shares follow from the distance to the axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.guide_profile import GEL_END_MM
from InstrumentTrackerLib.localization.appearance.straight_view import StraightView

Array = NDArray[np.float64]

# Searched about the slice that sees the guide best.
REACH_MM, STEP_MM = 4.0, 0.25
GUIDE_RADII_MM = (4.8, 5.4, 6.0)
GEL_RADII_MM = (2.5, 3.0, 3.5, 4.0)
GEL_THICKNESS_MM = 1.4
HALF_WIDTH_MM = 9.0
# Stretches of the guide that are measured, mm before the gel's end.
STRETCHES_MM = ((2.0, 30.0), (30.0, 58.0))
# The slices were planned along the instrument.
TILT_STD = np.tan(np.deg2rad(1.5))
# A needle leaves the plane by about this slope more than the guide.
NEEDLE_TILT = 0.03
# Model error (slice profile, unequal gel) on top of what the fit states.
MODEL_STD_MM = 0.4


@dataclass(frozen=True)
class ThroughPlane:
    """Offset of the axis at the guide tip from the reference slice, its slope along the line, and the offset's spread.

    Attributes
    ----------
    offset_mm
        Along the slice normal of increasing index.
    slope
        mm through the plane per mm along the line.
    std_mm
        Of ``offset_mm``.
    """

    offset_mm: float
    slope: float
    std_mm: float


def find_through_plane(
    view: StraightView, reference: int, guide_tip: float, slice_spacing_mm: float
) -> ThroughPlane | None:
    """Fit offset and slope; None where a single slice cannot tell one side from the other.

    Parameters
    ----------
    view
        All slices of the stack.
    reference
        The slice that sees the guide best.
    """
    n_slices = view.data.shape[0]
    if n_slices < 2 or slice_spacing_mm > 2 * REACH_MM:
        return None
    first, last = max(0, reference - 2), min(n_slices, reference + 3)
    slice_mm = (np.arange(first, last) - reference) * slice_spacing_mm
    middles, offsets, variances = [], [], []
    for near, far in STRETCHES_MM:
        low, high = guide_tip - GEL_END_MM - far, guide_tip - GEL_END_MM - near
        rows = (view.along >= low) & (view.along <= high) & view.inside
        if rows.sum() < 0.6 * (far - near):
            continue
        profiles = np.median(view.data[first:last, rows], axis=1).astype(np.float64)
        offset, variance = _fit(profiles, view.across, tuple(slice_mm), slice_spacing_mm)
        middles.append((low + high) / 2 - guide_tip)
        offsets.append(offset)
        variances.append(variance + MODEL_STD_MM**2)
    return line_through_stretches(middles, offsets, variances)


def line_through_stretches(middles: list[float], offsets: list[float], variances: list[float]) -> ThroughPlane | None:
    """Straight line through the offsets of stretches with a prior on its slope; None without any.

    Parameters
    ----------
    middles
        mm along the line from the guide tip.
    """
    if not offsets:
        return None
    design = np.stack([np.ones(len(middles)), np.array(middles)], axis=1)
    precision = design.T @ (design / np.array(variances)[:, None]) + np.diag([0.0, 1 / TILT_STD**2])
    covariance = np.linalg.inv(precision)
    offset, slope = covariance @ design.T @ (np.array(offsets) / np.array(variances))
    return ThroughPlane(float(offset), float(slope), float(np.sqrt(covariance[0, 0])))


def _fit(profiles: Array, across: Array, slice_mm: tuple[float, ...], thickness: float) -> tuple[float, float]:
    """Best offset and its variance for mean profiles (slice, across)."""
    used = np.abs(across) <= HALF_WIDTH_MM
    design, inverse = _designs(tuple(across[used]), slice_mm, thickness)
    values = profiles[:, used].reshape(-1)
    moment = values @ design
    solution = (inverse @ moment[..., None])[..., 0]
    residual = np.maximum(values @ values - (moment * solution).sum(axis=-1), 1e-9).min(axis=(1, 2))
    # Likelihood over the offsets; neighboring samples of a profile are not independent.
    spread = residual.min() / (values.size / 4)
    weights = np.exp(-0.5 * (residual - residual.min()) / spread)
    weights /= weights.sum()
    offsets = _offsets()
    mean = float(weights @ offsets)
    return mean, float(weights @ (offsets - mean) ** 2)


def _offsets() -> Array:
    return np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)


@lru_cache(maxsize=8)
def _designs(across: tuple[float, ...], slice_mm: tuple[float, ...], thickness: float) -> tuple[Array, Array]:
    """Mixtures to fit, and the inverses of their normal matrices.

    Shares are (offset, guide radius, gel radius, sample, column): wall, core, two gel lines, background per slice.
    """
    u = np.array(across)
    z = np.array(slice_mm)
    depth = np.linspace(-0.5, 0.5, 7) * thickness
    offset = _offsets()
    away = z[None, :, None] + depth[None, None, :] - offset[:, None, None]
    radius = np.sqrt(away[..., None] ** 2 + u**2)
    shape = (offset.size, len(GUIDE_RADII_MM), len(GEL_RADII_MM), z.size, u.size)
    columns = np.zeros((*shape, 4 + 2 * z.size))
    right = 1 / (1 + np.exp(-u / 0.5))

    def inside(limit: float) -> Array:
        return np.asarray(np.clip(limit - radius + 0.5, 0, 1))

    for i, guide in enumerate(GUIDE_RADII_MM):
        body = inside(guide)
        outside = 1 - body.mean(axis=2)
        for j, gel in enumerate(GEL_RADII_MM):
            outer, inner = inside(gel + GEL_THICKNESS_MM / 2), inside(gel - GEL_THICKNESS_MM / 2)
            ring = (outer - inner).mean(axis=2)
            columns[:, i, j, ..., 0] = (body - outer).mean(axis=2)
            columns[:, i, j, ..., 1] = inner.mean(axis=2)
            columns[:, i, j, ..., 2] = ring * (1 - right)
            columns[:, i, j, ..., 3] = ring * right
            for k in range(z.size):
                columns[:, i, j, k, :, 4 + 2 * k] = outside[:, k] * (1 - right)
                columns[:, i, j, k, :, 5 + 2 * k] = outside[:, k] * right
    design = columns.reshape(*shape[:3], z.size * u.size, -1)
    # A little ridge: some columns vanish where no slice sees the core.
    normal = np.swapaxes(design, -1, -2) @ design + 1e-3 * np.eye(design.shape[-1])
    return design, np.asarray(np.linalg.inv(normal), dtype=np.float64)
