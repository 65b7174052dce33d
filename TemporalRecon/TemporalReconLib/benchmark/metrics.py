"""How near an image is to the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from monai.metrics.regression import SSIMMetric
from numpy.typing import NDArray

Image = NDArray[np.float32]

TIP_REGION_PIXELS = 40


def least_squares_gain(images: Sequence[Image], truths: Sequence[Image]) -> float:
    """The one factor that brings the images of a series nearest to the true ones; 0 if the images are empty.

    Methods scale their images as they like; one factor for all frames hides no change of brightness over time.
    """
    power = sum(float(np.vdot(image, image)) for image in images)
    return (
        sum(float(np.vdot(image, truth)) for image, truth in zip(images, truths, strict=True)) / power if power else 0.0
    )


def psnr(image: Image, truth: Image, peak: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal images."""
    error = float(np.mean((image.astype(np.float64) - truth) ** 2))
    return 10.0 * math.log10(peak**2 / error) if error else math.inf


def nmse(image: Image, truth: Image) -> float:
    """Energy of the error over energy of the truth (Zbontar et al., arXiv:1811.08839, 2018)."""
    return float(np.sum((image.astype(np.float64) - truth) ** 2) / np.sum(truth.astype(np.float64) ** 2))


def ssim(image: Image, truth: Image, peak: float) -> float:
    """Structural similarity, mean over the image (Wang et al., IEEE TIP 13:600, 2004)."""
    metric = SSIMMetric(spatial_dims=2, data_range=peak)
    first, second = (torch.from_numpy(np.ascontiguousarray(array))[None, None] for array in (image, truth))
    return float(torch.as_tensor(metric(first, second)))


def region_around(row: float, column: float, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the tip region: 40 x 40 pixels with the point in the middle, moved inside the image."""

    def span(center: float, size: int) -> slice:
        first = min(max(round(center) - TIP_REGION_PIXELS // 2, 0), max(size - TIP_REGION_PIXELS, 0))
        return slice(first, min(first + TIP_REGION_PIXELS, size))

    return span(row, shape[0]), span(column, shape[1])
