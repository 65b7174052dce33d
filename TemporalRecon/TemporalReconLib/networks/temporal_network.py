"""The causal network: one frame in, one image and its renewed memory out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from TemporalReconLib.networks.line_age import NEVER, PLANNING_AGE
from TemporalReconLib.networks.line_encoding import LineEncoding
from TemporalReconLib.networks.recurrent_unet import RecurrentUNet, Widths
from TemporalReconLib.networks.sparse_change import sparse_change

N_HEATMAPS = 2
MAX_WIDTH = 512
MAX_ITERATIONS = 20
_MULTIPLE = 8
_NOISE_FLOOR = 1e-4
_N_CONSTANTS = 4
# Small first steps: an image is handed on from frame to frame, and so are its errors.
_CHANGE_SCALE = 0.1
_GATE_SCALE = 0.3
# An image that explains the newest samples so much worse than the sparse change it began from (by this factor and
# this share of their energy) is not believed: the sparse change is shown, and the memory begins anew. Handed on from
# frame to frame, such an image grows without end.
_WORSE, _WORSE_SHARE = 6.0, 0.005
# Tissue is about 1.
_BRIGHTEST = 10.0


@dataclass(frozen=True)
class TemporalNetworkConfig:
    """What makes two networks exchangeable; stored with the weights.

    Attributes
    ----------
    widths
        Channels at 1/2, 1/4 and 1/8 resolution.
    consistency_iterations
        Conjugate gradient steps of the data consistency that ends each cascade.
    sparse_iterations
        Steps of the sparse change that the first cascade starts from.
    cascades
        How often two U-Nets and a data consistency follow each other, each time with weights of their own.
    """

    widths: Widths = (24, 32, 56)
    consistency_iterations: int = 1
    sparse_iterations: int = 4
    cascades: int = 2

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> TemporalNetworkConfig:
        """From what stands with the weights.

        Raises
        ------
        KeyError, TypeError, ValueError
            If numbers are missing, unknown or out of range.
        """
        half, quarter, eighth = (int(width) for width in content["widths"])
        iterations = [int(content[name]) for name in ("consistency_iterations", "sparse_iterations", "cascades")]
        if not all(1 <= width <= MAX_WIDTH for width in (half, quarter, eighth)):
            raise ValueError("widths are out of range")
        if not all(1 <= number <= MAX_ITERATIONS for number in iterations):
            raise ValueError("iterations are out of range")
        return cls((half, quarter, eighth), *iterations)


@dataclass(frozen=True)
class TemporalInput:
    """What is known when a frame has arrived; a batch of slices or of column strips, scaled to unit brightness.

    Attributes
    ----------
    sensitivities
        complex64 (batch, coil, col, row), unit root sum of squares. Like the samples, they carry the factors of
        :func:`~TemporalReconLib.networks.line_encoding.centering_phase`.
    lines, age
        complex64 (batch, coil, col, ky) in hybrid space and int64 (batch, ky): newest sample of every line and its
        age in frames, 0 for those of the newest frame;
        :data:`~TemporalReconLib.networks.line_age.PLANNING_AGE` for lines of the planning scan.
    line_index, is_sampled
        (batch, line), the lines of the newest frame, as for
        :class:`~TemporalReconLib.networks.line_encoding.LineEncoding`.
    prior
        complex64 (batch, row, col), planning image; zero where there is none.
    noise
        float32 (batch,), standard deviation of the real part of a sample's noise.
    """

    sensitivities: torch.Tensor
    lines: torch.Tensor
    age: torch.Tensor
    line_index: torch.Tensor
    is_sampled: torch.Tensor
    prior: torch.Tensor
    noise: torch.Tensor


@dataclass(frozen=True)
class TemporalState:
    """What goes from frame to frame.

    Attributes
    ----------
    image
        complex64 (batch, row, col), the last reconstruction.
    log_error
        float32 (batch, 1, row, col), its predicted error.
    memory
        float32 (batch, channel, row/4, col/4) of the network.
    """

    image: torch.Tensor
    log_error: torch.Tensor
    memory: torch.Tensor | None = None

    def detached(self) -> TemporalState:
        """The same numbers without the history of their computation."""
        memory = None if self.memory is None else self.memory.detach()
        return TemporalState(self.image.detach(), self.log_error.detach(), memory)


@dataclass(frozen=True)
class TemporalOutput:
    """One reconstructed frame.

    Attributes
    ----------
    image
        complex64 (batch, row, col), at the scale of the input.
    log_error
        float32 (batch, 1, row, col): natural logarithm of the expected absolute error of each pixel's magnitude.
    features
        Last features (batch, width, row/2, col/2), rounded up to whole blocks.
    energies
        float32 (batch, 3): energy of the newest samples that the sparse change leaves unexplained, that the new
        image leaves unexplained before its last data consistency, and of all; what the quality is judged by.
    """

    image: torch.Tensor
    log_error: torch.Tensor
    features: torch.Tensor
    energies: torch.Tensor

    @property
    def expected_error(self) -> torch.Tensor:
        """Expected absolute error of each magnitude, float32 (batch, row, col), within what training lets it be."""
        return torch.exp(self.log_error[:, 0].clamp(-8.0, 3.0))


class Cascade(nn.Module):
    """The two U-Nets of one unrolled step; what they see and return stands in :class:`TemporalNetwork`."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.first = RecurrentUNet(10, 3, _N_CONSTANTS, widths, remembers=True)
        self.second = RecurrentUNet(8, 3 + 1, _N_CONSTANTS, widths, remembers=False)


