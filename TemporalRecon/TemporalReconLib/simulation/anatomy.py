"""Complex signal of the patient on the slab grid, from the procedural pelvis and an optional real volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from TemporalReconLib.geometry import Matrix, spacing_of, transform_points
from TemporalReconLib.simulation.background_volume import BackgroundVolume
from TemporalReconLib.simulation.bssfp import TISSUES, steady_state_signal
from TemporalReconLib.simulation.field_map import off_resonance_hz
from TemporalReconLib.simulation.pelvis import Pelvis
from TemporalReconLib.simulation.shapes import Points
from TemporalReconLib.simulation.texture import Texture, smooth_noise
from TemporalReconLib.simulation.tissue_painter import BAND_CLASSES, TissuePainter

FLIP_RANGE_DEG = (62.0, 70.0)
_FIELD_STEP_HZ = 1.0
_FIELD_LIMIT_HZ = 1500.0


def pelvis_signal(
    generator: np.random.Generator,
    grid_to_ras: Matrix,
    shape: tuple[int, int, int],
    prostate: NDArray[np.float64],
    background: BackgroundVolume | None,
    flip_deg: float,
) -> NDArray[np.complex64]:
    """Signal (plane, row, col) of a random patient, without receive coils; arbitrary but steady scale.

    Parameters
    ----------
    grid_to_ras, shape
        Grid to fill, (plane, row, col).
    prostate
        Where the prostate's center lies, mm RAS.
    background
        Real anatomy that replaces the procedural one where it reaches.
    """
    spacing = spacing_of(grid_to_ras)
    ras = _grid_points(grid_to_ras, shape)
    pelvis = Pelvis.random(generator)
    if background is not None:
        # Bubbles would lie at random in the real anatomy.
        pelvis = replace(pelvis, gas=())
    contrast = {name: float(generator.uniform(0.88, 1.12)) for name in TISSUES}
    texture = Texture.random(shape, (spacing[2], spacing[1], spacing[0]), generator)
    residual_hz = float(generator.uniform(-12, 12))
    local = (ras - prostate).astype(np.float32)
    points: Points = pelvis.warped((local[..., 0], local[..., 1], local[..., 2]))
    painter = TissuePainter(shape, flip_deg, contrast, edge_mm=float(spacing[0]))
    pelvis.paint(points, painter, texture)
    field = off_resonance_hz(pelvis, points, residual_hz)
    if background is not None:
        _blend_background(painter, background, ras)
    signal = np.zeros(shape, dtype=np.complex64)
    bins = np.arange(-_FIELD_LIMIT_HZ, _FIELD_LIMIT_HZ + _FIELD_STEP_HZ, _FIELD_STEP_HZ)
    index = np.clip(np.round((field + _FIELD_LIMIT_HZ) / _FIELD_STEP_HZ), 0, bins.size - 1).astype(np.int32)
    for name, tissue in BAND_CLASSES.items():
        response = steady_state_signal(TISSUES[tissue], flip_deg, bins)
        response = response / np.abs(steady_state_signal(TISSUES[tissue], flip_deg, 0.0))
        # Off-resonance varies inside a voxel where it is steep; bands of zero width do not exist.
        response = ndimage.gaussian_filter1d(response.real, 6) + 1j * ndimage.gaussian_filter1d(response.imag, 6)
        signal += painter.amplitude[name] * response.astype(np.complex64)[index]
    bias = 1 + 0.08 * smooth_noise(shape, (spacing[2], spacing[1], spacing[0]), 110.0, generator)
    return np.asarray(signal * np.clip(bias, 0.6, 1.4), dtype=np.complex64)


def read_background(path: Path | None) -> BackgroundVolume | None:
    """The background volume, if one is named."""
    return None if path is None else BackgroundVolume.read(path)


def _blend_background(painter: TissuePainter, background: BackgroundVolume, ras: NDArray[np.float64]) -> None:
    """Replace the amplitude where the volume reaches, at the level of the procedural anatomy it replaces."""
    values, weight = background.sample(ras)
    total = np.sum([layer for layer in painter.amplitude.values()], axis=0)
    inside = weight > 0.5
    level = 1.0
    if inside.any():
        level = float(np.percentile(total[inside], 97)) / max(float(np.percentile(values[inside], 97)), 1e-6)
    for name, layer in painter.amplitude.items():
        layer *= 1 - weight
        if name == "soft":
            layer += weight * values * np.float32(level)


def _grid_points(grid_to_ras: Matrix, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    plane, row, column = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij")
    return transform_points(grid_to_ras, np.stack([column, row, plane], axis=-1))
