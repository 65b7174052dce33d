"""Sliding window (view sharing): every line at its newest value."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.reconstruction.line_history import LineHistory, coil_images, sampled_lines
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import StreamingReconstructor


class SlidingWindow(StreamingReconstructor):
    """Causal view sharing (Riederer et al., MRM 8:1, 1988); a k-space planning scan fills lines not seen yet."""

    info = MethodInfo(
        name="sliding-window",
        causal=True,
        delay_frames=0,
        needs_coil_maps=False,
        description="Newest value of every k-space line; motion blurs over the lines' age.",
    )

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._history: LineHistory | None = None
        self._planning: KSpaceFrame | None = None

    def _ingest_lines(self, frame: KSpaceFrame) -> None:
        if self._history is None:
            self._history = LineHistory(frame.n_coils, frame.image_shape, self.device)
            if self._planning is not None and self._planning.data.shape == frame.data.shape:
                self._history.add_sampled(*sampled_lines(self._planning, self.device))
        self._history.add_sampled(*sampled_lines(frame, self.device))

    def _use_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        # A magnitude image has no lines that could be shared with complex multi-coil samples.
        self._planning = planning if isinstance(planning, KSpaceFrame) else None

    def _image(self) -> tuple[NDArray[np.float32], NDArray[np.complex64] | None]:
        assert self._history is not None
        magnitude, single = coil_images(self._history.lines)
        return magnitude.cpu().numpy(), None if single is None else single.cpu().numpy()

    def _forget(self) -> None:
        self._history = None
        self._planning = None
