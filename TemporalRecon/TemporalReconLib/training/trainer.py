"""The training loop: resumable, seeded, on CPU, one GPU or several."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from TemporalReconLib.reconstruction.device import computes_bfloat16
from TemporalReconLib.training.checkpoint import Checkpoint, CheckpointFolder
from TemporalReconLib.training.descent import Descent
from TemporalReconLib.training.example_stream import ExampleStream, StreamConfig
from TemporalReconLib.training.examples import Example
from TemporalReconLib.training.pace import Pace
from TemporalReconLib.training.processes import in_words, leave_ending_to_trainer
from TemporalReconLib.training.recipe import Recipe
from TemporalReconLib.training.training_log import open_log
from TemporalReconLib.training.unroll import Progress, SampledBatch, Unroll
from TemporalReconLib.training.validation import Validation, validation_batches

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)

_WARM_UP_STEPS = 200
_AVERAGING = 0.998
_GRADIENT_LIMIT = 1.0
_CHECKPOINT_SECONDS = 120.0
_LOG_EVERY = 20


@dataclass(frozen=True)
class StepReport:
    """Where training stands, for progress lines.

    Attributes
    ----------
    seconds_left
        Until the last step or the end of the time that was given.
    best
        Best validation near the tip so far in dB, minus infinity before the first.
    validation
        That of this step, if there was one.
    """

    step: int
    steps: int
    loss: float
    seconds_left: float
    best: float
    validation: Validation | None


class Trainer:
    """Trains the network inside an unroll and keeps checkpoints in a folder.

    Of several processes the first one validates, reports and writes; all stop together.

    Parameters
    ----------
    unroll
        Network and loss; its ``network`` is what is trained and saved.
    folder
        Checkpoints and TensorBoard logs; training goes on from the newest checkpoint found there.
    rank, n_ranks
        This process among those that ``torchrun`` started; their group is initialised by the caller.
    started_from
        Digest of the weights that the network holds already; empty for random ones.

    Raises
    ------
    InputError
        If the folder's checkpoint is of another method or other settings.
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
        started_from: str = "",
    ) -> None:
        self._recipe, self._stream, self._folder, self._device = recipe, stream, folder, device
        self._rank, self._n_ranks = rank, n_ranks
        self._unroll: Unroll = unroll.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._precision = torch.autocast(device.type, torch.bfloat16, enabled=computes_bfloat16(device))
        self.network = unroll.network
        self._average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(_AVERAGING))
        self._descent = Descent(
            self.network, self._average, recipe.learning_rate, recipe.steps, _WARM_UP_STEPS, _GRADIENT_LIMIT
        )
        settings = {**asdict(recipe), **stream.as_settings()}
        del settings["workers"]  # the machine's affair
        if started_from:
            settings["started_from"] = started_from
        self._checkpoints = CheckpointFolder(folder, unroll.made_for, settings)
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
        self._seed_noise()
        self.checkpoint.device = in_words(self._device, self._n_ranks)
        module, chunks = self._parallel(), self._chunks()
        log = open_log(self._folder, self.checkpoint.step) if self._rank == 0 else None
        pace = Pace(self.checkpoint, self._recipe.steps, seconds)
        saved = time.monotonic()
        while not self.is_finished and not self._any_rank(stopped() or (log is not None and pace.is_over)):
            loss = self._step(module, *next(chunks))
            pace.count_step()
            if log is None:
                continue
            is_due = self.checkpoint.step % self._recipe.validate_every == 0
            validation = self._validate() if is_due or pace.is_over or self.is_finished else None
            if validation is not None or self.checkpoint.step % _LOG_EVERY == 0:
                self._log(log, loss, validation)
            best = self.checkpoint.psnr_tip
            report(StepReport(self.checkpoint.step, self._recipe.steps, loss, pace.seconds_left, best, validation))
            if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()
        if log is not None:
            log.close()
            if self.checkpoint.step > 0:
                self._save()

    def _step(self, module: nn.Module, sampled: SampledBatch, progress: Progress, frames: range) -> float:
        with self._precision:
            loss = module(sampled, progress, frames)
        return self._descent.step(loss, self.checkpoint.step)

    def _validate(self) -> Validation:
        with torch.random.fork_rng(), torch.inference_mode(), self._precision:
            torch.manual_seed(0)
            found = [
                self._unroll.validate(self.averaged, SampledBatch(_on(batch, self._device))) for batch in self._held_out
            ]
        validation = Validation(
            sum(item.psnr for item in found) / len(found), sum(item.psnr_tip for item in found) / len(found)
        )
        if validation.psnr_tip > self.checkpoint.psnr_tip:
            self.checkpoint.psnr, self.checkpoint.psnr_tip = validation.psnr, validation.psnr_tip
            self._save(best=True)
        return validation

    @cached_property
    def _held_out(self) -> list[Example]:
        return validation_batches(self._stream.seed, self._stream.matrices[0])

    def _log(self, log: SummaryWriter, loss: float, validation: Validation | None) -> None:
        log.add_scalar("training/loss", loss, self.checkpoint.step)
        if validation is not None:
            log.add_scalar("validation/psnr", validation.psnr, self.checkpoint.step)
            log.add_scalar("validation/psnr_tip", validation.psnr_tip, self.checkpoint.step)

    def _chunks(self) -> Iterator[tuple[SampledBatch, Progress, range]]:
        """Stretches of frames for one step each, in order; a batch and its state go on until its frames are used."""
        n_frames = self._recipe.frames_per_step
        for batch in self._batches():
            sampled = SampledBatch(_on(batch, self._device))
            progress = sampled.begin()
            for first in range(0, sampled.n_frames, n_frames):
                yield sampled, progress, range(first, min(first + n_frames, sampled.n_frames))

    def _batches(self) -> Iterator[Example]:
        stream = ExampleStream(self._stream, self._rank, resumed_at=self.checkpoint.step)
        n_workers = self._recipe.workers
        return iter(
            DataLoader(
                stream,
                batch_size=None,
                num_workers=n_workers,
                prefetch_factor=4 if n_workers else None,
                worker_init_fn=leave_ending_to_trainer,
            )
        )

    def _parallel(self) -> nn.Module:
        if self._n_ranks == 1:
            return self._unroll
        return DistributedDataParallel(self._unroll, [self._device] if self._device.type == "cuda" else None)

    def _any_rank(self, wish: bool) -> bool:
        """Whether any process has this wish. All are asked at the same step: one alone would wait for ever."""
        if self._n_ranks == 1:
            return wish
        flag = torch.tensor(float(wish), device=self._device)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag)

    def _seed_noise(self) -> None:
        """Noise is drawn on the device: another one in each process, and after each start."""
        seeds = np.random.SeedSequence([self._stream.seed, self._rank, self.checkpoint.step])
        torch.manual_seed(int(seeds.generate_state(1)[0]))

    def _save(self, best: bool = False) -> None:
        self._checkpoints.write(self.checkpoint, self.network, self._average, self._descent.optimizer, best)


def _on(batch: Example, device: torch.device) -> Example:
    return Example(*(getattr(batch, item.name).to(device, non_blocking=True) for item in fields(Example)))
