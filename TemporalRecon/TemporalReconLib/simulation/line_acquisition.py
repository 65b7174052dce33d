"""K-space lines of moving slices: each line sees the object at its own moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.simulation.bssfp import REPETITION_TIME_S
from TemporalReconLib.simulation.instrument_renderer import InstrumentPatch

# Tissue moves by less than half a pixel between two key moments, so that its image may be interpolated linearly.
_LINES_PER_KEY_MOMENT = 16

AnatomyImage = Callable[[float], NDArray[np.complex64]]
PatchAt = Callable[[float], InstrumentPatch | None]


@dataclass(frozen=True)
class SliceObject:
    """What the coils see in one slice.

    Attributes
    ----------
    anatomy
        Gives the complex anatomy (row, col) at a time.
    patch
        Gives the instrument's part at a time, None where it is not in the slice.
    instrument_phase
        complex64 (row, col) of magnitude 1: phase of the instrument's own signal.
    scale
        Converts the instrument's relative signal to that of the anatomy.
    coil_maps
        complex64 (coil, row, col).
    """

    anatomy: AnatomyImage
    patch: PatchAt
    instrument_phase: NDArray[np.complex64]
    scale: float
    coil_maps: NDArray[np.complex64]

    def image(self, time_s: float) -> NDArray[np.complex64]:
        """Object (row, col) at one moment, without receive coils."""
        image = np.array(self.anatomy(time_s))
        patch = self.patch(time_s)
        if patch is not None:
            window = (patch.rows, patch.columns)
            image[window] += self._change(patch, image[window])
        return image

    def acquire(self, lines: NDArray[np.intp], start_time_s: float) -> NDArray[np.complex64]:
        """Noise-free lines in the order given, one per TR: (coil, line, kx), centred orthonormal FFT."""
        n_coils, _, columns = self.coil_maps.shape
        spectrum = np.empty((n_coils, lines.size, columns), dtype=np.complex64)
        for first in range(0, lines.size, _LINES_PER_KEY_MOMENT):
            part = slice(first, min(first + _LINES_PER_KEY_MOMENT, lines.size))
            times = np.asarray(
                start_time_s + (np.arange(part.start, part.stop) + 0.5) * REPETITION_TIME_S, dtype=np.float64
            )
            spectrum[:, part] = self._acquire_between_keys(lines[part], times)
        # The readout direction is sampled within a fraction of a TR: one FFT along x.
        shifted = np.fft.fft(np.fft.ifftshift(spectrum, axes=-1), axis=-1, norm="ortho")
        return np.asarray(np.fft.fftshift(shifted, axes=-1), dtype=np.complex64)

    def _acquire_between_keys(self, lines: NDArray[np.intp], times: NDArray[np.float64]) -> NDArray[np.complex64]:
        encoding = _phase_encoding(lines, self.coil_maps.shape[1])
        begin, end = self.anatomy(float(times[0])), self.anatomy(float(times[-1]))
        share = np.linspace(0, 1, lines.size, dtype=np.float32)
        at_begin, at_end = (np.matmul(encoding[None], self.coil_maps * image[None]) for image in (begin, end))
        result = at_begin + share[:, None] * (at_end - at_begin)
        for number, time in enumerate(times):
            patch = self.patch(float(time))
            if patch is None:
                continue
            window = (patch.rows, patch.columns)
            here = begin[window] + share[number] * (end[window] - begin[window])
            weighted = encoding[number, patch.rows, None] * self._change(patch, here)
            result[:, number, patch.columns] += np.einsum(
                "cyx,yx->cx", self.coil_maps[:, patch.rows, patch.columns], weighted
            )
        return np.asarray(result, dtype=np.complex64)

    def _change(self, patch: InstrumentPatch, anatomy: NDArray[np.complex64]) -> NDArray[np.complex64]:
        own = self.instrument_phase[patch.rows, patch.columns] * (np.float32(self.scale) * patch.signal)
        return np.asarray(own - patch.opacity * anatomy, dtype=np.complex64)


def _phase_encoding(lines: NDArray[np.intp], rows: int) -> NDArray[np.complex64]:
    """Rows ``lines`` of the centred orthonormal DFT: (line, row)."""
    center = rows // 2
    angle = -2 * np.pi * np.outer(lines - center, np.arange(rows) - center) / rows
    return np.asarray(np.exp(1j * angle) / np.sqrt(rows), dtype=np.complex64)
