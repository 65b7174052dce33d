"""Quality on examples never trained on, by which the best checkpoint is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from TemporalReconLib.training.example_stream import stacked
from TemporalReconLib.training.examples import Example, Sampling, random_example
from TemporalReconLib.training.stored_series import VALIDATION_SEEDS_FROM, series_of_seed

_N_SERIES = 6
_ACCELERATIONS = (16, 32)
_N_FRAMES = 16
_N_COLUMNS = 96
_TIP_WEIGHT_FROM = 4.0
_MATRIX = 256
_COILS = 6


@dataclass(frozen=True)
class Validation:
    """Peak signal-to-noise ratio in dB over the whole strips and near the tip; the peak is tissue at 1."""

    psnr: float
    psnr_tip: float


def validation_batches(seed: int) -> list[Example]:
    """The same batches for the same seed: one per acceleration, with and without planning scans."""
    generator = np.random.default_rng([seed, 1])
    series = [series_of_seed(VALIDATION_SEEDS_FROM + number, _MATRIX, _COILS) for number in range(_N_SERIES)]
    return [
        stacked(
            [
                random_example(generator, item, Sampling(_N_FRAMES, _MATRIX // acceleration, _N_COLUMNS))
                for item in series
            ]
        )
        for acceleration in _ACCELERATIONS
    ]


def psnr_of(images: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> Validation:
    """Magnitudes (..., row, col) against each other; ``weights`` are those of the training's error."""
    squared = (images.abs() - targets.abs()) ** 2
    near = weights > _TIP_WEIGHT_FROM
    tip = squared[near] if near.any() else squared
    return Validation(_decibel(float(squared.mean())), _decibel(float(tip.mean())))


def _decibel(mean_squared_error: float) -> float:
    return -10.0 * float(np.log10(max(mean_squared_error, 1e-12)))
