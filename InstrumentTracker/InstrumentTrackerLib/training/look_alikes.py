"""Structures that are not the instrument but look like parts of it; drawn into anatomy, never labelled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def add_look_alikes(generator: np.random.Generator, stack: Array, pixel_mm: float) -> Array:
    """Some dark tubes, double lines, seams, gas, catheters and cortex arcs in a stack (slice, row, col)."""
    stack = stack.copy()
    n_drawn = int(generator.choice([0, 1, 2, 3, 5], p=[0.35, 0.25, 0.2, 0.12, 0.08]))
    for _ in range(n_drawn):
        kind = _KINDS[int(generator.integers(len(_KINDS)))]
        reach = generator.permutation([1.0, 0.0, 0.0]) if generator.random() < 0.2 else np.ones(3)
        _paint(generator, stack, kind(generator, stack.shape[1:], pixel_mm), np.resize(reach, stack.shape[0]))
    return stack


# Each kind gives (opacity, signal) of a slice, signal relative to the brightest tissue.
Kind = Callable[[np.random.Generator, tuple[int, ...], float], tuple[Array, Array]]


def _paint(generator: np.random.Generator, stack: Array, drawn: tuple[Array, Array], slices: Array) -> None:
    opacity, signal = drawn
    for index, share in enumerate(slices):
        amount = np.float32(share) * np.roll(opacity, generator.integers(-1, 2, 2), (0, 1))
        stack[index] = stack[index] * (1 - amount) + amount * signal


def _segment(
    generator: np.random.Generator, shape: tuple[int, ...], pixel_mm: float, length_mm: float
) -> tuple[Array, Array]:
    """(along, across) in mm of a straight or gently curved line; |along| <= 1 on it."""
    row, column = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    y, x = ((n - generator.uniform(0.1, 0.9) * size) * pixel_mm for n, size in zip((row, column), shape, strict=True))
    angle = generator.uniform(-np.pi, np.pi)
    along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    across = y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))
    curvature = generator.choice([0.0, 1.0]) * generator.normal(0.0, 0.01)
    across = across - np.float32(curvature) * along * along
    return along / np.float32(length_mm / 2), across


def _inside(distance: Array, pixel_mm: float) -> Array:
    return np.clip(0.5 - distance / np.float32(pixel_mm), 0, 1)


def _on(along: Array) -> Array:
    return (np.abs(along) < 1).astype(np.float32)


def _tube(generator: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> tuple[Array, Array]:
    """A vessel or bone: one dark (or bright) band of any width."""
    along, across = _segment(generator, shape, pixel_mm, generator.uniform(15, 120))
    opacity = _on(along) * _inside(np.abs(across) - np.float32(generator.uniform(1.0, 8.0)), pixel_mm)
    level = generator.choice([generator.uniform(0.0, 0.2), generator.uniform(0.5, 1.1)], p=[0.75, 0.25])
    return opacity * np.float32(generator.uniform(0.5, 1.0)), np.full_like(opacity, level)


def _double_line(generator: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> tuple[Array, Array]:
    """Two bright lines that are too near to each other, too far apart, or without walls."""
    along, across = _segment(generator, shape, pixel_mm, generator.uniform(20, 110))
    half = generator.choice([generator.uniform(1.2, 2.0), generator.uniform(6.5, 11.0)])
    distance = np.abs(np.abs(across) - np.float32(half)) - np.float32(generator.uniform(0.5, 1.0))
    opacity = _on(along) * _inside(distance, pixel_mm)
    return opacity, np.full_like(opacity, generator.uniform(0.4, 1.0))


def _seam(generator: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> tuple[Array, Array]:
    """A fascia or a banding line: thin and dark."""
    along, across = _segment(generator, shape, pixel_mm, generator.uniform(20, 160))
    opacity = _on(along) * _inside(np.abs(across) - np.float32(generator.uniform(0.3, 1.6)), pixel_mm)
    return opacity * np.float32(generator.uniform(0.4, 1.0)), np.full_like(opacity, generator.uniform(0.0, 0.15))


def _gas(generator: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> tuple[Array, Array]:
    """Black blobs with blooming."""
    opacity = np.zeros(shape, dtype=np.float32)
    row, column = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    center = generator.uniform(0.15, 0.85, 2) * shape
    for _ in range(int(generator.integers(1, 5))):
        radii = generator.uniform(4.0, 16.0, 2) / pixel_mm
        at = center + generator.normal(0.0, 10.0 / pixel_mm, 2)
        radius = np.hypot((row - at[0]) / radii[0], (column - at[1]) / radii[1])
        opacity = np.maximum(opacity, np.clip((1.1 - radius) / generator.uniform(0.1, 0.5), 0, 1))
    return opacity, np.full_like(opacity, generator.uniform(0.0, 0.06))


def _catheter(generator: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> tuple[Array, Array]:
    """A thin tube with dark wall and bright (or dark) lumen."""
    along, across = _segment(generator, shape, pixel_mm, generator.uniform(30, 120))
    radius = generator.uniform(2.0, 3.4)
    opacity = _on(along) * _inside(np.abs(across) - np.float32(radius), pixel_mm)
    lumen = _inside(np.abs(across) - np.float32(radius - generator.uniform(0.8, 1.4)), pixel_mm)
    return opacity, 0.05 + lumen * np.float32(generator.uniform(0.1, 1.0))


def _cortex(generator: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> tuple[Array, Array]:
    """An arc of bone cortex around bright marrow."""
    row, column = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    center = generator.uniform(0.0, 1.0, 2) * shape
    radius = generator.uniform(14.0, 32.0)
    distance = np.hypot(row - center[0], column - center[1]) * np.float32(pixel_mm) - np.float32(radius)
    opacity = _inside(np.abs(distance) - np.float32(generator.uniform(0.8, 2.2)), pixel_mm)
    return opacity, np.full_like(opacity, generator.uniform(0.0, 0.12))


_KINDS: tuple[Kind, ...] = (_tube, _tube, _double_line, _seam, _seam, _gas, _catheter, _cortex)
