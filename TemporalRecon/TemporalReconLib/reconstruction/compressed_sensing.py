"""Causal compressed sensing along time with multi-coil data consistency."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.networks import haar
from TemporalReconLib.networks.line_age import AGE_DECAY, NEVER
from TemporalReconLib.networks.soft_threshold import soft_threshold
from TemporalReconLib.reconstruction import locally_low_rank
from TemporalReconLib.reconstruction.coil_sensitivities import (
    N_VIRTUAL_COILS,
    compression_matrix,
    estimate_sensitivities,
)
from TemporalReconLib.reconstruction.line_history import LineHistory, fft1c, hybrid_lines, ifft1c, sampled_lines
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import StreamingReconstructor

WINDOW = 6
ITERATIONS = 20
FIRST_ITERATIONS = 40
# Weights of the three terms, in units of the noise-like level of the change from the previous image.
VARIATION = 0.3
DETAIL = 0.6
LOW_RANK = 0.3 * locally_low_rank.BLOCK
# The low rank step costs as much as two whole iterations.
LOW_RANK_EVERY = 4


class CompressedSensing(StreamingReconstructor):
    """Total variation along time, locally low rank, and a sparse change from the previous image.

    The image x of the newest frame solves, by accelerated proximal gradient (Beck and Teboulle, SIAM J. Imaging
    Sci. 2:183, 2009) that starts at the previous image p,

        min_x  1/2 sum_lines w(age) |F S x - y|^2 + a |x - p|_1 + b |Haar details of (x - p)|_1
               + c sum_blocks |singular values of (planning, earlier images, x)|_1

    over the newest sample of every line, old lines weighted down by ``AGE_DECAY ** age``. The first penalty is the
    total variation along time over a window that ends at the newest frame (Feng et al., MRM 72:707, 2014), the last is
    locally low rank (:mod:`~TemporalReconLib.reconstruction.locally_low_rank`); the middle one is prior-image
    compressed sensing (Chen et al., Med. Phys. 35:660, 2008). Earlier images of the window stay as they were shown.
    The proximal steps of the terms follow each other, and their weights follow the noise-like level of the change, so
    there is no scale to set. Coil sensitivities S come from the center of k-space, of the planning scan or of all
    lines so far. Our own lines, because the libraries' solvers (sigpy, deepinv) expect a series that has ended.

    Tried on three development series of 20 frames with planning scan (dB at the tip, and its mean error): at R = 16 in
    paper order this gives 28.2 dB, 4.8 mm; the middle term alone with 6 iterations, a fifth of the time, 27.5 dB,
    7.8 mm; total variation with all images of the window solved anew for every frame 27.8 dB, 6.6 mm; total variation
    and low rank alone, both stronger, 28.6 dB, 5.8 mm. At R = 32 the latter's error is 9.5 mm, the middle term's 8.7 mm
    and this one's 8.0 mm. With the newest frame's own lines only, golden order gives 11.2 mm instead of 9.7 mm.
    """

    info = MethodInfo(
        name="compressed-sensing",
        causal=True,
        delay_frames=0,
        needs_coil_maps=True,
        description="Total variation along time and locally low rank, multi-coil, from planning scan and past frames.",
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
        # Images are kept as the solver needs them: ky's origin at index 0, ky contiguous in memory.
        self._planned: torch.Tensor | None = None
        self._window: list[torch.Tensor] = []
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
        self._planned = _to_solver(combine(lines, self._sensitivities))
        self._window = []

    def _image(self) -> tuple[NDArray[np.float32], NDArray[np.complex64] | None]:
        history = self._history
        assert history is not None
        sampled = history.age < NEVER
        if not self._calibrated:
            self._recalibrate(history.lines, sampled)
        assert self._sensitivities is not None
        weights = torch.where(sampled, AGE_DECAY ** history.age.clamp_max(1000).float(), 0.0)
        iterations = ITERATIONS
        if self._planned is None and not self._window:
            self._planned = self._scaled_planning(history, weights)
            iterations = FIRST_ITERATIONS
        newest = self._solve(history.lines, weights, self._sensitivities, iterations)
        self._window = [*self._window, newest][1 - WINDOW :]
        image = torch.fft.fftshift(newest, dim=-2).contiguous()
        single = (image * self._sensitivities[0]).cpu().numpy() if self._sensitivities.shape[0] == 1 else None
        return image.abs().cpu().numpy(), single

    def _recalibrate(self, lines: torch.Tensor, sampled: torch.Tensor) -> None:
        """Sensitivities from all lines so far; earlier images are carried over to their phase."""
        renewed = estimate_sensitivities(lines, sampled)
        if self._sensitivities is not None:
            turn = _to_solver((renewed.conj() * self._sensitivities).sum(dim=0))
            self._window = [turn * image for image in self._window]
            self._planned = None if self._planned is None else turn * self._planned
        self._sensitivities = renewed

    def _scaled_planning(self, history: LineHistory, weights: torch.Tensor) -> torch.Tensor | None:
        """The planning image at the gain of the samples, if there is one."""
        planning = self._planning
        if not isinstance(planning, ImageFrame) or planning.data.shape != tuple(history.lines.shape[1:]):
            return None
        assert self._sensitivities is not None
        planned = torch.from_numpy(planning.data).to(self.device).to(torch.complex64)
        predicted = fft1c(self._sensitivities * planned, dim=-2) * weights[None, :, :, None]
        correlation = (predicted.conj() * history.lines).sum(dim=(0, 2, 3)).real
        energy = (predicted.conj() * predicted).sum(dim=(0, 2, 3)).real
        gain = correlation / energy.clamp_min(torch.finfo(torch.float32).tiny)
        return _to_solver(planned * gain[:, None, None])

    def _solve(
        self, lines: torch.Tensor, weights: torch.Tensor, sensitivities: torch.Tensor, iterations: int
    ) -> torch.Tensor:
        """The newest image (slice, row, col) complex64, as the solver keeps it."""
        lines, sensitivities = _to_solver(lines), _to_solver(sensitivities)
        weights = torch.fft.ifftshift(weights, dim=-1)[:, :, None]
        conjugate = sensitivities.conj().resolve_conj()
        known = [image for image in (self._planned, *self._window) if image is not None]
        prior = known[-1] if known else torch.zeros_like(lines[0])
        image = point = prior
        momentum = 1.0
        for iteration in range(iterations):
            change = point - prior
            for coil in range(lines.shape[0]):  # one at a time: what a coil needs stays in the processor's cache
                residual = torch.fft.fft(sensitivities[coil] * point, dim=-2, norm="ortho")
                residual = residual.sub_(lines[coil]).mul_(weights)
                change = change.addcmul_(torch.fft.ifft(residual, dim=-2, norm="ortho"), conjugate[coil], value=-1)
            noise = haar.noise_level(change)
            change = soft_threshold(change, VARIATION * noise[:, None, None])
            update = prior + haar.shrink_details(change, DETAIL * noise, self._random_shift(2**haar.LEVELS))
            if known and iteration % LOW_RANK_EVERY == LOW_RANK_EVERY - 1:
                shift = self._random_shift(locally_low_rank.BLOCK)
                update = locally_low_rank.shrink_newest(torch.stack([*known, update]), LOW_RANK * noise, shift)
            next_momentum = 0.5 * (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5)
            point = update + ((momentum - 1.0) / next_momentum) * (update - image)
            image, momentum = update, next_momentum
        return image

    def _random_shift(self, size: int) -> tuple[int, int]:
        row, column = torch.randint(0, size, (2,), generator=self._spin).tolist()
        return row, column


def _to_solver(data: torch.Tensor) -> torch.Tensor:
    """(..., ky, col) with ky's origin at index 0, so that the loop needs no shifts.

    ky lies contiguous in memory, where transforms along it are fastest.
    """
    return torch.fft.ifftshift(data, dim=-2).transpose(-1, -2).contiguous().transpose(-1, -2)


def combine(lines: torch.Tensor, sensitivities: torch.Tensor) -> torch.Tensor:
    """Hybrid lines (coil, slice, ky, col) -> combined image (slice, row, col)."""
    return (sensitivities.conj() * ifft1c(lines, dim=-2)).sum(dim=0)