class TemporalNetwork(nn.Module):
    """Causal recurrent reconstruction with multi-coil data consistency, unrolled in cascades.

    The newest lines change the previous image sparsely first, without learning
    (:func:`~TemporalReconLib.networks.sparse_change.sparse_change`). From there each of the two U-Nets of a cascade
    sees the residual back-projection of the newest lines, A^H (y - A x), which shows a needle that the previous image
    and the planning scan hide; it returns a change and a gate by which the residual is let through. The first one also
    sees the residual of all lines known, each trusted by a learned weight of its age and place, and keeps a memory.
    Conjugate gradients make the result of a cascade consistent with the newest samples as far as their noise allows.

    After the unrolled networks of Hammernik et al. (MRM 79:3055, 2018) and the recurrent ones of Qin et al. (IEEE
    TMI 38:280, 2019); the residual back-projection, the learned age weights and the use of the planning scan are
    this product's own.
    """

    def __init__(self, config: TemporalNetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or TemporalNetworkConfig()
        self.age_weights = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.1), nn.Linear(16, 1), nn.Sigmoid())
        self.cascades = nn.ModuleList(Cascade(self.config.widths) for _ in range(self.config.cascades))
        self.heatmaps = nn.Conv2d(self.config.widths[0], 4 * N_HEATMAPS, 1)
        # Log of the image variance that the data consistency weighs the noise against.
        self.log_variance = nn.Parameter(torch.tensor(-4.0))

    def forward(self, frame: TemporalInput, state: TemporalState | None) -> tuple[TemporalOutput, TemporalState]:
        """Reconstruct the newest frame; ``state`` is None for the first one."""
        encoding = LineEncoding(frame.sensitivities, frame.line_index, frame.is_sampled)
        state = state or _first_state(frame, encoding)
        previous = state.image
        constants = _constants(frame, encoding)
        boost = encoding.acceleration.sqrt()[:, None, None]
        samples = encoding.chosen(frame.lines)

        trust = self._age_weights(frame, encoding)[:, None, None]
        damping = 2 * frame.noise**2 * torch.exp(-self.log_variance)

        image = begin = sparse_change(encoding, frame.lines, frame.age, previous, self.config.sparse_iterations)
        log_error, memory = state.log_error, state.memory
        unexplained = []
        for cascade in self.cascades:
            assert isinstance(cascade, Cascade)
            residual = frame.lines - encoding.whole(image)
            unexplained.append(encoding.chosen(residual))
            fresh = boost * encoding.sampled_adjoint(unexplained[-1])
            older = encoding.whole_adjoint(residual * trust)
            parts = _parts(image, fresh, older, frame.prior)
            channels = torch.cat([*parts, image.abs()[:, None], log_error], dim=1)
            output, features, memory = _padded(cascade.first, channels, constants, memory, None)
            image = _changed(image, fresh, output, boost)

            fresh = boost * encoding.sampled_adjoint(samples - encoding.sampled(image))
            channels = torch.cat(_parts(image, fresh, previous, frame.prior), dim=1)
            output, features, _ = _padded(cascade.second, channels, constants, None, features)
            image = _changed(image, fresh, output, boost)
            log_error = output[:, 3:4].float() - 3.0

            unexplained.append(samples - encoding.sampled(image))
            image = encoding.consistent(image, unexplained[-1], damping, self.config.consistency_iterations)
        energies = torch.stack([_energy(part) for part in (unexplained[0], unexplained[-1], samples)], dim=1)
        believed = log_error
        if not self.training:
            # The energies stay as they are, so that the quality tells of it.
            fails = (energies[:, 1] > _WORSE * energies[:, 0] + _WORSE_SHARE * energies[:, 2])[:, None, None]
            image = torch.where(fails, begin, image)
            believed = torch.where(fails[:, None], state.log_error, log_error)
            memory = None if memory is None else memory.masked_fill(fails[:, None], 0.0)
        result = TemporalOutput(image, log_error, features, energies)
        return result, TemporalState(image, believed, memory)

    def heatmaps_of(self, output: TemporalOutput) -> torch.Tensor:
        """Logits of the instrument's shaft and of its tip, float32 (batch, 2, row, col).

        Training supervises them beside the image, so that the features keep the needle; pictures do without.
        """
        maps = functional.pixel_shuffle(self.heatmaps(output.features), 2).float()
        return maps[..., : output.image.shape[-2], : output.image.shape[-1]]

    def _age_weights(self, frame: TemporalInput, encoding: LineEncoding) -> torch.Tensor:
        """How far each known line is trusted, by its age, its place in k-space, and the acceleration: (batch, ky)."""
        n_rows = frame.age.shape[-1]
        age = torch.log1p(frame.age.clamp_max(PLANNING_AGE).float()) / 4.0
        place = (torch.arange(n_rows, device=age.device) - n_rows // 2).abs() * (2.0 / n_rows)
        speed = (torch.log(encoding.acceleration) / 3.0)[:, None]
        features = [age, place.expand_as(age), (frame.age == 0).float(), speed.expand_as(age)]
        weights: torch.Tensor = self.age_weights(torch.stack(features, dim=-1))[..., 0].float()
        return weights * (frame.age < NEVER)


def _first_state(frame: TemporalInput, encoding: LineEncoding) -> TemporalState:
    """Before the first frame: what the lines known so far show, the planning scan's among them."""
    image = encoding.whole_adjoint(frame.lines)
    return TemporalState(image, torch.full_like(image.real[:, None], -3.0))


def _constants(frame: TemporalInput, encoding: LineEncoding) -> torch.Tensor:
    """What holds for a whole slice, float32 (batch, 4): noise, acceleration, planning scan, share of known lines."""
    values = [
        torch.log10(frame.noise + _NOISE_FLOOR) + 2.0,
        torch.log(encoding.acceleration) / 3.0,
        (frame.prior.abs().amax(dim=(1, 2)) > 0).float(),
        (frame.age < NEVER).float().mean(dim=1),
    ]
    return torch.stack(values, dim=1)


def _parts(*images: torch.Tensor) -> list[torch.Tensor]:
    """Complex (batch, row, col) -> real channels (batch, 2, row, col)."""
    return [torch.stack([image.real, image.imag], dim=1) for image in images]


def _energy(samples: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(samples.detach(), dim=(1, 2, 3)) ** 2


def _changed(image: torch.Tensor, fresh: torch.Tensor, output: torch.Tensor, boost: torch.Tensor) -> torch.Tensor:
    """The image after one network: its change, and the residual as far as the gate lets it through."""
    change, gate = _CHANGE_SCALE * output[:, :2].float(), _GATE_SCALE * output[:, 2].float()
    changed = image + torch.complex(change[:, 0], change[:, 1]) + (1.0 / boost + gate) * fresh
    # What goes from frame to frame must not be able to grow without bound.
    return changed * (_BRIGHTEST / changed.abs().clamp_min(_BRIGHTEST))


def _padded(
    network: RecurrentUNet,
    images: torch.Tensor,
    constants: torch.Tensor,
    memory: torch.Tensor | None,
    context: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Run a network on images of any size."""
    n_rows, n_columns = images.shape[-2:]
    padding = (0, -n_columns % _MULTIPLE, 0, -n_rows % _MULTIPLE)
    images = functional.pad(images, padding, mode="replicate") if any(padding) else images
    images = images.contiguous(memory_format=torch.channels_last)
    output, features, memory = network(images, constants, memory, context)
    return output[..., :n_rows, :n_columns], features, memory
