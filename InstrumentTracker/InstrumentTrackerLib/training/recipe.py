"""How long and how hard to train."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Settings that belong together.

    Attributes
    ----------
    steps
        Optimizer steps in all.
    batch_size, size
        Crops of a batch, and their rows and columns.
    learning_rate
        Peak of the schedule: linear warm-up, then a half cosine down to zero.
    validate_every
        Steps between validations.
    workers
        Processes that make examples.
    """

    steps: int
    batch_size: int
    size: int
    learning_rate: float
    validate_every: int
    workers: int


RECIPES = {
    # Two CPU cores, about an hour: 0.2 s per step on one core with bfloat16 instructions, its examples 0.3 s on the
    # other.
    "small": Recipe(steps=6_000, batch_size=8, size=192, learning_rate=2e-3, validate_every=250, workers=1),
    # One large GPU and the CPU cores beside it, which make the examples; never measured on one.
    "full": Recipe(steps=40_000, batch_size=64, size=256, learning_rate=3e-3, validate_every=1_000, workers=14),
}
