"""Frames of a batch run one after the other through the network, with their losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from TemporalReconLib.networks.line_age import NEVER, PLANNING_AGE
from TemporalReconLib.networks.line_encoding import LineEncoding, centering_phase
from TemporalReconLib.networks.temporal_network import (
    TemporalInput,
    TemporalNetwork,
    TemporalOutput,
    TemporalState,
)
from TemporalReconLib.training.examples import Example
from TemporalReconLib.training.validation import Validation, psnr_of


@dataclass
class Progress:
    """Where a batch stands in time: the newest sample of every line, their ages, and the network's state."""

    lines: torch.Tensor
    age: torch.Tensor
    state: TemporalState | None = None


class SampledBatch:
    """A batch of examples as the scanner would have sampled it.

    The noise is drawn here, on the device that trains. Tensors are those of
    :class:`~TemporalReconLib.training.examples.Example` with a batch axis in front.
    """

    def __init__(self, batch: Example) -> None:
        self.batch = batch
        self.n_frames = batch.objects.shape[1]
        self.line_index = batch.mask.to(torch.uint8).argsort(dim=-1, descending=True, stable=True)
        self.line_index = self.line_index[..., : int(batch.mask[0, 0].sum())]
        self.has_planning = batch.planning.abs().amax(dim=(1, 2)) > 0
        centering, _ = centering_phase(batch.mask.shape[-1], batch.mask.device)
        every = torch.zeros_like(self.line_index[:, 0]), torch.ones_like(self.line_index[:, 0], dtype=torch.bool)
        self._sensitivities = batch.sensitivities.transpose(-1, -2) * centering
        self._scanner = LineEncoding(batch.coil_maps.transpose(-1, -2) * centering, *every)
        self._estimated = LineEncoding(self._sensitivities, *every)
        self.prior = self._combined(batch.planning)
        # A scanner's noise is estimated, not known.
        self._noise_estimate = batch.noise * torch.exp(0.2 * torch.randn_like(batch.noise))

    def begin(self) -> Progress:
        """Before the first frame: the planning scan's lines, where there is one."""
        planned = self._noisy(self._scanner.whole(self.batch.planning)) * self.has_planning[:, None, None, None]
        age = torch.where(self.has_planning, PLANNING_AGE, NEVER)[:, None]
        return Progress(planned, age.expand(-1, self.batch.mask.shape[-1]))

    def target(self, frame: int) -> torch.Tensor:
        """The combined noise-free image of a frame, complex64 (batch, row, col)."""
        return self._combined(self.batch.objects[:, frame])

    def true_magnitude(self, frame: int) -> torch.Tensor:
        """What the user wants to see, float32 (batch, row, col): the target is darker where sensitivities are wrong."""
        received = torch.linalg.vector_norm(self._scanner.sensitivities, dim=1).transpose(-1, -2)
        return self.batch.objects[:, frame].abs() * received

    def observe(self, frame: int, progress: Progress) -> TemporalInput:
        """Acquire a frame: renew the lines in ``progress`` and give what the network may know."""
        batch = self.batch
        index = self.line_index[:, frame]
        spectrum = self._scanner.whole(batch.objects[:, frame])
        where = index[:, None, None].expand(-1, *spectrum.shape[1:3], -1)
        samples = self._noisy(spectrum.gather(3, where))
        progress.lines = progress.lines.scatter(3, where, samples)
        older = torch.where(progress.age < NEVER, progress.age + 1, NEVER)
        progress.age = torch.where(batch.mask[:, frame], 0, older)
        return TemporalInput(
            self._sensitivities,
            progress.lines,
            progress.age,
            index,
            torch.ones_like(index, dtype=torch.bool),
            self.prior,
            self._noise_estimate,
        )

    def _combined(self, image: torch.Tensor) -> torch.Tensor:
        coils = self._scanner.sensitivities * image.transpose(-1, -2)[:, None]
        return (self._estimated.conjugate * coils).sum(dim=1).transpose(-1, -2)

    def _noisy(self, samples: torch.Tensor) -> torch.Tensor:
        # A coil without sensitivity pads a batch to equal numbers of coils; it receives nothing.
        receives = self.batch.coil_maps.abs().amax(dim=(2, 3)) > 0
        level = (self.batch.noise[:, None] * receives)[..., None, None]
        return samples + level * torch.view_as_complex(torch.randn((*samples.shape, 2), device=samples.device))


