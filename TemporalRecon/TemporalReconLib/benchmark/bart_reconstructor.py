"""BART behind the same protocol as the methods: it keeps all frames and shows them when the series ends."""

from __future__ import annotations

import torch

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.benchmark.bart_peer import bart_images
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import unfilled_image


class BartReconstructor:
    """One of the methods of :mod:`~TemporalReconLib.benchmark.bart_methods`.

    Parameters
    ----------
    method
        ``bart-tv`` or ``bart-llr``.
    n_frames
        Length of the series; the first image is as late as that.
    """

    device = torch.device("cpu")

    def __init__(self, method: str, n_frames: int) -> None:
        self.info = MethodInfo(
            name=method,
            causal=False,
            delay_frames=n_frames - 1,
            needs_coil_maps=True,
            description="BART's pics on the whole series at once.",
        )
        self._frames: list[KSpaceFrame] = []
        self._planning: KSpaceFrame | None = None

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """Becomes the first time point."""
        if isinstance(planning, ImageFrame):
            raise InputError(f"method '{self.info.name}' takes k-space for a planning scan, not an image")
        self._planning = planning

    def ingest(self, frame: KSpaceFrame) -> None:
        self._frames.append(frame)

    def reconstruct(self) -> ImageFrame | None:
        """Nothing is due before the series ends."""
        return None

    def finish(self) -> list[ImageFrame]:
        """All images of the series."""
        if not self._frames:
            return []
        images = bart_images(self.info.name, self._frames, self._planning)
        shown = zip(self._frames, images, strict=True)
        return [unfilled_image(frame, self.info.name)(data=image, complex_data=None) for frame, image in shown]

    def reset(self) -> None:
        self._frames, self._planning = [], None
