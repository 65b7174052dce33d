"""What the temporal method knows of a series: coils, scale, noise, and the newest sample of every line."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.networks.line_age import NEVER, PLANNING_AGE
from TemporalReconLib.networks.line_encoding import LineEncoding, centering_phase
from TemporalReconLib.networks.temporal_network import TemporalInput
from TemporalReconLib.reconstruction.coil_sensitivities import (
    CALIBRATION_LINES,
    N_VIRTUAL_COILS,
    brightness_of,
    compression_matrix,
    estimate_sensitivities,
    extrapolated_brightness,
    low_resolution_images,
)
from TemporalReconLib.reconstruction.line_history import LineHistory, hybrid_lines, sampled_lines

_NOISE_MEMORY = 0.8
_READOUT_EDGE = 16


class TemporalMemory:
    """Takes frames as they come and tells the network what is known.

    With a planning scan (or a fully sampled frame) the coil sensitivities and the prior image come from it; without
    one they are estimated anew from all lines so far, until the center of k-space is complete.

    Parameters
    ----------
    first
        First frame of the series.
    planning
        Fully sampled planning scan; an image is brought to the gain of the samples and serves as lines of its own.

    Attributes
    ----------
    has_prior
        Whether there is a planning image; one that comes without k-space waits for lines that tell its gain.
    """

    def __init__(self, first: KSpaceFrame, planning: KSpaceFrame | ImageFrame | None, device: torch.device) -> None:
        self.device = device
        self._row_phase, self._line_phase = centering_phase(first.image_shape[1], device)
        self._planning_image: torch.Tensor | None = None
        self.has_prior = False
        self._noise_variance = math.nan
        calibrating = planning if isinstance(planning, KSpaceFrame) else first
        lines, mask = hybrid_lines(calibrating, device)
        self._compression = compression_matrix(lines, N_VIRTUAL_COILS)
        compressed = torch.tensordot(self._compression, lines, dims=1)
        # Golden order may begin without the center of k-space.
        central = brightness_of(low_resolution_images(compressed, mask))
        self.scale = central or extrapolated_brightness(compressed, mask) or 1.0
        self._history = LineHistory(compressed.shape[0], first.image_shape, device)
        self._newest = mask
        if isinstance(planning, KSpaceFrame):
            self._add(lines[:, mask], mask)
            self._history.age += PLANNING_AGE
            self._calibrate_finally()
        else:
            self._is_calibrated = False
            self._prior = torch.zeros(first.image_shape, dtype=torch.complex64, device=device)
            self._sensitivities = torch.zeros_like(compressed)
            if isinstance(planning, ImageFrame):
                self._planning_image = torch.from_numpy(planning.data).to(device)

    def ingest(self, frame: KSpaceFrame) -> None:
        """Take the lines of a frame; one that is fully sampled is the planning scan from now on."""
        lines, mask = sampled_lines(frame, self.device)
        self._add(lines, mask)
        self._newest = mask
        self._learn_noise(noise_variance_of(frame))
        if frame.is_fully_sampled:
            self._calibrate_finally()

    def recalibrate(self) -> torch.Tensor | None:
        """Renew the sensitivities, where they are not final.

        Returns
        -------
        Factor complex64 (slice, row, col) that carries an image of the earlier sensitivities over to the new ones'
        phase; None where nothing changed.
        """
        if self._is_calibrated:
            return None
        earlier = self._sensitivities
        known = self._history.age < PLANNING_AGE
        self._sensitivities = estimate_sensitivities(self._centered_lines(), known)
        center = self._history.age.shape[-1] // 2
        half = CALIBRATION_LINES // 2
        self._is_calibrated = bool(known[:, center - half : center + half + 1].all())
        if self._planning_image is not None:
            self._fit_planning_image(self._planning_image, known)
        return (self._sensitivities.conj() * earlier).sum(dim=0)

    def input(self, slices: slice) -> TemporalInput:
        """What the network gets for some of the slices."""
        mask = self._newest[slices]
        n_lines = int(mask.sum(dim=1).max())
        index = mask.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :n_lines]
        noise = math.sqrt(self._noise_variance) / self.scale if self._noise_variance > 0 else 0.0
        return TemporalInput(
            sensitivities=self._by_slice(self._sensitivities)[slices] * self._row_phase,
            lines=self._by_slice(self._history.lines)[slices],
            age=self._history.age[slices],
            line_index=index,
            is_sampled=mask.gather(1, index),
            prior=self._prior[slices],
            noise=torch.full((mask.shape[0],), noise, device=self.device),
        )

    @property
    def first_coil(self) -> torch.Tensor | None:
        """Sensitivity (slice, row, col) of the only coil, None where there are several."""
        return self._sensitivities[0] if self._sensitivities.shape[0] == 1 else None

    def _add(self, lines: torch.Tensor, mask: torch.Tensor) -> None:
        """Take sampled lines (coil, line, col) in the order of ``mask.nonzero()``."""
        factors = self._line_phase[mask.nonzero()[:, 1]] / self.scale
        self._history.add_sampled(torch.tensordot(self._compression, lines, dims=1) * factors[:, None], mask)

    def _calibrate_finally(self) -> None:
        """Sensitivities and prior from complete lines."""
        self._sensitivities = estimate_sensitivities(self._centered_lines(), self._history.age < NEVER)
        self._is_calibrated = True
        self._prior = self._encoding().whole_adjoint(self._by_slice(self._history.lines))
        self.has_prior = True

    def _fit_planning_image(self, planned: torch.Tensor, known: torch.Tensor) -> None:
        """The planning image at the gain of the samples as prior, and its lines where none were acquired."""
        encoding = self._encoding()
        lines = self._by_slice(self._history.lines)
        predicted = encoding.whole(planned.to(torch.complex64))
        where = known[:, None, None]
        correlation = (predicted.conj() * lines * where).real.sum(dim=(1, 2, 3))
        energy = (predicted.abs() ** 2 * where).sum(dim=(1, 2, 3))
        gain = (correlation / energy.clamp_min(torch.finfo(torch.float32).tiny)).clamp_min(0.0)
        self._prior = planned * gain[:, None, None].to(torch.complex64)
        self.has_prior = bool((gain > 0).any())
        lines.copy_(torch.where(where, lines, predicted * gain[:, None, None, None]))
        self._history.age.clamp_(max=PLANNING_AGE)

    def _encoding(self) -> LineEncoding:
        index = torch.zeros((self._newest.shape[0], 1), dtype=torch.int64, device=self.device)
        sensitivities = self._by_slice(self._sensitivities) * self._row_phase
        return LineEncoding(sensitivities, index, torch.ones_like(index, dtype=torch.bool))

    def _centered_lines(self) -> torch.Tensor:
        return self._history.lines * self._line_phase.conj()[:, None]

    def _learn_noise(self, variance: float) -> None:
        if not math.isnan(variance):
            known = self._noise_variance
            self._noise_variance = (
                variance if math.isnan(known) else _NOISE_MEMORY * known + (1.0 - _NOISE_MEMORY) * variance
            )

    @staticmethod
    def _by_slice(data: torch.Tensor) -> torch.Tensor:
        """(coil, slice, row, col) -> (slice, coil, col, row)."""
        return data.permute(1, 0, 3, 2)


def noise_variance_of(frame: KSpaceFrame) -> float:
    """Variance of the real part of a sample's noise, nan where it cannot be told.

    From the samples at the edges of the readout on the outer half of the acquired lines, where an object leaves
    next to nothing: half their squared magnitude is exponentially distributed, its median ln 2 times the variance.
    Samples that are exactly zero were filled in, not measured.
    """
    n_rows, n_columns = frame.image_shape[1:]
    edge = max(2, n_columns // _READOUT_EDGE)
    distance = np.abs(np.arange(n_rows) - n_rows // 2)[None, :] * frame.mask
    outer = frame.mask & (distance >= np.median(distance[frame.mask]))
    lines = frame.data[:, outer]
    energy: NDArray[np.float32] = np.abs(np.concatenate([lines[..., :edge], lines[..., -edge:]], axis=-1)) ** 2
    measured = energy[energy > 0]
    return float(np.median(measured) / (2.0 * math.log(2.0))) if measured.size else math.nan
