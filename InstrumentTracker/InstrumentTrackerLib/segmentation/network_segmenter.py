"""Guide and needle by a trained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.device import computes_bfloat16
from TemporalReconLib.weights.bundle import Weights, default_weights, fill_network, open_weights

from InstrumentTrackerLib.networks.instrument_network import InstrumentNetwork, InstrumentNetworkConfig
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL, InstrumentMask, empty_mask
from InstrumentTrackerLib.segmentation.working_grid import WorkingGrid, normalized, with_neighbors

# As given to --weights, and the name of the folder of the model that comes with the product.
METHOD = "instrument"
# Pixels that go through the network at once: 16 slices of 256 x 256.
_PIXELS_AT_ONCE = 2**20


class NetworkSegmenter:
    """Labels guide and needle in each slice, seen with its neighbors; no memory of earlier pictures.

    Parameters
    ----------
    device
        Where the network computes.
    weights
        As for :func:`~TemporalReconLib.weights.bundle.open_weights`; None for those that come with the product.

    Raises
    ------
    InputError
        If the weights cannot be read or do not fit.
    """

    def __init__(self, device: torch.device, weights: Path | None = None) -> None:
        opened = open_weights(default_weights(METHOD) if weights is None else weights, METHOD)
        self._network = InstrumentNetwork(_config_of(opened))
        fill_network(self._network, opened)
        self._network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._device = device
        self._precision = torch.autocast(device.type, torch.bfloat16, enabled=computes_bfloat16(device))

    @torch.inference_mode()
    def segment(self, image: ImageFrame) -> InstrumentMask:
        """Probabilities of guide and needle, and the likelier label of each pixel; empty without contrast."""
        plane = ImagePlane.of(image)
        pixels = normalized(image.data)
        if pixels is None:
            return empty_mask(plane, image.index)
        grid = WorkingGrid.of(plane, self._network.stride)
        stack = grid.forward(torch.from_numpy(pixels).to(self._device))
        slices = with_neighbors(stack, self._network.config.n_slices)
        at_once = max(1, _PIXELS_AT_ONCE // (grid.padded[0] * grid.padded[1]))
        found = torch.cat([self._probabilities(part) for part in slices.split(at_once)])
        probabilities = grid.backward(found.movedim(1, 0)).clamp(0, 1)
        guide, needle = probabilities
        background = 1 - guide - needle
        # Comparisons: argmax over a first axis takes a third of the time of the whole network.
        labels = GUIDE_LABEL * ((guide >= needle) & (guide > background)).to(torch.uint8)
        labels += NEEDLE_LABEL * ((needle > guide) & (needle > background)).to(torch.uint8)
        return InstrumentMask(
            labels.cpu().numpy(), image.ijk_to_ras, image.index, np.ascontiguousarray(probabilities.cpu().numpy())
        )

    def _probabilities(self, slices: torch.Tensor) -> torch.Tensor:
        """(slice, neighbor, row, col) -> (slice, 2, row, col)."""
        with self._precision:
            logits = self._network(slices.contiguous(memory_format=torch.channels_last))
        return logits.float().softmax(dim=1)[:, 1:]


def _config_of(weights: Weights) -> InstrumentNetworkConfig:
    try:
        return InstrumentNetworkConfig.from_json(weights.config)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"weights {weights.source}: configuration {weights.config}, expected widths and n_slices ({error}); "
            "use weights of the instrument network"
        ) from None
