"""What a learned method must know of a series before it can reconstruct: its coils and its scale."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.networks.line_age import NEVER
from TemporalReconLib.reconstruction.coil_sensitivities import (
    brightness_of,
    estimate_sensitivities,
    low_resolution_images,
)
from TemporalReconLib.reconstruction.line_history import LineHistory, hybrid_lines, ifft1c


@dataclass(frozen=True, eq=False)
class Calibration:
    """Coils and scale.

    Attributes
    ----------
    sensitivities
        complex64 (coil, slice, row, col), unit root sum of squares.
    brightness
        About the 95th percentile of the image's magnitude.
    """

    sensitivities: torch.Tensor
    brightness: float

    @classmethod
    def of(cls, lines: torch.Tensor, sampled: torch.Tensor) -> Calibration:
        """From hybrid lines (coil, slice, ky, col) and bool (slice, ky), the lines that exist."""
        # Without a center there is only the brightness of edges; without any signal the scale does not matter.
        brightness = brightness_of(low_resolution_images(lines, sampled)) or brightness_of(ifft1c(lines, dim=-2)) or 1.0
        return cls(estimate_sensitivities(lines, sampled), brightness)


class CoilCalibration:
    """Calibration from a fully sampled planning scan or frame, else from the newest sample of all lines so far."""

    def __init__(self, device: torch.device, planning: KSpaceFrame | None = None) -> None:
        self._device = device
        self._planning = planning
        self._history: LineHistory | None = None
        self._fixed: Calibration | None = None

    def ingest(self, frame: KSpaceFrame, lines: torch.Tensor, mask: torch.Tensor) -> None:
        """Take a frame and what :func:`~TemporalReconLib.reconstruction.line_history.sampled_lines` gives of it."""
        if self._planning is not None and self._planning.data.shape == frame.data.shape:
            self._fixed = Calibration.of(*hybrid_lines(self._planning, self._device))
        self._planning = None
        if frame.is_fully_sampled:
            self._fixed = Calibration.of(*hybrid_lines(frame, self._device))
        if self._fixed is not None:
            self._history = None
            return
        if self._history is None:
            self._history = LineHistory(frame.n_coils, frame.image_shape, self._device)
        self._history.add_sampled(lines, mask)

    def current(self) -> Calibration:
        """What is known now."""
        if self._fixed is not None:
            return self._fixed
        assert self._history is not None
        return Calibration.of(self._history.lines, self._history.age < NEVER)
