"""The training loop: resumable, seeded, on CPU, one GPU or several."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from TemporalReconLib.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from TemporalReconLib.training.example_stream import ExampleStream, StreamConfig
from TemporalReconLib.training.examples import Example
from TemporalReconLib.training.recipe import Recipe
from TemporalReconLib.training.unroll import SampledBatch, Unroll
from TemporalReconLib.training.validation import Validation, validation_batches

logger = logging.getLogger(__name__)

_WARM_UP_STEPS = 200
_AVERAGING = 0.998
_GRADIENT_LIMIT = 1.0
_CHECKPOINT_SECONDS = 120.0
_LOG_EVERY = 20


@dataclass(frozen=True)
class StepReport:
    """Where training stands, for progress lines."""

    step: int
    steps: int
    loss: float
    seconds_left: float
    validation: Validation | None


class Trainer:
    """Trains the network inside an unroll and keeps checkpoints in a folder.

    Parameters
    ----------
    unroll
        Network and loss; its ``network`` is what is trained and saved.
    folder
        Checkpoints and TensorBoard logs; training goes on from the newest checkpoint found there.
    rank, n_ranks
        This process among those that ``torchrun`` started.
    """

    def __init__(
        self,
        unroll: Unroll,
        recipe: Recipe,
        stream: StreamConfig,
        folder: Path,
        device: torch.device,
        rank: int = 0,
        n_ranks: int = 1,
    ) -> None:
        self._recipe, self._stream, self._folder, self._device = recipe, stream, folder, device
        self._rank, self._n_ranks = rank, n_ranks
        self._unroll: Unroll = unroll.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = unroll.network
        self._average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(_AVERAGING))
        self._optimizer = torch.optim.AdamW(self.network.parameters(), lr=recipe.learning_rate, weight_decay=1e-4)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)
        self.checkpoint = Checkpoint()
        self._resume()

    @property
    def averaged(self) -> nn.Module:
        """The exponential moving average of the network: what is validated and shipped."""
        return self._average.module

    def run(self, report: Callable[[StepReport], None], stopped: Callable[[], bool]) -> None:
        """Train until the recipe's steps are done or ``stopped``; a checkpoint is written in the end."""
        module = self._parallel()
        batches = self._batches()
        writer = SummaryWriter(str(self._folder / "tensorboard")) if self._rank == 0 else None
        held_out = validation_batches(self._stream.seed) if self._rank == 0 else []
        begin, first_step, saved = time.monotonic(), self.checkpoint.step, time.monotonic()
        seconds_before = self.checkpoint.seconds
        while self.checkpoint.step < self._recipe.steps and not stopped():
            sampled = SampledBatch(_on(next(batches), self._device))
            progress = sampled.begin()
            for first in range(0, sampled.n_frames, self._recipe.frames_per_step):
                frames = range(first, min(first + self._recipe.frames_per_step, sampled.n_frames))
                loss = self._step(module, sampled, progress, frames)
                self.checkpoint.step += 1
                step = self.checkpoint.step
                elapsed = time.monotonic() - begin
                self.checkpoint.seconds = seconds_before + elapsed
                validation = None
                if self._rank == 0 and step % self._recipe.validate_every == 0:
                    validation = self._validate(held_out)
                    if writer is not None:
                        writer.add_scalar("validation/psnr", validation.psnr, step)
                        writer.add_scalar("validation/psnr_tip", validation.psnr_tip, step)
                if self._rank == 0 and (validation is not None or step % _LOG_EVERY == 0):
                    left = elapsed / (step - first_step) * (self._recipe.steps - step)
                    if writer is not None:
                        writer.add_scalar("training/loss", loss, step)
                    report(StepReport(step, self._recipe.steps, loss, left, validation))
            if self._rank == 0 and time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()
        if self._rank == 0:
            self._save()
        if writer is not None:
            writer.close()

    def _step(self, module: nn.Module, sampled: SampledBatch, progress: object, frames: range) -> float:
        with torch.autocast(self._device.type, torch.bfloat16):
            loss = module(sampled, progress, frames)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), _GRADIENT_LIMIT)
        if torch.isfinite(norm):
            self._optimizer.step()
            self._average.update_parameters(self.network)
        else:
            logger.warning("step %d: gradient is not finite, step skipped", self.checkpoint.step)
        self._schedule.step()
        return float(loss.detach())

    def _validate(self, batches: list[Example]) -> Validation:
        with torch.random.fork_rng(), torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16):
            torch.manual_seed(0)
            found = [self._unroll.validate(self.averaged, SampledBatch(_on(batch, self._device))) for batch in batches]
        validation = Validation(
            sum(item.psnr for item in found) / len(found), sum(item.psnr_tip for item in found) / len(found)
        )
        if validation.psnr_tip > self.checkpoint.best:
            self.checkpoint.best = validation.psnr_tip
            self._save(best=True)
        return validation

    def _rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
        return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / self._recipe.steps)))

    def _batches(self) -> Iterator[Example]:
        stream = ExampleStream(self._stream, self._rank, resumed_at=self.checkpoint.step)
        return iter(DataLoader(stream, batch_size=None, num_workers=self._recipe.workers, prefetch_factor=4))

    def _parallel(self) -> nn.Module:
        if self._n_ranks == 1:
            return self._unroll
        return DistributedDataParallel(self._unroll, [self._device] if self._device.type == "cuda" else None)

    def _resume(self) -> None:
        stored = read_checkpoint(self._folder, self.network, self._average, self._optimizer)
        if stored is not None:
            self.checkpoint = stored
            self._schedule.last_epoch = stored.step - 1
            self._schedule.step()

    def _save(self, best: bool = False) -> None:
        write_checkpoint(self._folder, self.checkpoint, self.network, self._average, self._optimizer, best)


def _on(batch: Example, device: torch.device) -> Example:
    return Example(*(getattr(batch, item.name).to(device, non_blocking=True) for item in fields(Example)))
