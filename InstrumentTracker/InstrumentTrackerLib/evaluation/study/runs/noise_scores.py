"""How noisy a picture is beside the fully sampled one, and how well the instrument stands out.

Noise is what differs from the reference: the difference method (Dietrich et al., J Magn Reson Imaging 26:375, 2007)
with the fully sampled picture as the second one. In pictures of an undersampled scan it holds aliasing and blur as well
as thermal noise. A signal-free corner would say nothing: regularized and learned methods empty it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Row = dict[str, float]

# Tissue is brighter than this share of the picture's 99th percentile.
_TISSUE_SHARE = 0.15
# Around the instrument: its blurred edge belongs to neither; what follows is its surroundings.
_EDGE_MM, _AROUND_MM = 2.0, 10.0
SPECTRUM_BINS = 16
_DIGITS = 5


def noise_scores(picture: Image, reference: Image, instrument: Mask | None, spacing_mm: tuple[float, ...]) -> Row:
    """Noise and SNR of the tissue, CNR of the instrument; what is not defined is left out.

    ``noise``: standard deviation of picture minus reference in the tissue, in units of the tissue's mean signal.
    ``snr``: mean of the picture over that deviation. ``cnr``: mean of the instrument minus mean of the tissue up to
    10 mm around it, without sign, over the deviation there.

    Parameters
    ----------
    picture, reference
        (slice, row, col) at one scale.
    instrument
        Of the same shape, None where it is not known.
    spacing_mm
        In the same order.
    """
    tissue = _tissue(reference)
    distance = None
    if instrument is not None and instrument.any():
        distance = ndimage.distance_transform_edt(~instrument, sampling=spacing_mm)
        tissue &= distance > _AROUND_MM
    level = _mean(reference, tissue)
    difference = picture.astype(np.float64) - reference
    if level <= 0 or np.ptp(difference[tissue]) == 0:
        return {}
    deviation = float(difference[tissue].std())
    row = {"noise": deviation / level, "snr": float(picture[tissue].mean()) / deviation}
    if distance is not None and instrument is not None:
        around = (distance > _EDGE_MM) & (distance <= _AROUND_MM) & (reference > 0)
        spread = float(difference[around].std()) if around.any() else 0.0
        if spread > 0:
            row["cnr"] = abs(float(picture[instrument].mean() - picture[around].mean())) / spread
    return {name: round(value, _DIGITS) for name, value in row.items()}


def noise_spectrum(picture: Image, reference: Image, pixel_mm: tuple[float, float]) -> list[float]:
    """Noise power spectrum of the middle of the slices, radially averaged, mm^2.

    Of picture minus reference in units of the tissue's mean signal, in a Hann window over the middle half of rows and
    columns (Siewerdsen et al., Med Phys 29:2655, 2002). White noise of standard deviation s has ``s^2 * pixel area`` in
    every bin.

    Parameters
    ----------
    pixel_mm
        (row, column) spacing.

    Returns
    -------
    Mean of the bins from 0 to the Nyquist frequency of the coarser spacing; empty without tissue.
    """
    level = tissue_level(reference)
    if level <= 0:
        return []
    n_rows, n_columns = reference.shape[1:]
    middle = (slice(None), slice(n_rows // 4, n_rows - n_rows // 4), slice(n_columns // 4, n_columns - n_columns // 4))
    difference = (picture[middle].astype(np.float64) - reference[middle]) / level
    difference -= difference.mean(axis=(1, 2), keepdims=True)
    window = np.outer(*(signal.windows.hann(size, sym=False) for size in difference.shape[1:]))
    power = np.abs(fft.fft2(difference * window)) ** 2 / (window**2).sum() * pixel_mm[0] * pixel_mm[1]
    frequencies = np.hypot(
        *np.meshgrid(*(fft.fftfreq(n, mm) for n, mm in zip(difference.shape[1:], pixel_mm, strict=True)), indexing="ij")
    )
    bins = (frequencies * 2 * max(pixel_mm) * SPECTRUM_BINS).astype(int)
    # The mean was taken out; what lies in the corners is beyond the Nyquist frequency of one direction.
    is_in = (frequencies > 0) & (bins < SPECTRUM_BINS)
    counts = np.bincount(bins[is_in], minlength=SPECTRUM_BINS)
    sums = np.bincount(bins[is_in], weights=power.mean(axis=0)[is_in], minlength=SPECTRUM_BINS)
    return [float(f"{value:.4g}") for value in sums / np.maximum(counts, 1)]


def tissue_level(reference: Image) -> float:
    """Mean signal of the tissue; 0 without any."""
    return _mean(reference, _tissue(reference))


def _mean(picture: Image, region: Mask) -> float:
    return float(picture[region].mean()) if region.any() else 0.0


def _tissue(reference: Image) -> Mask:
    return np.asarray(reference > _TISSUE_SHARE * np.percentile(reference, 99))
