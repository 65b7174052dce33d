"""The instrument drawn into slices of any geometry, and the labels that go with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.geometry import Matrix, ras_to_ijk, slice_normal, spacing_of, transform_points
from TemporalReconLib.simulation.instrument import BEND_REFERENCE_MM, CAP_REACH_MM, Instrument, InstrumentState

from InstrumentTrackerLib.localization.instrument_shape import VOID_RADIUS_MM

# Fractions of the slice thickness, and weights, that stand for a slice profile with soft edges.
_OFFSETS = (-0.5, -0.25, 0.0, 0.25, 0.5)
_WEIGHTS = (0.1, 0.24, 0.32, 0.24, 0.1)
# A needle in the middle of a slice fills no more of it than this.
_NEEDLE_FILLING = 0.8
_MARGIN_MM = 3.0

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Drawing:
    """Partial volumes, float32 (slice, row, col).

    Attributes
    ----------
    opacity, signal
        image = anatomy * (1 - opacity) + signal; signal relative to the 99th percentile of the image.
    guide, needle
        0 to 1: what is labelled; together at most 1.
    """

    opacity: Array
    signal: Array
    guide: Array
    needle: Array


def draw(
    instrument: Instrument,
    state: InstrumentState | None,
    ijk_to_ras: Matrix,
    shape: tuple[int, int, int],
    thickness_mm: float,
    guide_opacity: float = 1.0,
) -> Drawing:
    """Draw guide and needle into each slice of a stack (slice, row, col); nothing without a state."""
    drawing = Drawing(*(np.zeros(shape, dtype=np.float32) for _ in range(4)))
    if state is None:
        return drawing
    edge = float(spacing_of(ijk_to_ras)[:2].mean())
    frame = _across(state.axis, slice_normal(ijk_to_ras))
    for index in range(shape[0]):
        window = _window(instrument, state, ijk_to_ras, shape, index, thickness_mm)
        if window is None:
            continue
        rows, columns = window
        row, column = np.mgrid[rows, columns]
        points = transform_points(ijk_to_ras, np.stack([column, row, np.full_like(row, index)], axis=-1))
        local = (points - state.guide_tip) @ np.stack([state.axis, *frame], axis=1)
        normal = np.stack([state.axis, *frame]) @ slice_normal(ijk_to_ras) * thickness_mm
        parts = np.zeros((4, *row.shape), dtype=np.float32)
        for offset, weight in zip(_OFFSETS, _WEIGHTS, strict=True):
            parts += np.float32(weight) * _at(instrument, state, frame, local + offset * normal, edge, guide_opacity)
        chosen = (index, rows, columns)
        drawing.opacity[chosen], drawing.signal[chosen] = parts[0], parts[1]
        drawing.guide[chosen] = parts[2]
        drawing.needle[chosen] = np.minimum(parts[3] / _NEEDLE_FILLING, 1 - parts[2])
    return drawing


def _at(
    instrument: Instrument,
    state: InstrumentState,
    frame: tuple[NDArray[np.float64], NDArray[np.float64]],
    local: NDArray[np.float64],
    edge: float,
    guide_opacity: float,
) -> Array:
    along, first, second = np.moveaxis(local.astype(np.float32), -1, 0)
    guide, signal = instrument.opacity_and_signal(along, first, second, edge)
    opacity, signal = guide_opacity * guide, guide_opacity * signal
    needle = np.zeros_like(guide)
    if state.extension_mm > 0:
        sag = (np.clip(along, 0, None) / BEND_REFERENCE_MM) ** 2
        apart = np.hypot(first - sag * (state.bend @ frame[0]), second - sag * (state.bend @ frame[1]))
        void = instrument.needle_opacity(along, apart, state.extension_mm, edge)
        signal = signal * (1 - void)
        opacity = opacity + void * (1 - opacity)
        if state.needle_tip is not None:
            inside = np.clip((VOID_RADIUS_MM - apart) / edge + 0.5, 0, 1)
            needle = inside * np.clip((state.extension_mm - along) / edge + 0.5, 0, 1) * (along > 0)
    return np.stack([opacity, signal, guide, needle]).astype(np.float32)


def _across(axis: NDArray[np.float64], normal: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors across the axis, the first one in the slice."""
    first = np.cross(axis, normal)
    first = first / max(float(np.linalg.norm(first)), 1e-9)
    return first, np.cross(axis, first)


def _window(
    instrument: Instrument,
    state: InstrumentState,
    ijk_to_ras: Matrix,
    shape: tuple[int, int, int],
    index: int,
    thickness_mm: float,
) -> tuple[slice, slice] | None:
    """Rows and columns that the instrument may touch in a slice."""
    low, high = -instrument.length, max(state.extension_mm, CAP_REACH_MM)
    normal = slice_normal(ijk_to_ras)
    reach = instrument.radius + thickness_mm / 2 + 0.5
    height = float(normal @ (transform_points(ijk_to_ras, [0.0, 0.0, float(index)]) - state.guide_tip))
    slope = float(normal @ state.axis)
    if abs(slope) > 1e-6:
        crossing = sorted(((height - reach) / slope, (height + reach) / slope))
        low, high = max(low, crossing[0]), min(high, crossing[1])
    elif abs(height) > reach:
        return None
    if low >= high:
        return None
    bend = state.bend * (max(high, 0.0) / BEND_REFERENCE_MM) ** 2
    ends = ras_to_ijk(ijk_to_ras, state.guide_tip + np.stack([low * state.axis, high * state.axis + bend]))[:, :2]
    margin = (instrument.radius + _MARGIN_MM) / spacing_of(ijk_to_ras)[:2]
    size = np.array([shape[2], shape[1]])
    first = np.floor(ends.min(axis=0) - margin).astype(int).clip(0, size)
    last = np.ceil(ends.max(axis=0) + margin).astype(int).clip(0, size)
    if np.any(last - first < 1):
        return None
    return slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0]))
