"""Receive sensitivities: loops around the pelvis by the law of Biot and Savart, or measured maps."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, transform_points

# Surface of the receive arrays around the pelvis, half axes right-left and anterior-posterior in mm.
_ARRAY_RADII = (230.0, 172.0)
_COILS_PER_RING = 8
_RING_DISTANCE_MM = 95.0
_LOOP_RADIUS_MM = 100.0
_LOOP_SEGMENTS = 24
_COARSE_GRID = 40
_CENTRAL_PART = 0.25


def simulated_coil_maps(
    n_coils: int, ijk_to_ras: Matrix, shape: tuple[int, int, int], center_ras: NDArray[np.float64]
) -> NDArray[np.complex64]:
    """Sensitivities of ``n_coils`` loops in rings of up to eight around the patient; one coil is a volume coil.

    The receive field is the transverse part of each loop's magnetic field, Bx - i By with B0 along superior
    (Hoult, Concepts Magn. Reson. 12:173, 2000).

    Parameters
    ----------
    shape
        (slice, row, col).
    center_ras
        Center of the array in mm.

    Returns
    -------
    (coil, slice, row, col), scaled to a root sum of squares of 1 in the center of the field of view.
    """
    n_slices, rows, columns = shape
    if n_coils == 1:
        return np.ones((1, *shape), dtype=np.complex64)
    index_j, index_i = np.meshgrid(
        np.linspace(0, rows - 1, _COARSE_GRID), np.linspace(0, columns - 1, _COARSE_GRID), indexing="ij"
    )
    maps = np.empty((n_coils, *shape), dtype=np.complex64)
    loops = _loops(n_coils)
    for slice_index in range(n_slices):
        ijk = np.stack([index_i, index_j, np.full_like(index_i, slice_index)], axis=-1)
        points = transform_points(ijk_to_ras, ijk) - center_ras
        for coil, (center, normal) in enumerate(loops):
            field = loop_field(points, center, normal)
            maps[coil, slice_index] = _resized(field[..., 0] - 1j * field[..., 1], (rows, columns))
    return _normalised(maps)


def measured_coil_maps(path: Path, n_coils: int, shape: tuple[int, int, int]) -> NDArray[np.complex64]:
    """Maps from a ``.npy`` file, complex (coil, row, col), continued smoothly to where they are zero.

    Raises
    ------
    InputError
        If the file cannot be read, is not such an array, or holds fewer than ``n_coils`` coils.
    """
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a .npy array"
        raise InputError(
            f"cannot read coil maps {path}: {reason}; expected .npy with complex (coil, row, col)"
        ) from error
    if stored.ndim != 3 or not np.iscomplexobj(stored) or not np.all(np.isfinite(stored)):
        raise InputError(
            f"coil maps {path}: expected finite complex (coil, row, col), got {stored.dtype} {stored.shape}"
        )
    if stored.shape[0] < n_coils:
        raise InputError(f"coil maps {path} hold {stored.shape[0]} coils; ask for at most that many, not {n_coils}")
    chosen = stored[np.round(np.linspace(0, stored.shape[0] - 1, n_coils)).astype(int)]
    known = (np.abs(stored) ** 2).sum(axis=0) > 0
    if not known.any():
        raise InputError(f"coil maps {path}: all sensitivities are zero")
    maps = np.stack([_resized(_continued(coil, known), shape[1:]) for coil in chosen])
    return _normalised(np.repeat(maps[:, None], shape[0], axis=1))


def _loops(n_coils: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Center and normal of each loop, rings stacked along superior and turned against each other."""
    n_rings = -(-n_coils // _COILS_PER_RING)
    loops = []
    for coil in range(n_coils):
        ring, place = coil % n_rings, coil // n_rings
        per_ring = (n_coils - ring + n_rings - 1) // n_rings
        angle = 2 * np.pi * (place + 0.5 * (ring % 2) + 0.25) / per_ring
        height = (ring - (n_rings - 1) / 2) * _RING_DISTANCE_MM
        center = np.array([_ARRAY_RADII[0] * np.cos(angle), _ARRAY_RADII[1] * np.sin(angle), height])
        normal = np.array([np.cos(angle) / _ARRAY_RADII[0], np.sin(angle) / _ARRAY_RADII[1], 0.0])
        loops.append((center, normal / np.linalg.norm(normal)))
    return loops


def loop_field(points: NDArray, center: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Magnetic field (..., 3) of a current loop at points (..., 3) in mm, up to a constant (Biot and Savart)."""
    first = np.cross(normal, [0.0, 0.0, 1.0])
    second = np.cross(normal, first)
    angles = np.linspace(0, 2 * np.pi, _LOOP_SEGMENTS + 1)
    corners = center + _LOOP_RADIUS_MM * (np.outer(np.cos(angles), first) + np.outer(np.sin(angles), second))
    field = np.zeros(points.shape)
    for start, end in pairwise(corners):
        arm = points - (start + end) / 2
        # Points on the wire itself (outside the patient) stay finite.
        distance = np.maximum(np.linalg.norm(arm, axis=-1, keepdims=True), 15.0)
        field += np.cross(end - start, arm) / distance**3
    return field


def _continued(sensitivity: NDArray, known: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """Fill pixels without a value by ever wider weighted means of their neighbours."""
    result = np.where(known, sensitivity, 0).astype(np.complex128)
    filled = known.copy()
    for sigma in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0):
        weight = ndimage.gaussian_filter(known.astype(np.float64), sigma)
        mean = ndimage.gaussian_filter(np.where(known, sensitivity, 0).real, sigma) + 1j * ndimage.gaussian_filter(
            np.where(known, sensitivity, 0).imag, sigma
        )
        reachable = ~filled & (weight > 0.05)
        result[reachable] = mean[reachable] / weight[reachable]
        filled |= reachable
    return result


def _resized(field: NDArray, shape: tuple[int, int]) -> NDArray[np.complex64]:
    factors = [n / m for n, m in zip(shape, field.shape, strict=True)]
    parts = [ndimage.zoom(part, factors, order=3, mode="nearest", grid_mode=False) for part in (field.real, field.imag)]
    return np.asarray(parts[0] + 1j * parts[1], dtype=np.complex64)


def _normalised(maps: NDArray[np.complex64]) -> NDArray[np.complex64]:
    rows, columns = maps.shape[-2:]
    low, high = 0.5 - _CENTRAL_PART / 2, 0.5 + _CENTRAL_PART / 2
    center = maps[..., int(low * rows) : int(high * rows), int(low * columns) : int(high * columns)]
    level = np.sqrt((np.abs(center) ** 2).sum(axis=0)).mean()
    return np.asarray(maps / level, dtype=np.complex64)
