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
    batch_size, n_frames, n_columns
        Strips of a batch on each device, frames of an example, width of a strip.
    frames_per_step
        Frames between two optimizer steps; the state goes on, its gradients do not (truncated backpropagation
        through time).
    learning_rate
        Peak of the schedule: linear warm-up, then a half cosine down to zero.
    validate_every
        Steps between validations.
    workers
        Processes that make examples.
    """

    steps: int
    batch_size: int
    n_frames: int
    n_columns: int
    frames_per_step: int
    learning_rate: float
    validate_every: int
    workers: int


RECIPES = {
    # Two CPU cores, about two hours: 0.95 s per step of the temporal network on one core with bfloat16 instructions,
    # examples and validation on the other.
    "small": Recipe(
        steps=7_500,
        batch_size=4,
        n_frames=16,
        n_columns=64,
        frames_per_step=4,
        learning_rate=1e-3,
        validate_every=250,
        workers=1,
    ),
    # One H200, about 25 minutes by its operations; never measured on one.
    "full": Recipe(
        steps=15_000,
        batch_size=32,
        n_frames=24,
        n_columns=96,
        frames_per_step=6,
        learning_rate=2e-3,
        validate_every=1_000,
        workers=12,
    ),
}
