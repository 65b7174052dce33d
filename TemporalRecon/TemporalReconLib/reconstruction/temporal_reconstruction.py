"""The product's own method: a causal recurrent network with multi-coil data consistency."""

from __future__ import annotations

from functools import partial, reduce
from operator import add
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.networks.image_quality import QualityEvidence, QualityModel
from TemporalReconLib.networks.temporal_network import TemporalNetwork, TemporalNetworkConfig, TemporalState
from TemporalReconLib.reconstruction.device import computes_bfloat16
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import Pixels, StreamingReconstructor
from TemporalReconLib.reconstruction.temporal_memory import TemporalMemory
from TemporalReconLib.weights.bundle import Weights, default_weights, fill_network, open_weights

# More slices than these go through the network in turns, which bounds its memory.
_SLICES_AT_ONCE = 8


class TemporalReconstruction(StreamingReconstructor):
    """Reconstructs each frame from its own lines, everything known before, and the network's memory.

    Parameters
    ----------
    weights
        As for :func:`~TemporalReconLib.weights.bundle.open_weights`; None for those that come with the product.

    Attributes
    ----------
    evidence
        What the quality of the newest image was judged by, None before the first.

    Raises
    ------
    InputError
        If the weights cannot be read or do not fit.
    """

    info = MethodInfo(
        name="temporal",
        causal=True,
        delay_frames=0,
        needs_coil_maps=True,
        description="Causal recurrent network with multi-coil data consistency; uses a planning scan if there is one.",
    )

    def __init__(self, device: torch.device, weights: Path | None = None) -> None:
        super().__init__(device)
        opened = open_weights(weights if weights is not None else default_weights(self.info.name), self.info.name)
        self._network = TemporalNetwork(_config_of(opened))
        fill_network(self._network, opened)
        self._network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._precision = torch.autocast(device.type, torch.bfloat16, enabled=computes_bfloat16(device))
        self._quality = _quality_of(opened)
        self._planning: KSpaceFrame | ImageFrame | None = None
        self._begin()

    def _begin(self) -> None:
        self._memory: TemporalMemory | None = None
        self._states: list[TemporalState] = []
        self.evidence: QualityEvidence | None = None
        self._uncertainty: NDArray[np.float32] | None = None

    def _forget(self) -> None:
        self._planning = None
        self._begin()

    def _use_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        self._planning = planning
        self._begin()

    @torch.inference_mode()
    def _ingest_lines(self, frame: KSpaceFrame) -> None:
        if self._memory is None:
            planning = self._planning
            fits = planning is not None and (
                planning.data.shape == frame.data.shape
                if isinstance(planning, KSpaceFrame)
                else planning.data.shape == frame.image_shape
            )
            self._memory = TemporalMemory(frame, planning if fits else None, self.device)
        self._memory.ingest(frame)

    def _unfilled(self, newest: KSpaceFrame) -> partial[ImageFrame]:
        image = partial(super()._unfilled(newest), uncertainty=self._uncertainty)
        if self._quality is None or self.evidence is None:
            return image
        return partial(image, quality=self._quality.quality_of(self.evidence.features))

    @torch.inference_mode()
    def _image(self) -> Pixels:
        memory = self._memory
        assert memory is not None and self._newest is not None
        had_prior = memory.has_prior
        turned = memory.recalibrate()
        if memory.has_prior and not had_prior:
            # What was made without the planning image would go on from picture to picture.
            self._states = []
        images, errors, states, evidences = [], [], [], []
        for number, first in enumerate(range(0, self._newest.image_shape[0], _SLICES_AT_ONCE)):
            slices = slice(first, first + _SLICES_AT_ONCE)
            state = self._states[number] if self._states else None
            if state is not None and turned is not None:
                state = TemporalState(state.image * turned[slices], state.log_error, state.memory)
            known = memory.input(slices)
            with self._precision:
                output, state = self._network(known, state)
            images.append(output.image)
            errors.append(output.expected_error)
            states.append(state)
            evidences.append(QualityEvidence.of(known, output))
        self._states = states
        self.evidence = reduce(add, evidences)
        self._uncertainty = (torch.cat(errors) * memory.scale).cpu().numpy()
        image = torch.cat(images) * memory.scale
        coil = memory.first_coil
        return image.abs().cpu().numpy(), None if coil is None else (image * coil).cpu().numpy()


def _quality_of(weights: Weights) -> QualityModel | None:
    """None for weights whose quality was never calibrated."""
    content = weights.config.get("quality")
    if content is None:
        return None
    try:
        return QualityModel.from_json(content)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"weights {weights.source}: quality {content}: {error}; train or calibrate again") from None


def _config_of(weights: Weights) -> TemporalNetworkConfig:
    try:
        return TemporalNetworkConfig.from_json(weights.config)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"weights {weights.source}: configuration {weights.config}, expected widths, consistency_iterations, "
            "sparse_iterations and cascades; use weights of the temporal network"
        ) from None
