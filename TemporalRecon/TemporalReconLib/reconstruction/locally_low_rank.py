"""Locally low rank shrinkage along time."""

from __future__ import annotations

import torch
from torch.nn.functional import pad

BLOCK = 8
_TINY = 1e-20


def shrink_newest(images: torch.Tensor, threshold: torch.Tensor, shift: tuple[int, int]) -> torch.Tensor:
    """The newest image after singular values of small blocks over time were shrunk.

    Every block of :data:`BLOCK` x :data:`BLOCK` pixels is a Casorati matrix (pixel, image) whose singular values are
    reduced by ``threshold``, except the largest, which is what the images have in common: locally low rank
    regularization (Zhang et al., MRM 73:655, 2015). With a new ``shift`` (row, col) of the blocks per iteration no
    grid stays behind.

    Few images make the small side: the singular vectors come from the eigenvectors of the (image, image) Gram
    matrix, many times faster than a singular value decomposition.

    Parameters
    ----------
    images
        complex (image, slice, row, col), the newest last.
    threshold
        real (slice,), in units of the singular values.

    Returns
    -------
    torch.Tensor
        complex (slice, row, col).
    """
    n_images, n_slices, rows, columns = images.shape
    shifted = pad(torch.roll(images, shift, dims=(-2, -1)), (0, -columns % BLOCK, 0, -rows % BLOCK))
    grid = (shifted.shape[-2] // BLOCK, shifted.shape[-1] // BLOCK)
    tiled = shifted.reshape(n_images, n_slices, grid[0], BLOCK, grid[1], BLOCK)
    matrices = tiled.permute(1, 2, 4, 3, 5, 0).reshape(n_slices, grid[0] * grid[1], BLOCK * BLOCK, n_images)
    energies, vectors = torch.linalg.eigh(matrices.mH @ matrices)
    singular_values = energies.clamp_min(0.0).sqrt()
    kept = (singular_values - threshold[:, None, None]).clamp_min(0.0) / singular_values.clamp_min(_TINY)
    kept[..., -1] = 1.0
    mixing = (vectors * kept[..., None, :]) @ vectors.mH[..., -1:]
    newest = (matrices @ mixing).reshape(n_slices, *grid, BLOCK, BLOCK).permute(0, 1, 3, 2, 4)
    newest = newest.reshape(n_slices, *shifted.shape[-2:])[..., :rows, :columns]
    return torch.roll(newest, (-shift[0], -shift[1]), dims=(-2, -1))
