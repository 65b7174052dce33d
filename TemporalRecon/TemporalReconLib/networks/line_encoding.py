"""Multi-coil encoding along the phase-encode axis, whole or of sampled lines, with cheap gradients."""

from __future__ import annotations

from typing import Any

import torch


def centering_phase(n_rows: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Factors that turn a centred Fourier transform into a plain one.

    With sensitivities times the first and samples times the second, both complex64 (row,), the plain orthonormal
    FFT of (sensitivity x image) gives the samples that the centred one gave: no array is ever shifted.
    """
    half = n_rows // 2
    index = torch.arange(n_rows, device=device, dtype=torch.float64)
    turn = 2 * torch.pi * half / n_rows
    one = torch.ones_like(index)
    rows = torch.polar(one, turn * index).to(torch.complex64)
    lines = torch.polar(one, turn * (half - index)).to(torch.complex64)
    return rows, lines


class LineEncoding:
    """A = Fourier transform along the rows of (sensitivity x image), for a batch of slices.

    The readout is fully sampled, so every image column is its own problem (Pruessmann et al., MRM 42:952, 1999).
    What has coils is kept as (batch, coil, col, row): transforms along the last axis are the fastest. Few sampled
    lines are a product with those rows of the DFT: at 16 of 256 lines five times cheaper than whole transforms.
    Sensitivities and samples carry the factors of :func:`centering_phase`.

    Parameters
    ----------
    sensitivities
        complex64 (batch, coil, col, row).
    line_index
        int64 (batch, line), phase-encode numbers of the sampled lines.
    is_sampled
        bool (batch, line), False where a slice has fewer lines than the others.
    """

    def __init__(self, sensitivities: torch.Tensor, line_index: torch.Tensor, is_sampled: torch.Tensor) -> None:
        self.sensitivities = sensitivities
        self.conjugate = sensitivities.conj().resolve_conj()
        self.line_index = line_index
        self.is_sampled = is_sampled
        n_rows = sensitivities.shape[-1]
        turns = (line_index[..., None] * torch.arange(n_rows, device=line_index.device)) % n_rows
        angle = turns.to(sensitivities.real.dtype) * (-2 * torch.pi / n_rows)
        self._lines = torch.polar(is_sampled[..., None] * torch.full_like(angle, n_rows**-0.5), angle)[:, None]
        self._rows = self._lines.transpose(-1, -2).contiguous()
        self._lines = self._lines.conj().resolve_conj()

    @property
    def acceleration(self) -> torch.Tensor:
        """Full lines / sampled lines of each slice, float32 (batch,)."""
        n_lines = self.is_sampled.sum(dim=1).clamp_min(1)
        return self.sensitivities.shape[-1] / n_lines.to(torch.float32)

    def whole(self, image: torch.Tensor) -> torch.Tensor:
        """All lines of an image (batch, row, col): (batch, coil, col, ky)."""
        return _apply(_Whole, self, image)

    def whole_adjoint(self, lines: torch.Tensor) -> torch.Tensor:
        """The image (batch, row, col) of lines (batch, coil, col, ky)."""
        return _apply(_WholeAdjoint, self, lines)

    def sampled(self, image: torch.Tensor) -> torch.Tensor:
        """The sampled lines of an image (batch, row, col): (batch, coil, col, line)."""
        return _apply(_Sampled, self, image)

    def sampled_adjoint(self, samples: torch.Tensor) -> torch.Tensor:
        """The image (batch, row, col) of sampled lines (batch, coil, col, line)."""
        return _apply(_SampledAdjoint, self, samples)

    def chosen(self, lines: torch.Tensor) -> torch.Tensor:
        """The sampled ones of all lines (batch, coil, col, ky): (batch, coil, col, line)."""
        index = self.line_index[:, None, None].expand(-1, *lines.shape[1:3], -1)
        return lines.gather(3, index) * self.is_sampled[:, None, None]

    def consistent(
        self, image: torch.Tensor, residual: torch.Tensor, damping: torch.Tensor, iterations: int
    ) -> torch.Tensor:
        """The image nearest to ``image`` that explains the samples: image + (A^H A + damping)^-1 A^H residual.

        Conjugate gradients on the image's change: what the coils contradict each other in, A^H removes first. With
        one coil of unit sensitivity one iteration is exact.

        Parameters
        ----------
        residual
            complex64 (batch, coil, col, line), samples less those of the image, y - A image.
        damping
            float32 (batch,), noise variance over image variance; 0 keeps the samples as they are.
        """
        weight = damping[:, None, None]
        gradient = self.sampled_adjoint(residual)
        direction, energy = gradient, _inner(gradient, gradient)
        for iteration in range(iterations):
            samples = self.sampled(direction)
            curvature = _inner(samples, samples)[:, 0] + weight * _inner(direction, direction)
            step = energy / curvature.clamp_min(_TINY)
            image = image + step * direction
            if iteration + 1 < iterations:
                gradient = gradient - step * (self.sampled_adjoint(samples) + weight * direction)
                renewed = _inner(gradient, gradient)
                direction = gradient + (renewed / energy.clamp_min(_TINY)) * direction
                energy = renewed
        return image


_TINY = 1e-20


def _inner(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Real inner products of each of the batch, with axes of length 1 for the others."""
    products = torch.view_as_real(first) * torch.view_as_real(second)
    return products.flatten(1).sum(dim=1).reshape(-1, *[1] * (first.ndim - 1))


# The operators and their gradients, which are each other's adjoints: nothing of coil size is kept for the way back.


def _encode(encoding: LineEncoding, image: torch.Tensor) -> torch.Tensor:
    return encoding.sensitivities * image.transpose(-1, -2)[:, None]


def _combine(encoding: LineEncoding, coils: torch.Tensor) -> torch.Tensor:
    combined = encoding.conjugate[:, 0] * coils[:, 0]
    for coil in range(1, coils.shape[1]):
        combined.addcmul_(encoding.conjugate[:, coil], coils[:, coil])
    return combined.transpose(-1, -2)


def _whole(encoding: LineEncoding, image: torch.Tensor) -> torch.Tensor:
    return torch.fft.fft(_encode(encoding, image), norm="ortho")


def _whole_adjoint(encoding: LineEncoding, lines: torch.Tensor) -> torch.Tensor:
    return _combine(encoding, torch.fft.ifft(lines, norm="ortho"))


def _sampled(encoding: LineEncoding, image: torch.Tensor) -> torch.Tensor:
    return _encode(encoding, image) @ encoding._rows


def _sampled_adjoint(encoding: LineEncoding, samples: torch.Tensor) -> torch.Tensor:
    return _combine(encoding, samples @ encoding._lines)


def _apply(function: type[torch.autograd.Function], encoding: LineEncoding, data: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = function.apply(data, encoding)
    return result


class _Whole(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: torch.Tensor, encoding: LineEncoding) -> torch.Tensor:
        ctx.encoding = encoding
        return _whole(encoding, image)

    @staticmethod
    def backward(ctx: Any, *gradient: torch.Tensor) -> Any:
        return _whole_adjoint(ctx.encoding, gradient[0]), None


class _WholeAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, lines: torch.Tensor, encoding: LineEncoding) -> torch.Tensor:
        ctx.encoding = encoding
        return _whole_adjoint(encoding, lines)

    @staticmethod
    def backward(ctx: Any, *gradient: torch.Tensor) -> Any:
        return _whole(ctx.encoding, gradient[0]), None


class _Sampled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: torch.Tensor, encoding: LineEncoding) -> torch.Tensor:
        ctx.encoding = encoding
        return _sampled(encoding, image)

    @staticmethod
    def backward(ctx: Any, *gradient: torch.Tensor) -> Any:
        return _sampled_adjoint(ctx.encoding, gradient[0]), None


class _SampledAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, samples: torch.Tensor, encoding: LineEncoding) -> torch.Tensor:
        ctx.encoding = encoding
        return _sampled_adjoint(encoding, samples)

    @staticmethod
    def backward(ctx: Any, *gradient: torch.Tensor) -> Any:
        return _sampled(ctx.encoding, gradient[0]), None
