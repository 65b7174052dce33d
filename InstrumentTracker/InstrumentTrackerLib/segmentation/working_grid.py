"""The picture as the network sees it: pixels of one size, the instrument from below, known brightness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# The in-bore protocol's own pixel: 256 over 280 mm.
PIXEL_MM = 280.0 / 256.0
# Percentiles that become 0 and 1, and what is left of outliers.
_DARK, _BRIGHT = 1.0, 99.0
_LIMITS = (0.0, 2.5)
_MIN_CONTRAST = 1e-6
# Rows or columns of the working grid: 700 mm.
_LARGEST = 640

Array = NDArray[np.float32]


def normalized(stack: Array) -> Array | None:
    """Intensities (slice, row, col) from 0 (dark) to about 1 (bright); None where there is no contrast.

    Percentiles, so that neither an offset, nor negative values, nor a few hot pixels matter; the square root, so
    that dark walls are told from a dark core also where the coils see little.
    """
    step = max(1, stack.shape[-1] // 128)
    low, high = np.percentile(stack[:, ::step, ::step].astype(np.float64), (_DARK, _BRIGHT))
    if high - low <= max(_MIN_CONTRAST * max(abs(low), abs(high)), float(np.finfo(np.float32).tiny)):
        return None
    with np.errstate(over="ignore"):  # outliers end at the limit
        scaled = (stack - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.sqrt(np.clip(scaled, *_LIMITS)), dtype=np.float32)


def with_neighbors(stack: torch.Tensor, n_slices: int) -> torch.Tensor:
    """(slice, row, col) -> (slice, neighbor, row, col); beyond the first and the last slice they repeat."""
    reach = n_slices // 2
    last = stack.shape[0] - 1
    shifted = [(torch.arange(last + 1) + shift).clamp(0, last) for shift in range(-reach, reach + 1)]
    return torch.stack([stack[index.to(stack.device)] for index in shifted], dim=1)


@dataclass(frozen=True)
class WorkingGrid:
    """How the pixels of one geometry become those of the network, and back.

    A field of view that no patient fills gets larger pixels, so that its cost stays bounded.

    Attributes
    ----------
    shape
        (row, col) of the image.
    quarter_turns
        Counterclockwise turns by 90 degrees after which the instrument comes from below.
    size
        (row, col) after resampling and turning.
    padded
        ``size`` filled up to multiples of the network's stride.
    """

    shape: tuple[int, int]
    quarter_turns: int
    size: tuple[int, int]
    padded: tuple[int, int]

    @classmethod
    def of(cls, plane: ImagePlane, stride: int) -> WorkingGrid:
        _, n_rows, n_columns = plane.shape
        # atan2 of the direction as displayed (y down): up is a quarter turn.
        angle = np.arctan2(-plane.inward[1], plane.inward[0])
        turns = round(1.0 - angle / (np.pi / 2)) % 4
        height, width = n_rows * float(plane.spacing[1]), n_columns * float(plane.spacing[0])
        pixel_mm = max(PIXEL_MM, max(height, width) / _LARGEST)
        rows, columns = max(1, round(height / pixel_mm)), max(1, round(width / pixel_mm))
        size = (columns, rows) if turns % 2 else (rows, columns)
        padded = (_multiple(size[0], stride), _multiple(size[1], stride))
        return cls((n_rows, n_columns), turns, size, padded)

    def forward(self, stack: torch.Tensor) -> torch.Tensor:
        """(slice, row, col) of the image -> (slice, row, col) of the network; what is outside is dark."""
        turned = torch.rot90(stack, self.quarter_turns, (-2, -1))
        resampled = _resized(turned, self.size)
        rows, columns = (wide - tight for wide, tight in zip(self.padded, self.size, strict=True))
        return torch.nn.functional.pad(resampled, (0, columns, 0, rows))

    def backward(self, maps: torch.Tensor) -> torch.Tensor:
        """(channel, slice, row, col) of the network -> the same of the image."""
        kept = maps[..., : self.size[0], : self.size[1]]
        turned_shape = self.shape[::-1] if self.quarter_turns % 2 else self.shape
        channels = [_resized(channel, turned_shape) for channel in kept]
        return torch.rot90(torch.stack(channels), -self.quarter_turns, (-2, -1))


def _resized(stack: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    if tuple(stack.shape[-2:]) == tuple(size):
        return stack
    # A finer image would alias; where the image is coarser, antialiasing changes nothing.
    return torch.nn.functional.interpolate(stack[None], size=size, mode="bilinear", antialias=True)[0]


def _multiple(size: int, stride: int) -> int:
    return -(-size // stride) * stride
