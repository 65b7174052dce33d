"""The training loop of the segmenter: resumable and seeded, on a CPU or one GPU."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from monai.losses import DiceCELoss
from TemporalReconLib.reconstruction.device import computes_bfloat16
from TemporalReconLib.training.checkpoint import CheckpointFolder
from TemporalReconLib.training.descent import Descent
from TemporalReconLib.training.pace import Pace
from TemporalReconLib.training.processes import in_words, leave_ending_to_trainer
from TemporalReconLib.training.training_log import open_log
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from InstrumentTrackerLib.networks.instrument_network import InstrumentNetwork
from InstrumentTrackerLib.segmentation.network_segmenter import METHOD
from InstrumentTrackerLib.training.example_stream import ExampleStream, StreamConfig
from InstrumentTrackerLib.training.examples import Example
from InstrumentTrackerLib.training.recipe import Recipe
from InstrumentTrackerLib.training.validation import Validation, validate, validation_batches

logger = logging.getLogger(__name__)

# Fewer in a short run: a tenth of its steps.
_WARM_UP_STEPS = 200
_AVERAGING = 0.995
# Weight of the cross entropy, a mean over all pixels, beside Dice: a needle is a thousandth of them.
_CROSS_ENTROPY = 5.0
_GRADIENT_LIMIT = 5.0
_CHECKPOINT_SECONDS = 120.0
_LOG_EVERY = 20


@dataclass
class Checkpoint:
    """Progress of a training run.

    Attributes
    ----------
    step, seconds, device
        Optimizer steps done, wall time spent, and what it was trained on last, in words.
    score, figures
        The best validation so far; minus infinity and nothing before the first.
    """

    step: int = 0
    seconds: float = 0.0
    device: str = ""
    score: float = float("-inf")
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepReport:
    """Where training stands, for progress lines; ``best`` is the best validation's score so far."""

    step: int
    steps: int
    loss: float
    seconds_left: float
    best: float
    validation: Validation | None


class Trainer:
    """Trains a network and keeps checkpoints in a folder.

    Parameters
    ----------
    folder
        Checkpoints and TensorBoard logs; training goes on from the newest checkpoint found there.
    started_from
        Digest of the weights that the network holds already; empty for random ones.

    Raises
    ------
    InputError
        If the folder's checkpoint is of other settings.
    """

    def __init__(
        self,
        network: InstrumentNetwork,
        recipe: Recipe,
        stream: StreamConfig,
        folder: Path,
        device: torch.device,
        started_from: str = "",
    ) -> None:
        self._recipe, self._stream, self._folder, self._device = recipe, stream, folder, device
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._loss = DiceCELoss(softmax=True, include_background=False, batch=True, lambda_ce=_CROSS_ENTROPY)
        self._precision = torch.autocast(device.type, torch.bfloat16, enabled=computes_bfloat16(device))
        self._average = AveragedModel(self.network, avg_fn=_average, use_buffers=True)
        warm_up_steps = min(_WARM_UP_STEPS, recipe.steps / 10)
        self._descent = Descent(
            self.network, self._average, recipe.learning_rate, recipe.steps, warm_up_steps, _GRADIENT_LIMIT
        )
        settings = {**asdict(recipe), **stream.as_settings()}
        del settings["workers"]  # the machine's affair
        if started_from:
            settings["started_from"] = started_from
        made_for = {"method": METHOD, "network": type(network).__name__, "config": network.config.as_json()}
        self._checkpoints = CheckpointFolder(folder, made_for, settings)
        stored = self._checkpoints.restore(Checkpoint, self.network, self._average, self._descent.optimizer)
        self.checkpoint = stored or Checkpoint()

    @property
    def averaged(self) -> nn.Module:
        """The exponential moving average of the network: what is validated and shipped."""
        return self._average.module

    @property
    def is_finished(self) -> bool:
        return self.checkpoint.step >= self._recipe.steps

    def run(self, report: Callable[[StepReport], None], stopped: Callable[[], bool], seconds: float = math.inf) -> None:
        """Train until the recipe's steps are done, the time is over, or ``stopped``; then write a checkpoint.

        The end of the steps or of the time is validated; who stops by hand need not wait for it.
        """
        if self.is_finished:
            return
        self.checkpoint.device = in_words(self._device, 1)
        self.network.train()
        batches, log = self._batches(), open_log(self._folder, self.checkpoint.step)
        pace = Pace(self.checkpoint, self._recipe.steps, seconds)
        saved = time.monotonic()
        while not (self.is_finished or stopped() or pace.is_over):
            loss = self._step(next(batches))
            pace.count_step()
            is_due = self.checkpoint.step % self._recipe.validate_every == 0
            validation = self._validate() if is_due or pace.is_over or self.is_finished else None
            if validation is not None or self.checkpoint.step % _LOG_EVERY == 0:
                log.add_scalar("training/loss", loss, self.checkpoint.step)
                for name, figure in ({} if validation is None else validation.figures).items():
                    log.add_scalar(f"validation/{name}", figure, self.checkpoint.step)
            best = self.checkpoint.score
            report(StepReport(self.checkpoint.step, self._recipe.steps, loss, pace.seconds_left, best, validation))
            if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()
        log.close()
        if self.checkpoint.step > 0:
            self._save()

    def _step(self, batch: Example) -> float:
        slices = batch.slices.to(self._device, memory_format=torch.channels_last, non_blocking=True)
        target = batch.target.to(self._device, non_blocking=True)
        with self._precision:
            logits = self.network(slices)
        background = 1 - target.sum(dim=1, keepdim=True)
        loss = self._loss(logits.float(), torch.cat([background, target], dim=1))
        return self._descent.step(loss, self.checkpoint.step)

    def _validate(self) -> Validation:
        with torch.inference_mode(), self._precision:
            validation = validate(self.averaged, self._held_out, self._device)
        if validation.score > self.checkpoint.score:
            self.checkpoint.score, self.checkpoint.figures = validation.score, validation.figures
            self._save(best=True)
        return validation

    @cached_property
    def _held_out(self) -> list[Example]:
        return validation_batches(self._stream.seed, self._stream.backgrounds, self._stream.size)

    def _batches(self) -> Iterator[Example]:
        n_workers = self._recipe.workers
        return iter(
            DataLoader(
                ExampleStream(self._stream, resumed_at=self.checkpoint.step),
                batch_size=None,
                num_workers=n_workers,
                prefetch_factor=6 if n_workers else None,
                worker_init_fn=leave_ending_to_trainer,
            )
        )

    def _save(self, best: bool = False) -> None:
        self._checkpoints.write(self.checkpoint, self.network, self._average, self._descent.optimizer, best)


def _average(averaged: torch.Tensor, newest: torch.Tensor, n_averaged: torch.Tensor | int) -> torch.Tensor:
    """Exponential moving average that forgets its random beginning soon."""
    decay = min(_AVERAGING, (1.0 + float(n_averaged)) / (10.0 + float(n_averaged)))
    return averaged * decay + newest * (1.0 - decay)
