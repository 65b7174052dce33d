"""Quality on examples never trained on, by which the best checkpoint is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from TemporalReconLib.training.example_stream import stacked
from TemporalReconLib.training.examples import Example, Sampling, random_example
from TemporalReconLib.training.stored_series import VALIDATION_SEEDS_FROM, series_of_seed
from TemporalReconLib.training.swept_series import swept_series_of_seed

# Series over time, and volumes whose slices are played as time.
_N_SERIES, _N_SWEPT = 6, 3
ACCELERATIONS = (16, 32)
_N_FRAMES = 16
_N_COLUMNS = 96
_TIP_WEIGHT_FROM = 4.0
_COILS = 6


@dataclass(frozen=True)
class Validation:
    """Peak signal-to-noise ratio in dB over the whole strips and near the tip; the peak is tissue at 1."""

    psnr: float
    psnr_tip: float


def validation_batches(seed: int, matrix: int) -> list[Example]:
    """The same batches for the same seed: one per acceleration, with and without planning scans."""
    generator = np.random.default_rng([seed, 1])
    series = [series_of_seed(VALIDATION_SEEDS_FROM + number, matrix, _COILS) for number in range(_N_SERIES)]
    swept = range(_N_SERIES, _N_SERIES + _N_SWEPT)
    series += [swept_series_of_seed(VALIDATION_SEEDS_FROM + number, matrix, _N_FRAMES) for number in swept]
    samplings = [Sampling(_N_FRAMES, matrix // acceleration, min(_N_COLUMNS, matrix)) for acceleration in ACCELERATIONS]
    return [stacked([random_example(generator, item, sampling) for item in series]) for sampling in samplings]


def psnr_of(images: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> Validation:
    """Magnitudes (batch, frame, row, col) against each other, the mean over all frames' decibels.

    ``weights`` (batch, frame, row, col) are those of the training's error, which tell where the tip is.
    """
    squared = (images.abs() - targets.abs()) ** 2
    near = weights > _TIP_WEIGHT_FROM
    n_near = near.sum(dim=(-2, -1))
    whole = squared.mean(dim=(-2, -1))
    tip = ((squared * near).sum(dim=(-2, -1)) / n_near.clamp_min(1))[n_near > 0]
    return Validation(_decibel(whole), _decibel(tip if tip.numel() else whole))


def _decibel(mean_squared_errors: torch.Tensor) -> float:
    return float((-10.0 * torch.log10(mean_squared_errors.clamp_min(1e-12))).mean())
