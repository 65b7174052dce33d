"""A training run from start, or from where it stopped, to the model folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from TemporalReconLib.folder_lock import alone_in
from TemporalReconLib.training.outcome import Trained, begin_with
from TemporalReconLib.training.stop_request import StopRequest
from TemporalReconLib.weights.bundle import open_weights

from InstrumentTrackerLib.networks.instrument_network import InstrumentNetwork
from InstrumentTrackerLib.segmentation.network_segmenter import METHOD
from InstrumentTrackerLib.training.example_stream import StreamConfig
from InstrumentTrackerLib.training.recipe import Recipe
from InstrumentTrackerLib.training.trained_model import write_model
from InstrumentTrackerLib.training.trainer import StepReport, Trainer


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
        If another run works in the folder, it holds a run of other settings, nothing was trained at all, or a
        file cannot be used.
    """
    torch.manual_seed(stream.seed)
    network = InstrumentNetwork()
    started_from = "" if weights is None else begin_with(network, open_weights(weights, METHOD))
    with alone_in(folder, "train"):
        trainer = Trainer(network, recipe, stream, folder, device, started_from)
        with StopRequest() as stop:
            trainer.run(report, stop, seconds)
        model = write_model(folder)
    return Trained(trainer.checkpoint.step, recipe.steps, model, stop.is_set and not trainer.is_finished)
