"""How a training run begins with weights that are there, and how it ended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from TemporalReconLib.weights.bundle import Weights, fill_network


@dataclass(frozen=True)
class Trained:
    """How a run ended.

    Attributes
    ----------
    step, steps
        Done, and wanted.
    model
        Folder for ``--weights``.
    is_interrupted
        Whether somebody stopped it.
    """

    step: int
    steps: int
    model: Path
    is_interrupted: bool

    @property
    def summary(self) -> str:
        """One line for whoever started it."""
        if self.step < self.steps:
            return f"stopped at step {self.step} of {self.steps}; the same command goes on; model so far: {self.model}"
        return f"trained {self.step} steps; model: {self.model}"


def begin_with(network: nn.Module, weights: Weights) -> str:
    """Fill the network and tell the digest of what filled it."""
    fill_network(network, weights)
    return hashlib.sha256(weights.source.read_bytes()).hexdigest()
