"""A training run from start, or from where it stopped, to the model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from TemporalReconLib.training.stop_request import StopRequest
from TemporalReconLib.weights.bundle import fill_network, open_weights

from InstrumentTrackerLib.networks.instrument_network import InstrumentNetwork
from InstrumentTrackerLib.segmentation.network_segmenter import METHOD
from InstrumentTrackerLib.training.example_stream import StreamConfig
from InstrumentTrackerLib.training.recipe import Recipe
from InstrumentTrackerLib.training.trained_model import write_model
from InstrumentTrackerLib.training.trainer import StepReport, Trainer


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


def train(
    recipe: Recipe,
    stream: StreamConfig,
    folder: Path,
    device: torch.device,
    report: Callable[[StepReport], None],
    seconds: float,
    weights: Path | None = None,
) -> Trained:
    """Train, or go on, until the steps or the time are over or somebody stops it; then write the model.

    A new run begins with ``weights``, as ``--weights`` takes them, if there are any.

    Raises
    ------
    InputError
        If the folder holds a run of other settings, nothing was trained at all, or a file cannot be used.
    """
    torch.manual_seed(stream.seed)
    network = InstrumentNetwork()
    started_from = ""
    if weights is not None:
        opened = open_weights(weights, METHOD)
        fill_network(network, opened)
        started_from = hashlib.sha256(opened.source.read_bytes()).hexdigest()
    trainer = Trainer(network, recipe, stream, folder, device, started_from)
    with StopRequest() as stop:
        trainer.run(report, stop, seconds)
    return Trained(trainer.checkpoint.step, recipe.steps, write_model(folder), stop.is_set and not trainer.is_finished)
