"""Centred orthonormal 2D FFT over the last two axes (ky, kx) <-> (row, col)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def image_to_kspace(image: NDArray) -> NDArray[np.complex64]:
    """(..., row, col) -> (..., ky, kx) complex64; DC lies at index N // 2, energy is preserved."""
    axes = (-2, -1)
    shifted = np.fft.ifftshift(image, axes=axes)
    return np.fft.fftshift(np.fft.fft2(shifted, axes=axes, norm="ortho"), axes=axes).astype(np.complex64)


def kspace_to_image(kspace: NDArray) -> NDArray[np.complex64]:
    """(..., ky, kx) -> (..., row, col) complex64; the inverse and the adjoint of :func:`image_to_kspace`."""
    axes = (-2, -1)
    shifted = np.fft.ifftshift(kspace, axes=axes)
    return np.fft.fftshift(np.fft.ifft2(shifted, axes=axes, norm="ortho"), axes=axes).astype(np.complex64)
