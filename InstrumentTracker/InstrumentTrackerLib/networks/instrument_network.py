"""A small U-Net that labels guide and needle in one slice, seen with its neighbors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from monai.networks.nets import DynUNet
from torch import nn

N_CLASSES = 3
_STEM = 2


@dataclass(frozen=True)
class InstrumentNetworkConfig:
    """What builds the network again.

    Attributes
    ----------
    widths
        Channels of each level, finest first; the first level has half the resolution of the image.
    n_slices
        Slices it sees at once, the labelled one in the middle.
    """

    widths: tuple[int, ...] = (32, 48, 64, 96, 128, 128)
    n_slices: int = 3

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"widths": list(self.widths)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> InstrumentNetworkConfig:
        """Raises KeyError, TypeError or ValueError if fields are missing or of the wrong kind."""
        config = cls(tuple(int(width) for width in content["widths"]), int(content["n_slices"]))
        if len(config.widths) < 2 or min(config.widths) < 1 or max(config.widths) > 1024 or len(config.widths) > 8:
            raise ValueError("expected 2 to 8 widths from 1 to 1024")
        if config.n_slices not in range(1, 16, 2):
            raise ValueError("expected an odd number of slices below 16")
        return config


class InstrumentNetwork(nn.Module):
    """nnU-Net's plain U-Net (MONAI's DynUNet) between a pixel-unshuffling stem and a sub-pixel head.

    Convolutions at full resolution would be most of the cost and see least of a guide of 90 mm; here the finest
    ones see 2 x 2 pixels at once. Batch normalization, because it costs nothing once trained, and because instance
    statistics would change with the size of the field of view.

    Source: Isensee et al., Nat. Methods 18:203 (2021); Shi et al., CVPR 2016 (sub-pixel convolution).
    """

    def __init__(self, config: InstrumentNetworkConfig | None = None) -> None:
        super().__init__()
        self.config = InstrumentNetworkConfig() if config is None else config
        widths, fine = self.config.widths, _STEM * _STEM
        self.unet = DynUNet(
            spatial_dims=2,
            in_channels=self.config.n_slices * fine,
            out_channels=N_CLASSES * fine,
            kernel_size=[3] * len(widths),
            strides=[1] + [2] * (len(widths) - 1),
            upsample_kernel_size=[2] * (len(widths) - 1),
            filters=list(widths),
            norm_name=("batch", {"affine": True}),
        )

    @property
    def stride(self) -> int:
        """Rows and columns must be multiples of this."""
        return int(_STEM * 2 ** (len(self.config.widths) - 1))

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Logits of background, guide and needle.

        Parameters
        ----------
        slices
            (batch, neighbor, row, col), normalized intensities on the working grid.

        Returns
        -------
        torch.Tensor
            (batch, 3, row, col).
        """
        coarse = nn.functional.pixel_unshuffle(slices, _STEM)
        return nn.functional.pixel_shuffle(self.unet(coarse), _STEM)
