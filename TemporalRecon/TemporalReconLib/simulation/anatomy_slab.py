"""The anatomy around the slice stack as a complex volume that can be warped quickly."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from TemporalReconLib.geometry import Matrix, directions_of, spacing_of

PLANE_MM = 1.5
MARGIN_MM = 7.5
UPSAMPLING = 2
# Weights of planes -3, -1.5, 0, 1.5, 3 mm: a 3 mm slice with the soft edges of a short RF pulse.
_SLICE_PROFILE = (0.04, 0.23, 0.46, 0.23, 0.04)


class AnatomySlab:
    """Planes of 1.5 mm, blurred by the slice profile, on a grid twice as fine in plane as the image.

    Parameters
    ----------
    signal
        complex (plane, row, col) on the grid of :func:`slab_to_ras`.
    ijk_to_ras
        Geometry of the slice stack.
    """

    def __init__(self, signal: NDArray, ijk_to_ras: Matrix) -> None:
        self._planes, self._rows, self._columns = signal.shape
        self._spacing = spacing_of(ijk_to_ras)
        self._to_index = directions_of(ijk_to_ras).T / self._spacing[:, None]
        fine = _upsampled(_through_slice_profile(signal))
        self._volume = torch.from_numpy(np.stack([fine.real, fine.imag]).astype(np.float32))[None]
        rows, columns = np.mgrid[: self._rows, : self._columns].astype(np.float32)
        self._row_grid, self._column_grid = rows, columns

    def image(self, slice_index: int, displacement: NDArray | None) -> NDArray[np.complex64]:
        """Slice (row, col) of the anatomy moved by ``displacement``, (row, col, 3) in mm RAS, None for none."""
        columns, rows = self._column_grid, self._row_grid
        plane = np.float32((MARGIN_MM + slice_index * self._spacing[2]) / PLANE_MM)
        planes = np.full_like(rows, plane)
        if displacement is not None:
            index_shift = displacement.astype(np.float32) @ self._to_index.T.astype(np.float32)
            columns = columns - index_shift[..., 0]
            rows = rows - index_shift[..., 1]
            planes = planes - index_shift[..., 2] * np.float32(self._spacing[2] / PLANE_MM)
        grid = np.stack(
            [
                columns * UPSAMPLING * 2 / (UPSAMPLING * self._columns - 1) - 1,
                rows * UPSAMPLING * 2 / (UPSAMPLING * self._rows - 1) - 1,
                planes * 2 / (self._planes - 1) - 1,
            ],
            axis=-1,
        )
        sampled = functional.grid_sample(
            self._volume, torch.from_numpy(grid)[None, None], mode="bilinear", padding_mode="border", align_corners=True
        )[0, :, 0].numpy()
        return np.asarray(sampled[0] + 1j * sampled[1], dtype=np.complex64)


def slab_shape(ijk_to_ras: Matrix, n_slices: int, matrix: int) -> tuple[int, int, int]:
    """(plane, row, col) of the slab's grid."""
    thickness = spacing_of(ijk_to_ras)[2]
    return (round((2 * MARGIN_MM + (n_slices - 1) * thickness) / PLANE_MM) + 1, matrix, matrix)


def slab_to_ras(ijk_to_ras: Matrix) -> Matrix:
    """Geometry of the slab's grid: the stack's pixels, planes of 1.5 mm from a margin before the first slice."""
    thickness = spacing_of(ijk_to_ras)[2]
    matrix = np.array(ijk_to_ras)
    matrix[:3, 3] -= matrix[:3, 2] * (MARGIN_MM / thickness)
    matrix[:3, 2] *= PLANE_MM / thickness
    return matrix


def _through_slice_profile(signal: NDArray) -> NDArray:
    reach = len(_SLICE_PROFILE) // 2
    padded = np.pad(signal, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    return np.asarray(sum(w * padded[n : n + signal.shape[0]] for n, w in enumerate(_SLICE_PROFILE)))


def _upsampled(signal: NDArray) -> NDArray[np.complex64]:
    """Band-limited interpolation: index i of the image is index 2 i of the result."""
    _, rows, columns = signal.shape
    out = np.empty((signal.shape[0], rows * UPSAMPLING, columns * UPSAMPLING), dtype=np.complex64)
    taper = np.outer(_raw_filter(rows), _raw_filter(columns))
    row_pad, column_pad = (n * (UPSAMPLING - 1) // 2 for n in (rows, columns))
    for plane, result in zip(signal, out, strict=True):
        spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(plane))) * taper
        spectrum = np.pad(spectrum, ((row_pad, row_pad), (column_pad, column_pad)))
        result[:] = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(spectrum))) * UPSAMPLING**2
    return out


def _raw_filter(size: int) -> NDArray[np.float64]:
    """Weights of the spatial frequencies: the last fifth before the Nyquist frequency is damped, so edges ring less."""
    frequency = np.abs(np.arange(size) - size // 2) / (size / 2)
    return np.asarray(1 - 0.7 * np.clip((frequency - 0.8) / 0.2, 0, 1) ** 2)
