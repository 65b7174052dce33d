"""The smallest runs that still train: 32 x 32 pixels, two coils, one strip, and no other process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from TemporalReconLib.training.example_stream import StreamConfig
from TemporalReconLib.training.methods import make_unroll
from TemporalReconLib.training.recipe import Recipe
from TemporalReconLib.training.trainer import StepReport, Trainer

RECIPE = Recipe(
    steps=6,
    batch_size=1,
    n_frames=4,
    n_columns=32,
    frames_per_step=2,
    learning_rate=1e-2,
    validate_every=1_000,
    workers=0,
)
MATRIX = 32


def a_stream(recipe: Recipe = RECIPE, **changes: object) -> StreamConfig:
    """Of one small series that is never renewed."""
    small = {"matrices": (MATRIX,), "coils": (2,), "pool_size": 1, "batches_per_series": 1_000}
    return replace(StreamConfig.of(recipe, 0, (), ()), **{**small, **changes})


def a_trainer(folder: Path, method: str = "temporal", recipe: Recipe = RECIPE, **changes: object) -> Trainer:
    torch.manual_seed(0)
    return Trainer(make_unroll(method), recipe, a_stream(recipe, **changes), folder, torch.device("cpu"))


def run_until(trainer: Trainer, step: int) -> list[StepReport]:
    """Train and stop by hand, which is not validated; reports of every step."""
    reports: list[StepReport] = []
    trainer.run(reports.append, lambda: trainer.checkpoint.step >= step)
    return reports
