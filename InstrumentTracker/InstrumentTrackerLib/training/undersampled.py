"""Artefacts of undersampling made in a millisecond: lines of now among lines of before, or none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.training.intensities import smooth_field

Array = NDArray[np.float32]

_FULLY_SAMPLED = 0.55


def undersampled(generator: np.random.Generator, now: Array, before: Array) -> Array:
    """A reconstruction (slice, row, col) that may be good, shared with earlier frames, aliased, or a failure.

    The phase of the object is smooth and random; the missing lines are those of ``before``, nothing, or a weaker
    copy of ``now`` (a reconstruction that nearly succeeds).
    """
    if generator.random() < _FULLY_SAMPLED:
        return now
    phase = np.exp(1j * generator.uniform(0, 2.0) * smooth_field(generator, now.shape[1:], 60))
    spectrum, earlier = (np.fft.fft(image * phase, axis=-2, norm="ortho") for image in (now, before))
    n_lines = now.shape[-2]
    mask = _random_mask(generator, n_lines, now.shape[0])[..., None]
    draw = generator.random()
    filling = earlier if draw < 0.5 else np.zeros_like(earlier)
    if draw >= 0.75:
        filling = generator.uniform(0.4, 0.95) * spectrum + generator.uniform(0.0, 0.5) * (earlier - spectrum)
    image = np.abs(np.fft.ifft(np.where(mask, spectrum, filling), axis=-2, norm="ortho"))
    return np.asarray(image, dtype=np.float32)


def _random_mask(generator: np.random.Generator, n_lines: int, n_slices: int) -> NDArray[np.bool_]:
    """(slice, ky) in the order of the FFT: a center that is always there, lines at random outside of it."""
    share = float(np.exp(generator.uniform(np.log(0.08), np.log(0.8))))
    center = generator.uniform(0.02, 0.2)
    frequency = np.abs(np.fft.fftfreq(n_lines))
    density = share * np.exp(-frequency / generator.uniform(0.15, 0.8))
    density *= share / max(float(density.mean()), 1e-6)
    return np.asarray((generator.random((n_slices, n_lines)) < density) | (frequency < center / 2))
