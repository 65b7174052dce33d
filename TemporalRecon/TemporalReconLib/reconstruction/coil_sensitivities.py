"""Coil sensitivities and virtual coils estimated from the data themselves."""

from __future__ import annotations

import torch

from TemporalReconLib.reconstruction.line_history import ifft1c, root_sum_of_squares

CALIBRATION_LINES = 24


def estimate_sensitivities(lines: torch.Tensor, sampled: torch.Tensor) -> torch.Tensor:
    """Relative coil sensitivities from the contiguous sampled center of k-space.

    The low-resolution coil images (Hann window over at most :data:`CALIBRATION_LINES` central lines and as
    many readout samples) divided by their root sum of squares (Pruessmann et al., MRM 42:952, 1999; the
    time-averaged center as calibration as in Kellman et al., TSENSE, MRM 45:846, 2001).

    Parameters
    ----------
    lines
        complex64 (coil, slice, ky, col) in hybrid space.
    sampled
        bool (slice, ky), the lines that exist.

    Returns
    -------
    torch.Tensor
        complex64 (coil, slice, row, col), unit root sum of squares in every pixel. They carry the object's
        smooth phase too, so that the combined image is nearly real and a magnitude prior fits it.
    """
    n_coils, n_slices, n_rows, n_columns = lines.shape
    window = torch.zeros((n_slices, n_rows), device=lines.device)
    for index in range(n_slices):
        half = _central_half_width(sampled[index])
        offsets = torch.arange(n_rows, device=lines.device) - n_rows // 2
        window[index] = torch.where(
            offsets.abs() <= half, 0.5 * (1.0 + torch.cos(torch.pi * offsets / (half + 1))), 0.0
        )
    smooth = ifft1c(lines * window[None, :, :, None], dim=-2)
    smooth = _lowpass_columns(smooth, n_columns)
    norm = root_sum_of_squares(smooth)
    tiny = torch.finfo(torch.float32).tiny
    uniform = torch.full_like(smooth, n_coils**-0.5)
    return torch.where(norm > tiny, smooth / norm.clamp_min(tiny), uniform)


def _central_half_width(sampled: torch.Tensor) -> int:
    """Lines on either side of the center that exist without a gap, at most half the calibration region."""
    center = sampled.numel() // 2
    half = 0
    while half < CALIBRATION_LINES // 2 and bool(sampled[center - half - 1]) and bool(sampled[center + half + 1]):
        half += 1
    return half


def _lowpass_columns(images: torch.Tensor, n_columns: int) -> torch.Tensor:
    """Keep the central readout frequencies, so that the maps are smooth along the columns too."""
    offsets = torch.arange(n_columns, device=images.device) - n_columns // 2
    half = CALIBRATION_LINES // 2
    window = torch.where(offsets.abs() <= half, 0.5 * (1.0 + torch.cos(torch.pi * offsets / (half + 1))), 0.0)
    spectrum = torch.fft.fftshift(torch.fft.fft(images, dim=-1), dim=-1) * window
    return torch.fft.ifft(torch.fft.ifftshift(spectrum, dim=-1), dim=-1)


def compression_matrix(lines: torch.Tensor, n_virtual: int) -> torch.Tensor:
    """Unitary rows that keep most energy in ``n_virtual`` virtual coils (Buehrer et al., MRM 57:1131, 2007).

    Parameters
    ----------
    lines
        complex64 (coil, ...) samples of any kind.

    Returns
    -------
    torch.Tensor
        complex64 (virtual, coil); identity where there are no more coils than wanted.
    """
    n_coils = lines.shape[0]
    if n_coils <= n_virtual:
        return torch.eye(n_coils, dtype=lines.dtype, device=lines.device)
    flat = lines.reshape(n_coils, -1)
    _, vectors = torch.linalg.eigh(flat @ flat.conj().T)
    return vectors[:, -n_virtual:].flip(1).conj().T.contiguous()