class Unroll(nn.Module, ABC):
    """A network with its loss over consecutive frames; a module, so that several GPUs can share the work.

    Attributes
    ----------
    method
        As given to ``--method``.
    network
        What is trained; its ``config`` is a dataclass.
    """

    method: str
    network: nn.Module

    @property
    def made_for(self) -> dict[str, Any]:
        """Method, network and config, as weights state them."""
        config: Any = self.network.config
        return {"method": self.method, "network": type(self.network).__name__, "config": asdict(config)}

    @abstractmethod
    def forward(self, sampled: SampledBatch, progress: Progress, frames: range) -> torch.Tensor:
        """Mean loss of the frames; ``progress`` moves on and its state is cut from the past."""

    @abstractmethod
    def validate(self, network: nn.Module, sampled: SampledBatch) -> Validation:
        """How well ``network``, one like ``self.network``, does on all frames of a batch."""


class TemporalUnroll(Unroll):
    """Frame by frame, causally."""

    method = "temporal"
    network: TemporalNetwork

    def __init__(self, network: TemporalNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, sampled: SampledBatch, progress: Progress, frames: range) -> torch.Tensor:
        total = torch.zeros((), device=progress.lines.device)
        for frame in frames:
            known = sampled.observe(frame, progress)
            previous = None if progress.state is None else progress.state.image.detach()
            output, progress.state = self.network(known, progress.state)
            heatmaps = self.network.heatmaps_of(output)
            maps = sampled.batch.maps[:, frame]
            total = total + frame_loss(output, heatmaps, sampled.target(frame), maps, previous)
            total = total + _LIKELIHOOD_WEIGHT * error_likelihood(output, sampled.true_magnitude(frame))
        if progress.state is not None:
            progress.state = progress.state.detached()
        return total / len(frames)

    def validate(self, network: nn.Module, sampled: SampledBatch) -> Validation:
        progress = sampled.begin()
        images, targets = [], []
        for frame in range(sampled.n_frames):
            known = sampled.observe(frame, progress)
            output, progress.state = network(known, progress.state)
            images.append(output.image)
            targets.append(sampled.target(frame))
        return psnr_of(torch.stack(images, dim=1), torch.stack(targets, dim=1), sampled.batch.maps[:, :, 2])


def frame_loss(
    output: TemporalOutput,
    heatmaps: torch.Tensor,
    target: torch.Tensor,
    maps: torch.Tensor,
    previous: torch.Tensor | None = None,
) -> torch.Tensor:
    """What the tip needs, not only the image.

    Absolute error, weighted toward shaft and tip and toward what the ``previous`` image, complex64 (batch, row, col),
    shows wrong (without that weight it pays to wait until a change is certain), of the complex image and of its
    magnitude, and absolute error of the magnitude's gradients, which place edges. Their logarithm is what counts: ten
    per cent less error is worth the same in a first frame at R = 32 without planning scan and in a late one at R = 8.
    Beside it cross entropy of the shaft and tip maps.
    """
    shaft, tip, weight = maps.unbind(dim=1)
    if previous is not None:
        weight = weight * (1.0 + _MISSING_WEIGHT * (target - previous).abs().clamp_max(1.0))
    weight = weight / weight.mean(dim=(1, 2), keepdim=True)
    error = (output.image - target).abs()
    magnitude, true_magnitude = output.image.abs(), target.abs()
    image = (weight * (error + (magnitude - true_magnitude).abs())).mean(dim=(1, 2))
    edges = sum(
        (_trimmed(weight, axis) * (magnitude - true_magnitude).diff(dim=axis).abs()).mean(dim=(1, 2))
        for axis in (-2, -1)
    )
    heat = functional.binary_cross_entropy_with_logits(
        heatmaps, torch.stack([shaft, tip], dim=1), weight=weight[:, None]
    )
    return torch.log(image + 0.5 * edges + _GOOD_ENOUGH).mean() + 0.1 * heat


def error_likelihood(output: TemporalOutput, true_magnitude: torch.Tensor) -> torch.Tensor:
    """Of the expected errors under a Laplace distribution (Kendall and Gal, NeurIPS 2017), negative and logarithmic.

    ``true_magnitude``, float32 (batch, row, col), is the patient's and not the target: wrong coil sensitivities shade
    the target too, and a user must be told. This does not pull on the image.
    """
    error = (output.image.detach().abs() - true_magnitude).abs()
    log_error = output.log_error[:, 0].clamp(-8.0, 3.0)
    return (log_error + error * torch.exp(-log_error)).mean()


# Of a pixel that the previous image shows wrong by the brightness of tissue, beside one that it shows right.
_MISSING_WEIGHT = 4.0
_LIKELIHOOD_WEIGHT = 0.05
# Below this error, in units of tissue, an example stops to pull.
_GOOD_ENOUGH = 0.01


def _trimmed(weight: torch.Tensor, axis: int) -> torch.Tensor:
    return weight.narrow(axis, 1, weight.shape[axis] - 1)
