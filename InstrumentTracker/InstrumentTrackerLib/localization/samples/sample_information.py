"""All that the samples say about opacity in a band of pixels: a score and an information matrix per column.

Samples are a linear function of the image, noise and the background's errors are Gaussian. So the log likelihood of
any opacity u of the band's pixels is quadratic, 2 score.u - u.information.u, and every hypothesis is a few products.
The background's errors are nuisances with a covariance of their own (generalized least squares; Kay, Fundamentals
of Statistical Signal Processing: Estimation Theory, 1993, chapters 4 and 10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.samples.sample_background import SampleBackground
from InstrumentTrackerLib.localization.samples.sample_band import SampleBand
from InstrumentTrackerLib.localization.samples.sample_slice import SampleSlice

# Bounds of the background's error level, which the residual tells.
MISMATCH_LIMITS = (0.1, 100.0)
# Neighboring columns in which these errors are alike.
ALIKE_COLUMNS = 3.0
# Enough columns for the scanner's gain.
GAIN_COLUMNS = slice(None, None, 4)


@dataclass(frozen=True, eq=False)
class OpacityInformation:
    """Log likelihood of opacity.

    Attributes
    ----------
    score, information
        float32 (col, row) and (col, row, row) of the band.
    mismatch
        Energy of the background's errors over what was expected of a good one, median of the columns.
    """

    score: NDArray[np.float32]
    information: NDArray[np.float32]
    mismatch: float


@dataclass(frozen=True, eq=False)
class WhitenedSamples:
    """What one slice's samples differ from the background's, in units of what noise and its errors explain.

    Attributes
    ----------
    signature
        complex64 (col, sample, row): whitened samples of a pixel of the band with signal 1.
    residual
        complex64 (col, sample).
    image
        complex64 (col, row): the background's signal in the band.
    mismatch
        Energy of the background's errors over what was expected of a good one, median of the columns.
    noise, factor
        Variance of the noise, and Cholesky factor (col, sample, sample) of the whole covariance.
    """

    signature: torch.Tensor
    residual: torch.Tensor
    image: torch.Tensor
    mismatch: float
    noise: float
    factor: torch.Tensor

    def weight(self, misfit: float) -> float:
        """What a unit of whitened energy is worth where the residual's mean energy is ``misfit``.

        Noise is new in every column, the background's errors are not: as many columns count as one.
        """
        precision = torch.cholesky_inverse(self.factor).diagonal(dim1=1, dim2=2).real
        noise_share = self.noise * float(precision.mean())
        repeated = noise_share + (1.0 - noise_share) * ALIKE_COLUMNS
        return 1.0 / (max(misfit, 1.0) * repeated)


def whiten(
    samples: SampleSlice, background: SampleBackground, band: SampleBand, level: float | None = None
) -> WhitenedSamples | None:
    """Prepare the band's columns; None where there is no signal.

    Parameters
    ----------
    level
        Of the background's errors; None takes it from the residual, which is right where little of the band changed.

    Raises
    ------
    torch.linalg.LinAlgError
        If there is no noise and no error at all.
    """
    columns = band.columns
    # What the scanner changes as a whole, gain and phase, is matched before anything else.
    gain = _gain(samples.columns(GAIN_COLUMNS), background.image[:, GAIN_COLUMNS])
    if not gain.abs() > 0:
        return None
    samples = samples.columns(columns)
    image, variance = (
        torch.from_numpy(field[:, columns].T.copy()) for field in (background.image, background.variance)
    )
    modes = torch.from_numpy(np.ascontiguousarray(background.modes(columns).transpose(0, 2, 1)))
    size = samples.samples[0].numel()
    residual = samples.samples.flatten(1) / gain - samples.encoded(image[None])[:, 0]
    encoded_modes = samples.encoded(modes)
    errors = samples.covariance_of(variance) + encoded_modes.transpose(1, 2) @ encoded_modes.conj()
    expected = errors.diagonal(dim1=1, dim2=2).real.sum(dim=1)
    noise = samples.noise_variance / float(gain.abs()) ** 2
    # The median over the columns: a needle that has moved is no error of the background.
    excess = residual.abs().square().sum(dim=1) - noise * size
    mismatch = float(np.clip(float((excess / expected).median()), *MISMATCH_LIMITS))
    covariance = (mismatch if level is None else level) * errors + noise * torch.eye(size)
    rows = torch.from_numpy(band.rows)
    transform = samples.rows_of_transform.T[rows]
    index = rows[:, None].expand(-1, samples.sensitivities.shape[1], -1)
    sensitivities = samples.sensitivities.gather(2, index)
    signature = (sensitivities[:, :, None] * transform.transpose(1, 2)[:, None]).flatten(1, 2)
    factor = torch.linalg.cholesky(covariance)
    whitened = torch.linalg.solve_triangular(factor, torch.cat([signature, residual[..., None]], dim=2), upper=False)
    signature, residual = whitened[..., :-1], whitened[..., -1]
    return WhitenedSamples(signature, residual, image.gather(1, rows), mismatch, noise, factor)


def _gain(samples: SampleSlice, image: NDArray[np.complex64]) -> torch.Tensor:
    """Complex factor from what an image (row, col) predicts to the samples."""
    predicted = samples.encoded(torch.from_numpy(image.T.copy())[None])[:, 0].flatten()
    return torch.vdot(predicted, samples.samples.flatten()) / predicted.abs().square().sum()


def opacity_information(
    samples: SampleSlice, background: SampleBackground, band: SampleBand
) -> OpacityInformation | None:
    """Project the whitened residual of one slice onto the band's pixels; None where there is no signal.

    Raises
    ------
    torch.linalg.LinAlgError
        If there is no noise and no error at all.
    """
    white = whiten(samples, background, band)
    if white is None:
        return None
    signature = white.signature * -white.image[:, None]
    adjoint = signature.mH
    weight = white.weight(float(white.residual.abs().square().mean(dim=1).median()))
    return OpacityInformation(
        score=(weight * (adjoint @ white.residual[..., None]).real[..., 0]).numpy(),
        information=(weight * (adjoint @ signature).real).numpy(),
        mismatch=white.mismatch,
    )


def unexplained_share(samples: SampleSlice, image: NDArray[np.complex64], band: SampleBand) -> float:
    """Share of the samples' energy in the band's columns that an image (row, col) at its best gain leaves (0..1)."""
    samples = samples.columns(band.columns)
    predicted = samples.encoded(torch.from_numpy(image[:, band.columns].T.copy())[None])[:, 0].flatten()
    measured = samples.samples.flatten()
    energies = float(predicted.abs().square().sum() * measured.abs().square().sum())
    return 1.0 - float(torch.vdot(predicted, measured).abs()) ** 2 / energies if energies > 0 else 1.0
