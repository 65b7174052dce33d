"""Signed distances (mm, negative inside) of simple solids, for points given as three float32 arrays of one shape.

Distances of ellipsoids are first-order approximations, good near the surface, where they are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Points: TypeAlias = tuple[Array, Array, Array]
Vector: TypeAlias = Sequence[float]


def ellipsoid(points: Points, center: Vector, radii: Vector) -> Array:
    """Distance (mm, shape of the points) to an ellipsoid along the axes of space; center and half axes (3,) in mm."""
    scaled = [(p - np.float32(c)) / np.float32(r) for p, c, r in zip(points, center, radii, strict=True)]
    norm = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
    gradient = np.sqrt(sum((s / np.float32(r)) ** 2 for s, r in zip(scaled, radii, strict=True)))
    return np.asarray((norm - 1) * norm / np.maximum(gradient, 1e-6), dtype=np.float32)


def capsule(points: Points, start: Vector, end: Vector, start_radius: float, end_radius: float) -> Array:
    """Distance (mm, shape of the points) to a rod with round ends, its radius linear; ends (3,) and radii in mm."""
    direction = [float(e - s) for s, e in zip(start, end, strict=True)]
    length_squared = sum(d * d for d in direction)
    relative = [p - np.float32(s) for p, s in zip(points, start, strict=True)]
    along = sum(r * np.float32(d / length_squared) for r, d in zip(relative, direction, strict=True))
    along = np.clip(np.asarray(along, dtype=np.float32), 0, 1)
    square = sum((r - along * np.float32(d)) ** 2 for r, d in zip(relative, direction, strict=True))
    return np.asarray(np.sqrt(square) - (start_radius + along * (end_radius - start_radius)), dtype=np.float32)


def tube(points: Points, nodes: Sequence[Vector], radii: Sequence[float]) -> Array:
    """Distance (mm, shape of the points) to a chain of capsules; nodes (n, 3) and the radius at each (n,), in mm."""
    parts = [capsule(points, nodes[i], nodes[i + 1], radii[i], radii[i + 1]) for i in range(len(nodes) - 1)]
    return np.asarray(np.minimum.reduce(parts), dtype=np.float32)


def smooth_union(first: Array, second: Array, radius: float) -> Array:
    """Union with a fillet of about ``radius`` mm."""
    blend = np.clip(0.5 + 0.5 * (second - first) / radius, 0, 1)
    return np.asarray(second + (first - second) * blend - radius * blend * (1 - blend), dtype=np.float32)


def coverage(distance: Array, edge_mm: float) -> Array:
    """Fraction of a voxel of ``edge_mm`` inside the solid (partial volume)."""
    return np.clip(np.float32(0.5) - distance / np.float32(edge_mm), 0, 1)
