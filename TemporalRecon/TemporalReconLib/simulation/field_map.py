"""Off-resonance that air next to tissue causes."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from TemporalReconLib.simulation.bssfp import HYDROGEN_HZ
from TemporalReconLib.simulation.pelvis import Pelvis
from TemporalReconLib.simulation.shapes import Array, Points, coverage

AIR_MINUS_TISSUE_PPM = 9.4
_GRID_MM = 4.0
_HALF_EXTENT_MM = 208.0
_SHIM_RADIUS_MM = 75.0


def off_resonance_hz(pelvis: Pelvis, points: Points, residual_hz: float) -> Array:
    """Field at points of the average pelvis, in Hz, after a second-order shim around the prostate.

    The field of a susceptibility distribution is its convolution with the dipole kernel, 1/3 - kz^2/k^2 in
    k-space (Salomir et al., Concepts Magn. Reson. B 19:26, 2003; Marques and Bowtell, same, 25:65, 2005).

    Parameters
    ----------
    residual_hz
        Center frequency error that remains after shimming.
    """
    axis = np.arange(-_HALF_EXTENT_MM, _HALF_EXTENT_MM, _GRID_MM, dtype=np.float32)
    grid = np.meshgrid(axis, axis, axis, indexing="ij")
    coordinates: Points = (grid[0], grid[1], grid[2])
    tissue = coverage(pelvis.body(coordinates), _GRID_MM)
    air = 1 - tissue * (1 - coverage(pelvis.gas_bubbles(coordinates), _GRID_MM))
    field = dipole_field(air) * AIR_MINUS_TISSUE_PPM * 1e-6 * HYDROGEN_HZ
    field = field - _shim(field, grid, tissue) + residual_hz
    return _interpolated(field.astype(np.float32), points)


def dipole_field(susceptibility: NDArray) -> NDArray[np.float64]:
    """Relative field shift along B0 (the last axis) of a susceptibility distribution on a cubic grid."""
    frequencies = [np.fft.fftfreq(n) for n in susceptibility.shape[:2]] + [np.fft.rfftfreq(susceptibility.shape[2])]
    kx, ky, kz = np.meshgrid(*frequencies, indexing="ij")
    square = kx**2 + ky**2 + kz**2
    square[0, 0, 0] = 1.0
    kernel = 1.0 / 3.0 - kz**2 / square
    kernel[0, 0, 0] = 0.0
    return np.asarray(np.fft.irfftn(np.fft.rfftn(susceptibility) * kernel, s=susceptibility.shape, axes=(0, 1, 2)))


def _shim(field: NDArray, grid: tuple[NDArray, ...], tissue: NDArray) -> NDArray:
    """Polynomial of second order fitted inside the body around the prostate."""
    x, y, z = (g / _SHIM_RADIUS_MM for g in grid)
    near = (x**2 + y**2 + z**2 < 1) & (tissue > 0.99)
    terms = [np.ones_like(x), x, y, z, x * y, y * z, x * z, x**2 - y**2, 2 * z**2 - x**2 - y**2]
    design = np.stack([term[near] for term in terms], axis=1)
    weights, *_ = np.linalg.lstsq(design, field[near], rcond=None)
    # Shim coils act in the shimmed region; far outside the polynomial would run away.
    reach = np.minimum(1.0, 1.6 / np.sqrt(np.maximum(x**2 + y**2 + z**2, 1e-6))) ** 2
    return np.asarray(sum(w * term for w, term in zip(weights, terms, strict=True)) * reach)


def _interpolated(field: Array, points: Points) -> Array:
    """Trilinear; grid_sample reads coordinates in the order last axis first."""
    last = _HALF_EXTENT_MM - _GRID_MM
    scaled = [torch.from_numpy(2 * (p.reshape(-1) + _HALF_EXTENT_MM) / (last + _HALF_EXTENT_MM) - 1) for p in points]
    grid = torch.stack([scaled[2], scaled[1], scaled[0]], dim=-1)[None, None, None].float()
    sampled = functional.grid_sample(
        torch.from_numpy(field)[None, None], grid, mode="bilinear", padding_mode="border", align_corners=True
    )
    return np.asarray(sampled.numpy().reshape(points[0].shape), dtype=np.float32)
