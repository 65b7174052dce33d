"""Whether pixels that claim to be big-endian are little-endian in truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MAX_SAMPLES = 65_536
# Swapped low bytes look like noise; a claim is overruled only where the other reading is much smoother.
_MUCH_SMOOTHER = 0.5
# Small integers read in the wrong order are 256 or 65536 times as large; no image shrinks this much by chance, because
# it would need pixels whose low bytes are nearly all zero.
_MUCH_SMALLER = 1 / 16
# No signal in any unit has magnitudes outside this range.
_SMALLEST, _LARGEST = 1e-30, 1e30
# Binary orders of magnitude: real signals spread over far fewer, byte-swapped ones over about 70.
_DISORDER = 20.0


def looks_byte_swapped(claimed: NDArray, n_components: int = 1) -> bool:
    """True where the pixels make sense only in the byte order they do not claim.

    Floats are judged by the disorder of their exponents; integers by their size, and where that tells nothing by
    their roughness along the rows. Bytes that fit both orders (1 and 256) are taken for the smaller number.

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
            return _is_swapped_integer(values, other)
        disorder = _disorder(values)
        return disorder > _DISORDER and _disorder(other) < 0.5 * disorder


def _is_swapped_integer(claimed: NDArray, other: NDArray) -> bool:
    size = np.abs(claimed.astype(np.float64))
    # FF 00 is 255 or -256, and the latter only looks small.
    is_byte = (other >= 0) & (other < 256)
    size[is_byte] = claimed[is_byte].view(f"{claimed.dtype.byteorder}u{claimed.dtype.itemsize}")
    other_size = np.abs(other.astype(np.float64))
    # Saturated signed pixels are 7F FF: the other reading, -129, only looks small.
    is_saturated = claimed == np.iinfo(claimed.dtype).max
    other_size[is_saturated] = size[is_saturated]
    mean, other_mean = size.mean(), other_size.mean()
    if other_mean < _MUCH_SMALLER * mean:
        return True
    if mean < _MUCH_SMALLER * other_mean:
        return False
    return _roughness(other) < _MUCH_SMOOTHER * _roughness(claimed)


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
