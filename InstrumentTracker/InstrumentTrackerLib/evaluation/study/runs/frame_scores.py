"""How near a mask and a picture are to the reference's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance
from monai.metrics.confusion_matrix import compute_confusion_matrix_metric, get_confusion_matrix
from numpy.typing import NDArray
from TemporalReconLib.benchmark.metrics import least_squares_gain, nmse, psnr, ssim

Row = dict[str, Any]
Mask = NDArray[np.bool_]
Image = NDArray[np.float32]

_DIGITS = 4


def mask_scores(found: Mask, true: Mask, spacing_mm: Sequence[float]) -> Row:
    """Dice, 95th percentile of the Hausdorff distance (mm), sensitivity and specificity of pixels.

    What is not defined is left out: all but specificity without an instrument, the distance where one mask is empty.

    Parameters
    ----------
    found, true
        bool (slice, row, col).
    spacing_mm
        In the same order.
    """
    first, second = (torch.from_numpy(mask)[None, None].float() for mask in (found, true))
    # MONAI counts pixels along channels; the instrument alone is one channel.
    confusion = get_confusion_matrix(first, second)
    scores = {"specificity": compute_confusion_matrix_metric("specificity", confusion)}
    if true.any():
        scores["dice"] = compute_dice(first, second)
        scores["sensitivity"] = compute_confusion_matrix_metric("sensitivity", confusion)
    if true.any() and found.any():
        scores["hd95_mm"] = _distance(found, true, spacing_mm)
    return {name: round(float(value), _DIGITS) for name, value in scores.items() if math.isfinite(float(value))}


def picture_scores(pictures: Sequence[Image], references: Sequence[Image]) -> list[Row]:
    """PSNR (dB), SSIM and NMSE of the frames of a series after one common gain; mean over slices.

    Parameters
    ----------
    pictures, references
        (slice, row, col) each.
    """
    gain = least_squares_gain([image.ravel() for image in pictures], [image.ravel() for image in references])
    peak = max(float(image.max()) for image in references)
    rows: list[Row] = []
    for picture, reference in zip(pictures, references, strict=True):
        scaled = np.asarray(gain * picture, dtype=np.float32)
        if peak <= 0 or not reference.any():
            rows.append({})
            continue
        noise = psnr(scaled, reference, peak)
        row = {"nmse": nmse(scaled, reference), "ssim": _ssim(scaled, reference, peak)}
        rows.append({name: round(value, 6) for name, value in row.items()})
        if math.isfinite(noise):
            rows[-1]["psnr"] = round(noise, _DIGITS)
    return rows


def _ssim(picture: Image, reference: Image, peak: float) -> float:
    return float(np.mean([ssim(*pair, peak) for pair in zip(picture, reference, strict=True)]))


def _distance(found: Mask, true: Mask, spacing_mm: Sequence[float]) -> torch.Tensor:
    # Distances need no pixels far from both masks.
    where = np.nonzero(found | true)
    box = tuple(slice(max(int(axis.min()) - 1, 0), int(axis.max()) + 2) for axis in where)
    first, second = (torch.from_numpy(mask[box].copy())[None, None].float() for mask in (found, true))
    with warnings.catch_warnings():
        # MONAI 1.5 and 1.6 warn of an argument that they pass themselves.
        warnings.simplefilter("ignore", FutureWarning)
        return compute_hausdorff_distance(
            first, second, include_background=True, percentile=95, spacing=[float(size) for size in spacing_mm]
        )
