"""A small U-Net with convolutional memory: the learned part of the temporal reconstruction."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

Widths = tuple[int, int, int]


class RecurrentUNet(nn.Module):
    """Three scales from half resolution down, sums instead of concatenated skips, memory at the middle scale.

    Pixels are folded into channels before the first convolution (Shi et al., CVPR 2016): all work happens at half
    resolution and below, and nothing of the full resolution is lost. The memory is a convolutional gated unit
    with one gate (Zhou et al., Int. J. Autom. Comput. 13:226, 2016).

    Parameters
    ----------
    in_channels, out_channels
        Channels at full resolution.
    n_constants
        Numbers that hold for a whole image and shift the first features.
    widths
        Channels at 1/2, 1/4 and 1/8 resolution.
    remembers
        Whether there is a memory.
    """

    def __init__(self, in_channels: int, out_channels: int, n_constants: int, widths: Widths, remembers: bool) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.head = _convolution(4 * in_channels, half)
        self.constants = nn.Linear(n_constants, half, bias=False)
        self.encode_half = ResidualBlock(half)
        self.to_quarter = _convolution(half, quarter, stride=2)
        self.encode_quarter = ResidualBlock(quarter)
        self.memory = GatedMemory(quarter) if remembers else None
        self.to_eighth = _convolution(quarter, eighth, stride=2)
        self.encode_eighth = ResidualBlock(eighth)
        self.from_eighth = nn.Conv2d(eighth, quarter, 1)
        self.decode_quarter = ResidualBlock(quarter)
        self.from_quarter = nn.Conv2d(quarter, half, 1)
        self.decode_half = ResidualBlock(half)
        self.tail = _convolution(half, 4 * out_channels)
        # Starts as the identity of the reconstruction: no change until it has learned one.
        nn.init.zeros_(self.tail.weight)
        if self.tail.bias is not None:
            nn.init.zeros_(self.tail.bias)

    def forward(
        self,
        images: torch.Tensor,
        constants: torch.Tensor,
        memory: torch.Tensor | None = None,
        context: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Images (batch, channel, row, col), rows and columns multiples of 8, and constants (batch, number).

        ``context`` are the features of an earlier network of the same widths, added to the first ones.

        Returns
        -------
        output (batch, out_channel, row, col), features (batch, width, row/2, col/2) and the renewed memory
        (batch, width, row/4, col/4), None without one.
        """
        first = self.head(functional.pixel_unshuffle(images, 2)) + self.constants(constants)[..., None, None]
        if context is not None:
            first = first + context
        half = self.encode_half(functional.leaky_relu(first, 0.1))
        quarter = self.encode_quarter(functional.leaky_relu(self.to_quarter(half), 0.1))
        if self.memory is not None:
            quarter = memory = self.memory(quarter, memory)
        eighth = self.encode_eighth(functional.leaky_relu(self.to_eighth(quarter), 0.1))
        quarter = self.decode_quarter(quarter + _doubled(self.from_eighth(eighth)))
        half = self.decode_half(half + _doubled(self.from_quarter(quarter)))
        return functional.pixel_shuffle(self.tail(half), 2), half, memory


class ResidualBlock(nn.Module):
    """Two convolutions beside an identity (He et al., ECCV 2016); no normalisation, scale carries meaning here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        change = self.second(functional.leaky_relu(self.first(features), 0.1))
        return functional.leaky_relu(features + change, 0.1)


class GatedMemory(nn.Module):
    """Keeps what it saw in earlier frames: memory' = (1 - gate) memory + gate candidate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.both = _convolution(2 * channels, 2 * channels)

    def forward(self, features: torch.Tensor, memory: torch.Tensor | None) -> torch.Tensor:
        if memory is None:
            memory = torch.zeros_like(features)
        gate, candidate = self.both(torch.cat([features, memory], dim=1)).chunk(2, dim=1)
        return torch.lerp(memory, features + torch.tanh(candidate), torch.sigmoid(gate))


def _convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)


def _doubled(features: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(features, scale_factor=2, mode="nearest")
