"""Orthonormal 2D Haar wavelet shrinkage on tensors."""

from __future__ import annotations

import torch
from torch.nn.functional import pad

from TemporalReconLib.networks.soft_threshold import soft_threshold

LEVELS = 3
_MEDIAN_OF_RAYLEIGH = 1.1774  # median magnitude of complex Gaussian noise of unit variance per component


def shrink_details(image: torch.Tensor, threshold: torch.Tensor, shift: tuple[int, int]) -> torch.Tensor:
    """Soft-threshold the magnitude of all Haar detail coefficients; the coarsest approximation stays.

    Shifted by ``shift`` pixels (row, col) first and back afterwards: with a new shift per iteration this is
    cycle spinning (Coifman and Donoho, 1995), which leaves no blocks behind.

    Parameters
    ----------
    image
        complex (slice, row, col).
    threshold
        real (slice,), in units of the image.
    """
    rows, columns = image.shape[-2:]
    block = 2**LEVELS
    padded = pad(torch.roll(image, shift, dims=(-2, -1)), (0, -columns % block, 0, -rows % block))
    limit = threshold[:, None, None, None]
    details = []
    approximation = padded
    for _ in range(LEVELS):
        approximation, detail = _analyze(approximation)
        details.append(soft_threshold(detail, limit))
    for detail in reversed(details):
        approximation = _synthesize(approximation, detail)
    return torch.roll(approximation[..., :rows, :columns], (-shift[0], -shift[1]), dims=(-2, -1))


def noise_level(image: torch.Tensor) -> torch.Tensor:
    """Standard deviation per component of noise-like content, (slice,): median of the finest diagonal details."""
    rows, columns = image.shape[-2:]
    _, detail = _analyze(image[..., : rows - rows % 2, : columns - columns % 2])
    return detail[:, 2].abs().flatten(1).median(dim=1).values / _MEDIAN_OF_RAYLEIGH


def _analyze(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(slice, row, col) -> approximation (slice, row/2, col/2) and details (slice, 3, row/2, col/2)."""
    top_left, top_right = image[..., 0::2, 0::2], image[..., 0::2, 1::2]
    low_left, low_right = image[..., 1::2, 0::2], image[..., 1::2, 1::2]
    row_sum, row_difference = top_left + low_left, top_left - low_left
    column_sum, column_difference = top_right + low_right, top_right - low_right
    details = torch.stack(
        (row_sum - column_sum, row_difference + column_difference, row_difference - column_difference), dim=1
    )
    return (row_sum + column_sum) * 0.5, details * 0.5


def _synthesize(approximation: torch.Tensor, details: torch.Tensor) -> torch.Tensor:
    """Inverse of :func:`_analyze`."""
    horizontal, vertical, diagonal = details[:, 0], details[:, 1], details[:, 2]
    n_slices, rows, columns = approximation.shape
    image = approximation.new_empty((n_slices, 2 * rows, 2 * columns))
    image[..., 0::2, 0::2] = (approximation + horizontal + vertical + diagonal) * 0.5
    image[..., 0::2, 1::2] = (approximation - horizontal + vertical - diagonal) * 0.5
    image[..., 1::2, 0::2] = (approximation + horizontal - vertical - diagonal) * 0.5
    image[..., 1::2, 1::2] = (approximation - horizontal - vertical + diagonal) * 0.5
    return image
