"""Random tissue texture: factors near 1 on the signal, smooth at the scale of the tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from TemporalReconLib.simulation.shapes import Array


@dataclass(frozen=True)
class Texture:
    """Factors of the shape of the points (plane, row, col)."""

    fat: Array
    muscle: Array
    marrow: Array
    glandular: Array
    nodular: Array
    wall: Array
    stool: Array

    @classmethod
    def random(
        cls, shape: tuple[int, int, int], spacing: tuple[float, float, float], generator: np.random.Generator
    ) -> Texture:
        """Draw for a grid (plane, row, col) with its spacing in mm in the same order."""
        coarse, middle = (smooth_noise(shape, spacing, scale, generator) for scale in (14.0, 6.0))
        fine, finest = (smooth_noise(shape, spacing, scale, generator) for scale in (3.0, 1.9))
        septa = np.exp(-((middle / 0.2) ** 2)) * np.clip(0.5 + 0.6 * coarse, 0, 1)
        # Fat between muscle bundles is several times brighter than muscle.
        bundles = smooth_noise(shape, spacing, (16.0, 13.0, 2.4), generator)
        streaks = np.exp(-((bundles / 0.2) ** 2)) * np.clip(coarse + 0.3, 0, 1.2)
        return cls(
            fat=_factor(1 + 0.05 * coarse + 0.04 * fine - 0.2 * septa),
            muscle=_factor(1 + 0.10 * coarse + 0.06 * finest + 0.10 * bundles + 0.8 * streaks),
            marrow=_factor(1 + 0.12 * coarse + 0.07 * fine),
            glandular=_factor(1 + 0.10 * middle + 0.14 * fine + 0.05 * finest),
            nodular=_factor(1 + 0.28 * middle + 0.16 * fine),
            wall=_factor(1 + 0.12 * fine),
            stool=_factor(1 + 0.40 * middle + 0.2 * fine),
        )


def smooth_noise(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    scale_mm: float | tuple[float, float, float],
    generator: np.random.Generator,
) -> Array:
    """Noise of unit variance whose grains measure about ``scale_mm``, one number or one per axis."""
    scales = scale_mm if isinstance(scale_mm, tuple) else (scale_mm,) * 3
    knots = [max(2, round(n * s / scale) + 1) for n, s, scale in zip(shape, spacing, scales, strict=True)]
    seeds = torch.from_numpy(generator.standard_normal(knots, dtype=np.float32))
    full = functional.interpolate(seeds[None, None], size=shape, mode="trilinear", align_corners=True)[0, 0].numpy()
    return np.asarray(full / max(float(full.std()), 1e-6), dtype=np.float32)


def _factor(values: Array) -> Array:
    return np.clip(values, 0.05, 3.0).astype(np.float32)
