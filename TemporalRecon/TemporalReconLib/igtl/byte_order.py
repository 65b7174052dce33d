"""Whether pixels that claim to be big-endian are little-endian in truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MAX_SAMPLES = 65_536
# Swapped low bytes look like noise; a claim is overruled only where the other reading is much smoother.
_MUCH_SMOOTHER = 0.5
# No signal in any unit has magnitudes outside this range.
_SMALLEST, _LARGEST = 1e-30, 1e30
# Binary orders of magnitude: real signals spread over far fewer, byte-swapped ones over about 70.
_DISORDER = 20.0


def looks_byte_swapped(claimed: NDArray, n_components: int = 1) -> bool:
    """True where the pixels make sense only in the byte order they do not claim.

    Floats are judged by the disorder of their exponents, integers by their roughness along the rows.

    Parameters
    ----------
    claimed
        Pixels in the claimed byte order.
    n_components
        Interleaved components per pixel; neighbours are compared within a component.
    """
    if claimed.dtype.itemsize == 1:
        return False
    values = claimed.reshape(-1, n_components)
    first = max(0, (len(values) - _MAX_SAMPLES // n_components) // 2)
    values = values[first : first + max(2, _MAX_SAMPLES // n_components)]
    other = values.view(values.dtype.newbyteorder())
    with np.errstate(invalid="ignore", over="ignore"):  # the wrong reading of floats is full of NaN
        if values.dtype.kind != "f":
            return _roughness(other) < _MUCH_SMOOTHER * _roughness(values)
        disorder = _disorder(values)
        return disorder > _DISORDER and _disorder(other) < 0.5 * disorder


def _disorder(values: NDArray) -> float:
    """Standard deviation of the exponents, plus 100 times the fraction of values that cannot be a signal."""
    magnitude = np.abs(values[values != 0].astype(np.float64))
    if magnitude.size == 0:
        return 0.0
    plausible = (magnitude > _SMALLEST) & (magnitude < _LARGEST)
    exponents = np.frexp(magnitude[np.isfinite(magnitude)])[1]
    return float(100.0 * np.mean(~plausible)) + (float(exponents.std()) if exponents.size else 0.0)


def _roughness(values: NDArray) -> float:
    """Mean step between neighbours over the standard deviation; about 1.1 for noise, less for images."""
    samples = values.astype(np.float64)
    deviation = float(samples.std())
    return 0.0 if deviation == 0.0 else float(np.abs(np.diff(samples, axis=0)).mean()) / deviation
