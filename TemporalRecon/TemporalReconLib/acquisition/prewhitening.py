"""Noise scans turned into coils with independent noise of equal strength."""

from __future__ import annotations

import ismrmrd
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.errors import InputError

NOISE_FLAG = 1 << (ismrmrd.ACQ_IS_NOISE_MEASUREMENT - 1)
# Fewer samples tell the covariance of so many coils too badly.
MIN_SAMPLES_PER_COIL = 32


class Prewhitening:
    """Collects the lines of noise scans and whitens imaging lines with them.

    With y = sqrt(2) L^-1 x, where L L^H = E[x x^H] of the noise, real and imaginary part of every coil have unit noise
    (Kellman and McVeigh, MRM 54:1439, 2005), so that images are in units of their noise. A series keeps the noise that
    was known at its first line: its scale must not change on the way.
    """

    def __init__(self) -> None:
        self._sum: NDArray[np.complex128] | None = None
        self._n_samples = 0
        self._dwell_us = 0.0
        self._matrix: NDArray[np.complex64] | None = None

    def add_noise(self, samples: NDArray[np.complex64], dwell_us: float) -> None:
        """Take one line (coil, sample) of a noise scan; other coils than before begin a new scan.

        Raises
        ------
        InputError
            If samples are not finite; the line is left out.
        """
        if not np.all(np.isfinite(samples.view(np.float32))):
            raise InputError("MRD stream: NaN or infinite samples in a noise scan; the line is left out")
        noise = samples.astype(np.complex128)
        if self._sum is None or self._sum.shape[0] != noise.shape[0] or self._dwell_us != dwell_us:
            self._sum, self._n_samples = np.zeros((noise.shape[0],) * 2, dtype=np.complex128), 0
        self._sum += noise @ noise.conj().T
        self._n_samples += noise.shape[1]
        self._dwell_us = dwell_us

    def begin_series(self, n_coils: int, dwell_us: float) -> None:
        """Decide how the lines of a series are whitened; without a noise scan they stay as they are.

        Raises
        ------
        InputError
            If the noise scan cannot be used: too short, other coils, a coil without noise. The lines stay as they are.
        """
        self._matrix = None
        if self._sum is None:
            return
        if self._sum.shape[0] != n_coils:
            raise InputError(
                f"MRD stream: the noise scan has {self._sum.shape[0]} coils, the series {n_coils}; it is not used"
            )
        if self._n_samples < MIN_SAMPLES_PER_COIL * n_coils:
            raise InputError(
                f"MRD stream: a noise scan of {self._n_samples} samples is too short for {n_coils} coils; "
                "it is not used"
            )
        covariance = self._sum / self._n_samples
        power = np.diag(covariance).real
        if power.min() <= 1e-8 * power.max():
            raise InputError(
                f"MRD stream: coil {int(power.argmin())} has no noise in the noise scan, it seems to be off; "
                "the scan is not used"
            )
        # Noise power goes with the bandwidth, which may differ between the scans.
        bandwidth = self._dwell_us / dwell_us if self._dwell_us > 0.0 and dwell_us > 0.0 else 1.0
        try:
            root = np.linalg.cholesky(covariance * bandwidth)
        except np.linalg.LinAlgError:
            raise InputError(
                "MRD stream: the noise of the coils depends on each other completely; the noise scan is not used"
            ) from None
        self._matrix = (np.sqrt(2.0) * np.linalg.inv(root)).astype(np.complex64)

    def whitened(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """A line (coil, sample) with independent noise, or as it is.

        Raises
        ------
        InputError
            If it has other coils than the noise scan.
        """
        if self._matrix is None:
            return samples
        if samples.shape[0] != self._matrix.shape[0]:
            raise InputError(
                f"MRD stream: a line of {samples.shape[0]} coils after a noise scan of {self._matrix.shape[0]}; "
                "it is left out"
            )
        return np.asarray(self._matrix @ samples)
