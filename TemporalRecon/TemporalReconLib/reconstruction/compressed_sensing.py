"""Causal prior-based compressed sensing with multi-coil data consistency."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.reconstruction import haar
from TemporalReconLib.reconstruction.coil_sensitivities import compression_matrix, estimate_sensitivities
from TemporalReconLib.reconstruction.line_history import NEVER, LineHistory, fft1c, hybrid_lines, ifft1c, sampled_lines
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import StreamingReconstructor

N_VIRTUAL_COILS = 6
ITERATIONS = 6
FIRST_ITERATIONS = 40
AGE_DECAY = 0.3
THRESHOLD = 1.0


class CompressedSensing(StreamingReconstructor):
    """Sparse change against what is known: the planning scan first, then the previous image.

    Each frame solves, by accelerated proximal gradient (Beck and Teboulle, SIAM J. Imaging Sci. 2:183, 2009),

        min_x  1/2 sum_lines w(age) |F S x - y|^2 + threshold |Haar details of (x - prior)|_1

    over the newest sample of every line, old lines weighted down by ``AGE_DECAY ** age``: prior-image
    compressed sensing (Chen et al., Med. Phys. 35:660, 2008) made streaming and causal. The threshold follows
    the noise-like level of the residual's back-projection, so there is no scale to set. Coil sensitivities S
    come from the center of k-space, of the planning scan or of all lines so far.
    """

    info = MethodInfo(
        name="compressed-sensing",
        causal=True,
        delay_frames=0,
        needs_coil_maps=True,
        description="Sparse change against the planning scan and the previous image, multi-coil.",
    )

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._planning: KSpaceFrame | ImageFrame | None = None
        self._forget_series()

    def _forget_series(self) -> None:
        self._history: LineHistory | None = None
        self._compression: torch.Tensor | None = None
        self._sensitivities: torch.Tensor | None = None
        self._calibrated = False
        self._previous: torch.Tensor | None = None
        self._spin = torch.Generator().manual_seed(0)

    def _forget(self) -> None:
        self._planning = None
        self._forget_series()

    def _use_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        self._planning = planning
        self._forget_series()

    def _ingest_lines(self, frame: KSpaceFrame) -> None:
        lines, mask = sampled_lines(frame, self.device)
        if self._history is None:
            self._history = self._begin(frame, lines)
        self._history.add_sampled(self._compress(lines), mask)
        if frame.is_fully_sampled:
            self._calibrate(self._history.lines, mask)

    def _begin(self, frame: KSpaceFrame, lines: torch.Tensor) -> LineHistory:
        """First frame of a series: virtual coils, and the planning scan as the oldest knowledge."""
        planning = self._planning
        if isinstance(planning, KSpaceFrame) and planning.data.shape == frame.data.shape:
            planned, sampled = hybrid_lines(planning, self.device)
            self._compression = compression_matrix(planned, N_VIRTUAL_COILS)
            self._calibrate(self._compress(planned), sampled)
        else:
            self._compression = compression_matrix(lines, N_VIRTUAL_COILS)
        return LineHistory(self._compression.shape[0], frame.image_shape, self.device)

    def _compress(self, lines: torch.Tensor) -> torch.Tensor:
        assert self._compression is not None
        return torch.tensordot(self._compression, lines, dims=1)

    def _calibrate(self, lines: torch.Tensor, sampled: torch.Tensor) -> None:
        """Sensitivities and prior from fully sampled virtual-coil lines."""
        self._sensitivities = estimate_sensitivities(lines, sampled)
        self._calibrated = True
        self._previous = combine(lines, self._sensitivities)

    def _image(self) -> tuple[NDArray[np.float32], NDArray[np.complex64] | None]:
        history = self._history
        assert history is not None
        sampled = history.age < NEVER
        if not self._calibrated:
            self._recalibrate(history.lines, sampled)
        assert self._sensitivities is not None
        weights = torch.where(sampled, AGE_DECAY ** history.age.clamp_max(1000).float(), 0.0)
        prior, iterations = self._previous, ITERATIONS
        if prior is None:
            prior, iterations = self._first_prior(history, weights), FIRST_ITERATIONS
        image = self._solve(history.lines, weights, self._sensitivities, prior, iterations)
        self._previous = image
        single = (image * self._sensitivities[0]).cpu().numpy() if self._sensitivities.shape[0] == 1 else None
        return image.abs().cpu().numpy(), single

    def _recalibrate(self, lines: torch.Tensor, sampled: torch.Tensor) -> None:
        """Sensitivities from all lines so far; the previous image is carried over to their phase."""
        renewed = estimate_sensitivities(lines, sampled)
        if self._previous is not None and self._sensitivities is not None:
            self._previous = (renewed.conj() * self._sensitivities * self._previous).sum(dim=0)
        self._sensitivities = renewed

    def _first_prior(self, history: LineHistory, weights: torch.Tensor) -> torch.Tensor:
        """The planning image at the gain of the samples, or nothing."""
        nothing = torch.zeros(history.lines.shape[1:], dtype=torch.complex64, device=self.device)
        if not isinstance(self._planning, ImageFrame) or self._planning.data.shape != tuple(nothing.shape):
            return nothing
        assert self._sensitivities is not None
        planned = torch.from_numpy(self._planning.data).to(self.device).to(torch.complex64)
        predicted = fft1c(self._sensitivities * planned, dim=-2) * weights[None, :, :, None]
        correlation = (predicted.conj() * history.lines).sum(dim=(0, 2, 3)).real
        energy = (predicted.conj() * predicted).sum(dim=(0, 2, 3)).real
        gain = correlation / energy.clamp_min(torch.finfo(torch.float32).tiny)
        return planned * gain[:, None, None]

    def _solve(
        self,
        lines: torch.Tensor,
        weights: torch.Tensor,
        sensitivities: torch.Tensor,
        prior: torch.Tensor,
        iterations: int,
    ) -> torch.Tensor:
        """Accelerated proximal gradient from the prior; (slice, row, col) complex64."""
        # Everything along ky is kept with its origin at index 0, so that the loop needs no shifts, and ky lies
        # contiguous in memory, where transforms along it are fastest.
        lines = _along_ky(torch.fft.ifftshift(lines, dim=-2))
        weights = torch.fft.ifftshift(weights, dim=-1)[:, :, None]
        sensitivities = _along_ky(torch.fft.ifftshift(sensitivities, dim=-2))
        conjugate = sensitivities.conj().resolve_conj()
        prior = _along_ky(torch.fft.ifftshift(prior, dim=-2))
        image = point = prior
        momentum = 1.0
        for _ in range(iterations):
            change = point - prior
            for coil in range(lines.shape[0]):  # one at a time: what a coil needs stays in the processor's cache
                residual = torch.fft.fft(sensitivities[coil] * point, dim=-2, norm="ortho")
                residual = residual.sub_(lines[coil]).mul_(weights)
                change = change.addcmul_(torch.fft.ifft(residual, dim=-2, norm="ortho"), conjugate[coil], value=-1)
            shift = torch.randint(0, 2**haar.LEVELS, (2,), generator=self._spin).tolist()
            threshold = THRESHOLD * haar.noise_level(change)
            update = prior + haar.shrink_details(change, threshold, (shift[0], shift[1]))
            next_momentum = 0.5 * (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5)
            point = update + ((momentum - 1.0) / next_momentum) * (update - image)
            image, momentum = update, next_momentum
        return torch.fft.fftshift(image, dim=-2).contiguous()


def _along_ky(data: torch.Tensor) -> torch.Tensor:
    """The same numbers with the last but one axis contiguous in memory."""
    return data.transpose(-1, -2).contiguous().transpose(-1, -2)


def combine(lines: torch.Tensor, sensitivities: torch.Tensor) -> torch.Tensor:
    """Hybrid lines (coil, slice, ky, col) -> combined image (slice, row, col)."""
    return (sensitivities.conj() * ifft1c(lines, dim=-2)).sum(dim=0)
