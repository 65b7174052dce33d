"""Coil sensitivities and virtual coils estimated from the data themselves."""

from __future__ import annotations

import torch
from torch.nn import functional

from TemporalReconLib.reconstruction.line_history import ifft1c, root_sum_of_squares

CALIBRATION_LINES = 24
# Coils of more channels are compressed to this many before anything is computed.
N_VIRTUAL_COILS = 6
# Sensitivities vary over centimeters: their correlations are kept on a grid of every fourth pixel, each averaged over
# three by three of these.
_COARSENING = 4
_NEIGHBORS = 3
_POWER_ITERATIONS = 4
# Of line amplitudes with the distance from the center; noise alone does not fall.
_STEEPEST_FALLOFF = 2.0


def estimate_sensitivities(lines: torch.Tensor, sampled: torch.Tensor) -> torch.Tensor:
    """Relative coil sensitivities from the contiguous sampled center of k-space.

    Adaptive combination (Walsh et al., MRM 43:682, 2000): the principal eigenvector of the coils' correlations in the
    neighborhood of each pixel, from the coil images of at most :data:`CALIBRATION_LINES` central lines. Eigenvectors
    have no phase of their own, so what is interpolated between neighborhoods is the projection onto them; it is
    applied to the low-resolution coil images, whose phase the result has. Ten times closer to the true sensitivities
    than the low-resolution images over their root sum of squares (Pruessmann et al., MRM 42:952, 1999).

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
    n_coils = lines.shape[0]
    if n_coils == 1:
        return _normalised(low_resolution_images(lines, sampled))
    smooth = low_resolution_images(lines, sampled)
    narrow = _central_images(lines, sampled, tapered=False)
    result = torch.empty_like(smooth)
    for index in range(lines.shape[1]):
        projection = _principal_projection(narrow[:, index], smooth[:, index])
        result[:, index] = (projection * smooth[None, :, index]).sum(dim=1)
    return _normalised(result)


def brightness_of(images: torch.Tensor) -> float:
    """95th percentile of the root sum of squares of coil images (coil, slice, row, col): a series' scale."""
    return float(torch.quantile(root_sum_of_squares(images)[..., ::2, ::2].flatten(), 0.95))


def extrapolated_brightness(lines: torch.Tensor, sampled: torch.Tensor) -> float:
    """About what :func:`brightness_of` would be if the central line, which is missing, had been sampled.

    Line amplitudes of anatomy fall about as a power of the distance from the center: that power is fitted to the
    sampled lines around, and the nearest of them stands for the center.

    Parameters
    ----------
    lines, sampled
        As for :func:`estimate_sensitivities`.

    Returns
    -------
    float
        0 where there is no signal.
    """
    energy = lines.abs().square().sum(dim=(0, 3))
    used = sampled & (energy > 0)
    if not used.any():
        return 0.0
    distance = (torch.arange(sampled.shape[1], device=lines.device) - sampled.shape[1] // 2).abs()
    slices, rows = used.nonzero(as_tuple=True)
    depth, level = torch.log1p(distance[rows].float()), 0.5 * torch.log(energy[slices, rows])
    spread = depth - depth.mean()
    slope = float((spread * level).sum() / spread.square().sum().clamp_min(1e-6))
    falloff = min(max(-slope, 0.0), _STEEPEST_FALLOFF)
    nearest = int(distance[rows].argmin())
    line = lines[:, slices[nearest], rows[nearest]] * (1.0 + float(distance[rows[nearest]])) ** falloff
    return brightness_of((line / sampled.shape[1] ** 0.5)[:, None, None].expand(-1, -1, 2, -1))


def low_resolution_images(lines: torch.Tensor, sampled: torch.Tensor) -> torch.Tensor:
    """Coil images (coil, slice, row, col) of the contiguous sampled center without ringing; arguments as above."""
    return _lowpass_columns(_central_images(lines, sampled, tapered=True), lines.shape[-1])


def _principal_projection(images: torch.Tensor, begin: torch.Tensor) -> torch.Tensor:
    """Projection onto the principal eigenvector of each pixel's coil correlations.

    Parameters
    ----------
    images, begin
        complex64 (coil, row, col): what is correlated, and where the power iteration starts.

    Returns
    -------
    torch.Tensor
        complex64 (coil, coil, row, col).
    """
    shape = images.shape[-2:]
    coarse = (-(-shape[0] // _COARSENING), -(-shape[1] // _COARSENING))
    correlation = _resized(images[:, None] * images.conj()[None], coarse)
    real = torch.view_as_real(correlation).permute(0, 1, 4, 2, 3).reshape(1, -1, *coarse)
    padded = functional.pad(real, [_NEIGHBORS // 2] * 4, mode="replicate")
    correlation = _as_complex(functional.avg_pool2d(padded, _NEIGHBORS, 1), correlation.shape[:2])
    vector = _resized(begin[None], coarse)[0]
    for _ in range(_POWER_ITERATIONS):
        vector = _normalised((correlation * vector[None]).sum(dim=1))
    return _resized(vector[:, None] * vector.conj()[None], (shape[0], shape[1]))


def _resized(fields: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Complex fields (first, second, row, col) averaged down or interpolated up to a grid."""
    real = torch.view_as_real(fields).permute(0, 1, 4, 2, 3).flatten(0, 2)[None]
    if shape[0] < fields.shape[-2]:
        resized = functional.adaptive_avg_pool2d(real, shape)
    else:
        resized = functional.interpolate(real, shape, mode="bilinear", align_corners=False)
    return _as_complex(resized, fields.shape[:2])


def _as_complex(parts: torch.Tensor, leading: torch.Size) -> torch.Tensor:
    """Real (1, first * second * 2, row, col) -> complex (first, second, row, col)."""
    unpacked = parts[0].unflatten(0, (*leading, 2)).permute(0, 1, 3, 4, 2)
    return torch.view_as_complex(unpacked.contiguous())


def _normalised(maps: torch.Tensor) -> torch.Tensor:
    """Unit root sum of squares over the coils; equal coils where there is no signal at all."""
    norm = torch.linalg.vector_norm(torch.view_as_real(maps).abs(), dim=(0, -1))
    tiny = torch.finfo(torch.float32).tiny
    uniform = torch.full_like(maps, maps.shape[0] ** -0.5)
    return torch.where(norm > tiny, maps / norm.clamp_min(tiny), uniform)


def _central_images(lines: torch.Tensor, sampled: torch.Tensor, tapered: bool) -> torch.Tensor:
    """Coil images of the contiguous sampled center, with a Hann window along ky if ``tapered``."""
    n_slices, n_rows = sampled.shape
    offsets = (torch.arange(n_rows, device=lines.device) - n_rows // 2).abs()
    window = torch.zeros((n_slices, n_rows), device=lines.device)
    for index in range(n_slices):
        half = _central_half_width(sampled[index])
        taper = 0.5 * (1.0 + torch.cos(torch.pi * offsets / (half + 1))) if tapered else torch.ones_like(window[0])
        window[index] = torch.where(offsets <= half, taper, 0.0)
    return ifft1c(lines * window[None, :, :, None], dim=-2)


def _central_half_width(sampled: torch.Tensor) -> int:
    """Lines on either side of the center that exist without a gap, at most half the calibration region."""
    center = sampled.numel() // 2
    largest = min(CALIBRATION_LINES // 2, sampled.numel() - 1 - center)
    half = 0
    while half < largest and bool(sampled[center - half - 1]) and bool(sampled[center + half + 1]):
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
