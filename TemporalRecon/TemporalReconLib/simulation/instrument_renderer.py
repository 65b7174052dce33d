"""Partial-volume pictures of the instrument in one slice, drawn only where it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.geometry import Matrix, directions_of, spacing_of, transform_points
from TemporalReconLib.simulation.instrument import BEND_REFERENCE_MM, CAP_REACH_MM, Instrument, InstrumentState

_SUBPIXELS = 2
_EDGE_MM = 0.6
_KERNEL_PIXELS = 3
_MARGIN_PIXELS = 5
# Offsets (fractions of the slice thickness) and weights that integrate over a slice profile with soft edges.
_PROFILE_OFFSETS = np.array([-0.55, -0.37, -0.18, 0.0, 0.18, 0.37, 0.55], dtype=np.float32)
_PROFILE_WEIGHTS = np.array([0.07, 0.15, 0.18, 0.20, 0.18, 0.15, 0.07], dtype=np.float32)


@dataclass(frozen=True)
class InstrumentPatch:
    """The instrument's part of a slice: image = anatomy * (1 - opacity) + signal inside ``rows`` x ``columns``.

    Attributes
    ----------
    opacity, signal
        float32 of the patch; signal relative to the 99th percentile of the image.
    """

    rows: slice
    columns: slice
    opacity: NDArray[np.float32]
    signal: NDArray[np.float32]


class InstrumentRenderer:
    """Draws into the slices of one stack.

    The model is evaluated at half-pixel spacing at seven depths of the slice and reduced to the pixel grid with a
    windowed sinc, so that edges ring slightly as they do in an image from a limited k-space.
    """

    def __init__(self, instrument: Instrument, ijk_to_ras: Matrix, matrix: int) -> None:
        self._instrument = instrument
        self._ijk_to_ras = ijk_to_ras
        self._matrix = matrix
        self._spacing = spacing_of(ijk_to_ras)
        self._directions = directions_of(ijk_to_ras)
        self._reduce = _reduction_matrix(matrix)

    def patch(self, state: InstrumentState, slice_index: int) -> InstrumentPatch | None:
        """Draw into a slice; None if the instrument does not touch it."""
        local = self._directions.T
        origin = transform_points(self._ijk_to_ras, [0.0, 0.0, float(slice_index)])
        tip = local @ (state.guide_tip - origin)
        axis = local @ state.axis
        bend = local @ state.bend
        window = self._window(tip, axis, state.extension_mm)
        if window is None:
            return None
        rows, columns = window
        x = self._subpixel_mm(columns, 0)[None, None, :] - np.float32(tip[0])
        y = self._subpixel_mm(rows, 1)[None, :, None] - np.float32(tip[1])
        z = (_PROFILE_OFFSETS * np.float32(self._spacing[2]))[:, None, None] - np.float32(tip[2])
        axis32 = axis.astype(np.float32)
        along = x * axis32[0] + y * axis32[1] + z * axis32[2]
        side = np.array([axis[1], -axis[0], 0.0])
        side /= max(np.linalg.norm(side), 1e-6)
        across_1 = x * np.float32(side[0]) + y * np.float32(side[1])
        other = np.cross(axis, side).astype(np.float32)
        across_2 = x * other[0] + y * other[1] + z * other[2]
        opacity, signal = self._instrument.opacity_and_signal(along, across_1, across_2, _EDGE_MM)
        if state.extension_mm > 0:
            sag = (np.clip(along, 0, None) / BEND_REFERENCE_MM) ** 2
            d1 = across_1 - sag * np.float32(bend @ side)
            d2 = across_2 - sag * np.float32(bend @ other)
            void = self._instrument.needle_opacity(along, np.sqrt(d1 * d1 + d2 * d2), state.extension_mm, _EDGE_MM)
            # The void lies over the guide's cap and over the tissue alike.
            signal = signal * (1 - void)
            opacity = opacity + void * (1 - opacity)
        flat_opacity = np.tensordot(_PROFILE_WEIGHTS, opacity, 1).astype(np.float32)
        if flat_opacity.max() < 1e-3:
            return None
        flat_signal = np.tensordot(_PROFILE_WEIGHTS, signal, 1).astype(np.float32)
        return InstrumentPatch(
            rows, columns, self._reduced(flat_opacity, rows, columns), self._reduced(flat_signal, rows, columns)
        )

    def _window(
        self, tip: NDArray[np.float64], axis: NDArray[np.float64], extension_mm: float
    ) -> tuple[slice, slice] | None:
        reach = self._instrument.radius + 0.6 * self._spacing[2]
        low, high = -self._instrument.length, max(extension_mm, CAP_REACH_MM)
        if abs(axis[2]) > 1e-6:
            # Only the part of the bar whose distance from the slice is below its radius.
            crossing = sorted(((-reach - tip[2]) / axis[2], (reach - tip[2]) / axis[2]))
            low, high = max(low, crossing[0] - reach), min(high, crossing[1] + reach)
            if low >= high:
                return None
        elif abs(tip[2]) > reach:
            return None
        ends = np.stack([tip + low * axis, tip + high * axis])[:, :2] / self._spacing[:2]
        margin = reach / self._spacing[:2] + _MARGIN_PIXELS
        first = np.floor(ends.min(axis=0) - margin).astype(int).clip(0, self._matrix)
        last = np.ceil(ends.max(axis=0) + margin).astype(int).clip(0, self._matrix)
        if np.any(last - first < 2):
            return None
        return slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0]))

    def _subpixel_mm(self, window: slice, axis: int) -> NDArray[np.float32]:
        index = np.arange(window.start * _SUBPIXELS, window.stop * _SUBPIXELS, dtype=np.float32)
        pixel = (index + 0.5) / _SUBPIXELS - 0.5
        return np.asarray(pixel * self._spacing[axis], dtype=np.float32)

    def _reduced(self, fine: NDArray[np.float32], rows: slice, columns: slice) -> NDArray[np.float32]:
        row_matrix = self._reduce[rows, rows.start * _SUBPIXELS : rows.stop * _SUBPIXELS]
        column_matrix = self._reduce[columns, columns.start * _SUBPIXELS : columns.stop * _SUBPIXELS]
        return np.asarray(row_matrix @ fine @ column_matrix.T, dtype=np.float32)


def _reduction_matrix(matrix: int) -> NDArray[np.float32]:
    """(pixel, subpixel) weights of a Lanczos-windowed sinc; each row sums to 1."""
    sub = (np.arange(matrix * _SUBPIXELS) + 0.5) / _SUBPIXELS - 0.5
    distance = sub[None, :] - np.arange(matrix)[:, None]
    weights = np.sinc(distance) * np.sinc(distance / _KERNEL_PIXELS) * (np.abs(distance) < _KERNEL_PIXELS)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
