"""Zero-filled reconstruction: the newest frame alone, coils combined by root sum of squares."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.reconstruction.line_history import coil_images, hybrid_lines
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import StreamingReconstructor


class ZeroFilled(StreamingReconstructor):
    """Inverse FFT with unsampled lines left at zero: no memory, no assumptions, heavy aliasing."""

    info = MethodInfo(
        name="zero-filled",
        causal=True,
        delay_frames=0,
        needs_coil_maps=False,
        description="Inverse FFT of the newest frame alone; unsampled lines are zero.",
    )

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._lines: torch.Tensor | None = None

    def _ingest_lines(self, frame: KSpaceFrame) -> None:
        self._lines, _ = hybrid_lines(frame, self.device)

    def _use_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """A planning scan does not change what one frame alone shows."""

    def _image(self) -> tuple[NDArray[np.float32], NDArray[np.complex64] | None]:
        assert self._lines is not None
        magnitude, single = coil_images(self._lines)
        return magnitude.cpu().numpy(), None if single is None else single.cpu().numpy()

    def _forget(self) -> None:
        self._lines = None
