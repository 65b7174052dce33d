"""The newest acquired k-space lines of every slice and how old each is."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

NEVER = 1_000_000
# Of a line's weight per frame of its age, for methods that weight old lines down.
AGE_DECAY = 0.3


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
        # Fourier transforms along ky are three times faster where ky lies contiguous in memory.
        storage = torch.zeros((n_coils, n_slices, n_columns, n_rows), dtype=torch.complex64, device=device)
        self.lines = storage.transpose(-1, -2)
        self.age = torch.full((n_slices, n_rows), NEVER, dtype=torch.int64, device=device)

    def add(self, lines: torch.Tensor, mask: torch.Tensor) -> None:
        """Take the lines of a new frame: hybrid (coil, slice, ky, col) and bool mask (slice, ky)."""
        self.add_sampled(lines[:, mask], mask)

    def add_sampled(self, lines: torch.Tensor, mask: torch.Tensor) -> None:
        """Take only the sampled lines of a new frame, as :func:`sampled_lines` gives them."""
        self.lines[:, mask] = lines
        self.age = torch.where(mask, 0, torch.where(self.age < NEVER, self.age + 1, NEVER))

    @property
    def is_complete(self) -> bool:
        """True if every line of every slice was acquired at least once."""
        return bool((self.age < NEVER).all())


def sampled_lines(frame: KSpaceFrame, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Sampled lines of a frame on the device: hybrid (coil, line, col) complex64 and mask (slice, ky).

    Lines are in the order of ``mask.nonzero()``; unsampled ones are neither copied nor transformed.
    """
    data = torch.from_numpy(frame.data[:, frame.mask]).to(device)
    return ifft1c(data, dim=-1), torch.from_numpy(frame.mask).to(device)


def hybrid_lines(frame: KSpaceFrame, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Hybrid lines (coil, slice, ky, col) complex64, unsampled ones zero, and mask (slice, ky) of a frame."""
    history = LineHistory(frame.n_coils, frame.image_shape, device)
    lines, mask = sampled_lines(frame, device)
    history.add_sampled(lines, mask)
    return history.lines, mask


def coil_images(lines: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hybrid lines (coil, slice, ky, col) -> magnitude (slice, row, col) and the complex image of a single coil.

    Several coils are combined by the root of the sum of squares. A circular shift of ky only turns the phase of
    the pixels, so a magnitude needs no shift of the samples, only one of the small combined image.
    """
    if lines.shape[0] == 1:
        single = ifft1c(lines[0], dim=-2)
        return single.abs(), single
    magnitude = root_sum_of_squares(torch.fft.ifft(coil, dim=-2, norm="ortho") for coil in lines)
    return torch.fft.fftshift(magnitude, dim=-2), None


def fft1c(data: torch.Tensor, dim: int) -> torch.Tensor:
    """Centred orthonormal FFT along one axis."""
    return torch.fft.fftshift(torch.fft.fft(torch.fft.ifftshift(data, dim=dim), dim=dim, norm="ortho"), dim=dim)


def ifft1c(data: torch.Tensor, dim: int) -> torch.Tensor:
    """Centred orthonormal inverse FFT along one axis."""
    return torch.fft.fftshift(torch.fft.ifft(torch.fft.ifftshift(data, dim=dim), dim=dim, norm="ortho"), dim=dim)


def root_sum_of_squares(coils: Iterable[torch.Tensor]) -> torch.Tensor:
    """Complex (slice, row, col) of every coil -> magnitude (slice, row, col).

    Coil by coil the intermediate images stay in the processor's cache, and torch's own vector_norm is slow for
    complex numbers: ten times faster together (8 coils of 3 x 256 x 256 on one core).
    """
    parts = (torch.view_as_real(coil) for coil in coils)
    first = next(parts)
    energy = first * first
    for part in parts:
        energy.addcmul_(part, part)
    return energy.sum(dim=-1).sqrt_()
