"""A training run from start, or from where it stopped, to the model folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch

from TemporalReconLib.folder_lock import alone_in
from TemporalReconLib.reconstruction.temporal_reconstruction import TemporalReconstruction
from TemporalReconLib.training.example_stream import StreamConfig
from TemporalReconLib.training.methods import make_unroll
from TemporalReconLib.training.outcome import Trained, begin_with
from TemporalReconLib.training.processes import Process
from TemporalReconLib.training.quality_calibration import calibrate
from TemporalReconLib.training.recipe import Recipe
from TemporalReconLib.training.stop_request import StopRequest
from TemporalReconLib.training.trained_model import write_model
from TemporalReconLib.training.trainer import StepReport, Trainer
from TemporalReconLib.weights.bundle import open_weights

# A shorter run is a trial, whose quality is not worth minutes of simulation.
_CALIBRATED_FROM_STEPS = 1000


def train(
    method: str,
    recipe: Recipe,
    stream: StreamConfig,
    folder: Path,
    process: Process,
    report: Callable[[StepReport], None],
    seconds: float,
    calibrating: Callable[[int, int], None],
    weights: Path | None = None,
) -> Trained:
    """Train, or go on, until the steps or the time are over or somebody stops it; then write the model.

    When all steps are done, the quality signal is calibrated too; ``calibrating`` is told series done and their number.
    A new run begins with ``weights``, as ``--weights`` takes them, if there are any.

    Raises
    ------
    InputError
        If another run works in the folder, it holds a run of other settings, nothing was trained at all, or a
        file cannot be used.
    """
    torch.manual_seed(stream.seed)
    unroll = make_unroll(method)
    started_from = "" if weights is None else begin_with(unroll.network, open_weights(weights, method))
    with alone_in(folder, "train") if process.rank == 0 else nullcontext():
        trainer = Trainer(unroll, recipe, stream, folder, process.device, process.rank, process.n_ranks, started_from)
        with StopRequest(is_patient=process.n_ranks > 1) as stop:
            trainer.run(report, stop, seconds)
        model = write_model(folder) if process.rank == 0 else folder
        is_calibrated = method == "temporal" and trainer.is_finished and recipe.steps >= _CALIBRATED_FROM_STEPS
        if process.rank == 0 and is_calibrated:
            model = write_model(folder, calibrate(TemporalReconstruction(process.device, model), calibrating))
    return Trained(trainer.checkpoint.step, recipe.steps, model, stop.is_set and not trainer.is_finished)
