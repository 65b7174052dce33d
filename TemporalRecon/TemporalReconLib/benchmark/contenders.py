"""The methods that are compared, by the name that ``--methods`` takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from TemporalReconLib.acquisition.frame_series import FrameList
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.benchmark.bart_methods import BART_METHODS
from TemporalReconLib.benchmark.bart_reconstructor import BartReconstructor
from TemporalReconLib.engine.offline import OpenedSeries, reconstruct_series
from TemporalReconLib.reconstruction.reconstructor import Reconstructor
from TemporalReconLib.reconstruction.registry import METHODS, make_reconstructor
from TemporalReconLib.weights.bundle import default_weights, open_weights

_DIGEST_LENGTH = 12


class Contenders:
    """Builds each method once and plays series through it as the live engine would.

    Parameters
    ----------
    device
        ``auto``, ``cpu`` or ``cuda:N``.
    weights
        Weights by method; a learned method without an entry uses those that come with the product.
    n_frames
        Of the longest series, by which the delay of what waits for the end is stated.
    """

    def __init__(self, device: str, weights: Mapping[str, Path], n_frames: int) -> None:
        self.device = device
        self.weights = weights
        self._n_frames = n_frames
        self._built: dict[str, Reconstructor] = {}

    def reconstructor(self, method: str) -> Reconstructor:
        """The method, without any history.

        Raises
        ------
        InputError
            If it is unknown or its weights are missing or do not fit.
        """
        if method not in self._built:
            self._built[method] = self._build(method)
        self._built[method].reset()
        return self._built[method]

    def images(self, method: str, frames: Sequence[KSpaceFrame], planning: KSpaceFrame | None) -> dict[int, ImageFrame]:
        """Images of a whole series by the index of their own frame."""
        opened = OpenedSeries(FrameList("benchmark", frames), planning, follow_geometry=True)
        return {image.index: image for image in reconstruct_series(opened, self.reconstructor(method))}

    def _build(self, method: str) -> Reconstructor:
        if method in BART_METHODS:
            return BartReconstructor(method, self._n_frames)
        return make_reconstructor(method, self.device, self.weights.get(method))

    def is_learned(self, method: str) -> bool:
        """Whether a method has weights that can be counted."""
        return method in METHODS and METHODS[method].has_weights

    def digest(self, method: str) -> str | None:
        """Which weights a method computes with; None for one without."""
        if self.is_learned(method):
            path = open_weights(self.weights.get(method) or default_weights(method), method).source
        elif method in self.weights:
            path = self.weights[method]
        else:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGEST_LENGTH]

    def n_parameters(self, method: str) -> int:
        """Parameters of a learned method."""
        weights = open_weights(self.weights.get(method) or default_weights(method), method)
        return sum(tensor.numel() for tensor in weights.state.values())
