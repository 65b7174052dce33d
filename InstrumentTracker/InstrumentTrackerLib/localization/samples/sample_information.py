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


def opacity_information(
    samples: SampleSlice, background: SampleBackground, band: SampleBand
) -> OpacityInformation | None:
    """Whiten the residual of one slice and project it onto the band's pixels; None where there is no signal.

    Raises
    ------
    torch.linalg.LinAlgError
        If there is no noise and no error at all.
    """
    first, last = band.first_column, band.last_column
    samples = samples.columns(first, last)
    image, variance = (
        torch.from_numpy(field[:, first:last].T.copy()) for field in (background.image, background.variance)
    )
    modes = torch.from_numpy(np.ascontiguousarray(background.modes[:, :, first:last].transpose(0, 2, 1)))
    size = samples.samples[0].numel()
    predicted = samples.encoded(image[None])[:, 0]
    gain = torch.vdot(predicted.flatten(), samples.samples.flatten()) / predicted.abs().square().sum()
    if not gain.abs() > 0:
        return None
    # What the scanner changes as a whole, gain and phase, is matched before anything else.
    residual = samples.samples.flatten(1) / gain - predicted
    encoded_modes = samples.encoded(modes)
    errors = samples.covariance_of(variance) + encoded_modes.transpose(1, 2) @ encoded_modes.conj()
    expected = errors.diagonal(dim1=1, dim2=2).real.sum(dim=1)
    noise = samples.noise_variance / float(gain.abs()) ** 2
    # The median over the columns: a needle that has moved is no error of the background.
    excess = residual.abs().square().sum(dim=1) - noise * size
    mismatch = float(np.clip(float((excess / expected).median()), *MISMATCH_LIMITS))
    covariance = mismatch * errors + noise * torch.eye(size)
    rows = torch.from_numpy(band.rows)
    opaque = -image.gather(1, rows)
    transform = samples.rows_of_transform.T[rows]
    index = rows[:, None].expand(-1, samples.sensitivities.shape[1], -1)
    weighted = samples.sensitivities.gather(2, index) * opaque[:, None]
    signature = (weighted[:, :, None] * transform.transpose(1, 2)[:, None]).flatten(1, 2)
    factor = torch.linalg.cholesky(covariance)
    whitened = torch.linalg.solve_triangular(factor, torch.cat([signature, residual[..., None]], dim=2), upper=False)
    noise_share = noise * float(torch.cholesky_inverse(factor).diagonal(dim1=1, dim2=2).real.mean())
    signature, white = whitened[..., :-1], whitened[..., -1:]
    adjoint = signature.mH
    misfit = float(white.abs().square().mean(dim=(1, 2)).median())
    # Noise is new in every column, the background's errors are not: as many columns count as one.
    repeated = noise_share + (1.0 - noise_share) * ALIKE_COLUMNS
    weight = 1.0 / (max(misfit, 1.0) * repeated)
    return OpacityInformation(
        score=weight * (adjoint @ white).real[..., 0].numpy(),
        information=weight * (adjoint @ signature).real.numpy(),
        mismatch=mismatch,
    )


def unexplained_share(samples: SampleSlice, image: NDArray[np.complex64], band: SampleBand) -> float:
    """Share of the samples' energy in the band's columns that an image (row, col) at its best gain leaves (0..1)."""
    first, last = band.first_column, band.last_column
    samples = samples.columns(first, last)
    predicted = samples.encoded(torch.from_numpy(image[:, first:last].T.copy())[None])[:, 0].flatten()
    measured = samples.samples.flatten()
    energies = float(predicted.abs().square().sum() * measured.abs().square().sum())
    return 1.0 - float(torch.vdot(predicted, measured).abs()) ** 2 / energies if energies > 0 else 1.0
