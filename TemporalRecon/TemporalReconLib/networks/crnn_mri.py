"""CRNN-MRI, the published convolutional recurrent network, and the same without time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from TemporalReconLib.errors import InputError
from TemporalReconLib.networks.line_encoding import LineEncoding

MAX_ITERATIONS = 50
MAX_FILTERS = 512


@dataclass(frozen=True)
class CrnnMriConfig:
    """What makes two networks exchangeable; stored with the weights. The published network by default.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    n_iterations: int = 5
    n_filters: int = 64

    def __post_init__(self) -> None:
        for name, largest in (("n_iterations", MAX_ITERATIONS), ("n_filters", MAX_FILTERS)):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= largest:
                raise InputError(f"CRNN-MRI {name}: {value!r}, expected a whole number from 1 to {largest}")


class SingleFrameCell(nn.Module):
    """What an image and the iteration before contribute to a hidden layer."""

    def __init__(self, n_filters: int) -> None:
        super().__init__()
        self.i2h = _convolution(2, n_filters)
        self.ih2ih = _convolution(n_filters, n_filters)

    def forward(self, images: torch.Tensor, previous: torch.Tensor | None) -> torch.Tensor:
        return self.i2h(images) + _applied(self.ih2ih, previous)


class RecurrentCell(SingleFrameCell):
    """With ``h2h``, what the neighboring frame contributes."""

    def __init__(self, n_filters: int) -> None:
        super().__init__(n_filters)
        self.h2h = _convolution(n_filters, n_filters)


class BidirectionalLayer(nn.Module):
    """BCRNN-t-i: one recurrent cell run forward and backward in time, both results added."""

    def __init__(self, n_filters: int) -> None:
        super().__init__()
        self.CRNN_model = RecurrentCell(n_filters)

    def forward(self, images: torch.Tensor, previous: torch.Tensor | None, n_frames: int) -> torch.Tensor:
        """Images (batch * frame, 2, row, col) and the output of the iteration before -> that of this one.

        Outputs are (batch * frame, filter, row, col).
        """
        drive = self.CRNN_model(images, previous).unflatten(0, (-1, n_frames))
        n_windows = drive.shape[0]
        states: list[torch.Tensor] = []
        for frame in range(n_frames):
            # Both directions in one batch: this frame from the start and this frame from the end.
            both = torch.cat([drive[:, frame], drive[:, -1 - frame]])
            states.append(torch.relu(both + _applied(self.CRNN_model.h2h, states[-1] if states else None)))
        added = [there[:n_windows] + back[n_windows:] for there, back in zip(states, reversed(states), strict=True)]
        return torch.stack(added, dim=1).flatten(0, 1)


class SingleFrameLayer(nn.Module):
    """CRNN-i: the same cell without the step from frame to frame."""

    def __init__(self, n_filters: int) -> None:
        super().__init__()
        self.CRNN_model = SingleFrameCell(n_filters)

    def forward(self, images: torch.Tensor, previous: torch.Tensor | None, n_frames: int) -> torch.Tensor:
        """As :meth:`BidirectionalLayer.forward`, each frame for itself."""
        return torch.relu(self.CRNN_model(images, previous))


class CrnnMri(nn.Module):
    """Bidirectional in time, recurrent over iterations, data-consistent after each (Qin et al., TMI 38:280, 2019).

    Every iteration passes the frames of a window through one bidirectional convolutional recurrent layer, three
    convolutions that also see their own output of the iteration before, and an output convolution whose result is
    added to the images. Complex images are two channels. Parameters have the names and shapes of the authors' code
    (github.com/js3611/Deep-MRI-Reconstruction), so that their weights load; filters are shared by all iterations.

    The published data consistency puts the sampled lines of one coil back. With several coils it becomes
    x + A^H (y - A x), which is the same where there is one coil of unit sensitivity.
    """

    layer_in_time: type[nn.Module] = BidirectionalLayer

    def __init__(self, config: CrnnMriConfig | None = None) -> None:
        super().__init__()
        self.config = config or CrnnMriConfig()
        n_filters = self.config.n_filters
        self.bcrnn = self.layer_in_time(n_filters)
        self.conv1_x = _convolution(n_filters, n_filters)
        self.conv1_h = _convolution(n_filters, n_filters)
        self.conv2_x = _convolution(n_filters, n_filters)
        self.conv2_h = _convolution(n_filters, n_filters)
        self.conv3_x = _convolution(n_filters, n_filters)
        self.conv3_h = _convolution(n_filters, n_filters)
        self.conv4_x = _convolution(n_filters, 2)

    def forward(self, images: torch.Tensor, encoding: LineEncoding, samples: torch.Tensor) -> torch.Tensor:
        """Reconstruct windows of frames.

        Parameters
        ----------
        images
            complex64 (batch, frame, row, col), zero-filled: A^H y, at a scale where the 95th percentile of the
            true magnitude is about 1. Any number of frames, any size; a strip of columns is enough.
        encoding
            A; its batch holds all frames of the first window, then all of the second, ...
        samples
            y, complex64 (batch * frame, coil, col, line), at the same scale.

        Returns
        -------
        torch.Tensor
            complex64 (batch, frame, row, col).
        """
        n_frames = images.shape[1]
        image = images.flatten(0, 1)
        previous: Sequence[torch.Tensor | None] = (None, None, None, None)
        for _ in range(self.config.n_iterations):
            first = self.bcrnn(_channels(image), previous[0], n_frames)
            second = torch.relu(self.conv1_x(first) + _applied(self.conv1_h, previous[1]))
            third = torch.relu(self.conv2_x(second) + _applied(self.conv2_h, previous[2]))
            fourth = torch.relu(self.conv3_x(third) + _applied(self.conv3_h, previous[3]))
            change = self.conv4_x(fourth).float()
            image = image + torch.complex(change[:, 0], change[:, 1])
            image = image + encoding.sampled_adjoint(samples - encoding.sampled(image))
            previous = (first, second, third, fourth)
        return image.unflatten(0, (-1, n_frames))


class NontemporalCrnnMri(CrnnMri):
    """The same network for single frames: the ablation of Noordman et al. (J. Med. Imaging 12:035001, 2025)."""

    layer_in_time = SingleFrameLayer


def _convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


def _applied(convolution: nn.Conv2d, features: torch.Tensor | None) -> torch.Tensor:
    """A convolution of features, or of the zeros before the first iteration or frame: its bias."""
    if features is None:
        assert convolution.bias is not None
        return convolution.bias[:, None, None]
    return convolution(features)


def _channels(images: torch.Tensor) -> torch.Tensor:
    """Complex (batch, row, col) -> real (batch, 2, row, col)."""
    return torch.stack([images.real, images.imag], dim=1)
