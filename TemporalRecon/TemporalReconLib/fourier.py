"""Centred orthonormal 2D FFT over the last two axes (ky, kx) <-> (row, col), for numpy arrays and tensors.

torch is imported when tensors come: Slicer's own process undersamples series, and must do without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


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


def fft2c(image: torch.Tensor) -> torch.Tensor:
    """Tensor version of :func:`image_to_kspace`; differentiable, keeps the device."""
    import torch

    dims = (-2, -1)
    shifted = torch.fft.ifftshift(image, dim=dims)
    return torch.fft.fftshift(torch.fft.fft2(shifted, dim=dims, norm="ortho"), dim=dims)


def ifft2c(kspace: torch.Tensor) -> torch.Tensor:
    """Tensor version of :func:`kspace_to_image`; differentiable, keeps the device."""
    import torch

    dims = (-2, -1)
    shifted = torch.fft.ifftshift(kspace, dim=dims)
    return torch.fft.fftshift(torch.fft.ifft2(shifted, dim=dims, norm="ortho"), dim=dims)
