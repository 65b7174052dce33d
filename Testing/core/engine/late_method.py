"""A method that shows every frame two frames late, for tests of delay without a network."""

from __future__ import annotations

import torch
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import unfilled_image
from TemporalReconLib.reconstruction.zero_filled import ZeroFilled

DELAY = 2


class TwoFramesLate(ZeroFilled):
    """Pixels are the newest frame's; what counts here is which frame they are said to be of."""

    info = MethodInfo("late", causal=False, delay_frames=DELAY, needs_coil_maps=False, description="Late on purpose.")

    def __init__(self):
        super().__init__(torch.device("cpu"))
        self._held = []

    def _ingest_lines(self, frame):
        super()._ingest_lines(frame)
        self._held = [*self._held, unfilled_image(frame, "late")][-DELAY - 1 :]

    def _image(self):
        return super()._image() if len(self._held) > DELAY else None

    def _unfilled(self, newest):
        return self._held[0]

    def finish(self):
        magnitude, single = super()._image()
        later = self._held[-DELAY:]
        return [unfilled(data=magnitude, complex_data=single) for unfilled in later]

    def _forget(self):
        super()._forget()
        self._held = []
