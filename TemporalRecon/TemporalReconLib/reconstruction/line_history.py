"""The newest acquired k-space lines of every slice and how old each is."""

from __future__ import annotations

import torch

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

NEVER = 1_000_000


class LineHistory:
    """View sharing memory: for every phase-encode line the newest sample ("newest line wins").

    Kept in hybrid space: the readout is fully sampled, so it is Fourier transformed once on arrival and every
    image column is a one-dimensional problem along ky from then on.

    Attributes
    ----------
    lines
        complex64 (coil, slice, ky, col); zero where a line was never acquired.
    age
        int64 (slice, ky): 0 for lines of the newest frame, 1 for those last seen the frame before, ...,
        :data:`NEVER` where a line was never acquired.
    """

    def __init__(self, n_coils: int, image_shape: tuple[int, int, int], device: torch.device) -> None:
        n_slices, n_rows, n_columns = image_shape
        self.lines = torch.zeros((n_coils, n_slices, n_rows, n_columns), dtype=torch.complex64, device=device)
        self.age = torch.full((n_slices, n_rows), NEVER, dtype=torch.int64, device=device)

    def add(self, lines: torch.Tensor, mask: torch.Tensor) -> None:
        """Take the lines of a new frame: hybrid (coil, slice, ky, col) and bool mask (slice, ky)."""
        self.lines = torch.where(mask[None, :, :, None], lines, self.lines)
        self.age = torch.where(mask, 0, torch.where(self.age < NEVER, self.age + 1, NEVER))

    @property
    def is_complete(self) -> bool:
        """True if every line of every slice was acquired at least once."""
        return bool((self.age < NEVER).all())


def hybrid_lines(frame: KSpaceFrame, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Hybrid lines (coil, slice, ky, col) complex64 and mask (slice, ky) of a frame on the device."""
    data = torch.from_numpy(frame.data).to(device)
    return ifft1c(data, dim=-1), torch.from_numpy(frame.mask).to(device)


def fft1c(data: torch.Tensor, dim: int) -> torch.Tensor:
    """Centred orthonormal FFT along one axis."""
    return torch.fft.fftshift(torch.fft.fft(torch.fft.ifftshift(data, dim=dim), dim=dim, norm="ortho"), dim=dim)


def ifft1c(data: torch.Tensor, dim: int) -> torch.Tensor:
    """Centred orthonormal inverse FFT along one axis."""
    return torch.fft.fftshift(torch.fft.ifft(torch.fft.ifftshift(data, dim=dim), dim=dim, norm="ortho"), dim=dim)


def root_sum_of_squares(coil_images: torch.Tensor) -> torch.Tensor:
    """(coil, slice, row, col) complex -> (slice, row, col) magnitude."""
    return torch.linalg.vector_norm(coil_images, dim=0)
