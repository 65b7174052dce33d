"""One slice's sampled lines of the current frame, and what an image would have given there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from TemporalReconLib.networks.temporal_network import TemporalInput


@dataclass(frozen=True, eq=False)
class SampleSlice:
    """The newest samples of one slice in hybrid space: the readout is transformed, every column is its own problem.

    Attributes
    ----------
    sensitivities
        complex64 (col, coil, row), of virtual coils, with the phase of
        :func:`~TemporalReconLib.networks.line_encoding.centering_phase`.
    samples
        complex64 (col, coil, line).
    line_index
        int64 (line,), phase-encode numbers.
    noise_variance
        Of a complex sample (real and imaginary part together).
    """

    sensitivities: torch.Tensor
    samples: torch.Tensor
    line_index: torch.Tensor
    noise_variance: float

    @classmethod
    def of(cls, known: TemporalInput) -> SampleSlice:
        """From what the memory of a series knows of a single slice."""
        lines = known.line_index[0][known.is_sampled[0]]
        return cls(
            sensitivities=known.sensitivities[0].transpose(0, 1),
            samples=known.lines[0][..., lines].transpose(0, 1),
            line_index=lines,
            noise_variance=2.0 * float(known.noise[0]) ** 2,
        )

    def columns(self, chosen: slice) -> SampleSlice:
        """Some columns alone."""
        return SampleSlice(self.sensitivities[chosen], self.samples[chosen], self.line_index, self.noise_variance)

    def strongest(self, n_coils: int) -> SampleSlice:
        """The first coils alone; virtual coils come by their strength."""
        return SampleSlice(
            self.sensitivities[:, :n_coils], self.samples[:, :n_coils], self.line_index, self.noise_variance
        )

    @property
    def rows_of_transform(self) -> torch.Tensor:
        """Rows of the plain orthonormal DFT at the sampled lines, complex64 (line, row)."""
        n_rows = self.sensitivities.shape[-1]
        turns = (self.line_index[:, None] * torch.arange(n_rows)) % n_rows
        angle = turns.to(torch.float32) * (-2 * torch.pi / n_rows)
        return torch.polar(torch.full_like(angle, n_rows**-0.5), angle)

    def encoded(self, images: torch.Tensor) -> torch.Tensor:
        """Samples (col, image, coil * line) that complex images (image, col, row) would have given."""
        coils = self.sensitivities[:, None] * images.transpose(0, 1)[:, :, None]
        return (coils @ self.rows_of_transform.T).flatten(2)

    def covariance_of(self, variance: torch.Tensor) -> torch.Tensor:
        """Covariance (col, coil * line, coil * line) of the samples of a random image.

        Parameters
        ----------
        variance
            float32 (col, row) of independent pixels.
        """
        n_columns, n_coils, n_rows = self.sensitivities.shape
        weighted = self.sensitivities * variance[:, None]
        products = weighted[:, :, None] * self.sensitivities.conj()[:, None]
        # Two lines are correlated by the Fourier coefficient of the variance at their distance.
        spectrum = torch.fft.fft(products) / n_rows
        distance = (self.line_index[:, None] - self.line_index[None, :]) % n_rows
        size = n_coils * self.line_index.numel()
        return spectrum[..., distance].permute(0, 1, 3, 2, 4).reshape(n_columns, size, size)
