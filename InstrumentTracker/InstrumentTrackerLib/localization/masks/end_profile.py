"""Where a profile along the axis ends: a smooth step fitted to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import erfc

# Probabilities of neighboring pixels are not independent over about this length.
CORRELATION_MM = 3.0
# Spread of a profile's values that no fit may undercut.
MIN_NOISE = 0.03
BEFORE_MM, BEYOND_MM = 16.0, 10.0
WIDTH_LIMITS_MM = (0.2, 6.0)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EndFit:
    """The end of something along a line.

    Attributes
    ----------
    position
        mm on the line where half of the step is reached.
    std_mm
        Its standard deviation as the fit states it.
    width_mm
        Standard deviation of the smooth step: how sharp the end is.
    height
        Level before the end less level behind it.
    """

    position: float
    std_mm: float
    width_mm: float
    height: float


def longest_run(values: Array) -> tuple[int, int, float]:
    """First and last index of the stretch with the greatest sum of (value - half of the plateau), and that sum.

    A gap costs what its absence would have gained, so that a dropout is bridged and a blob far beyond is not joined
    (Bentley, Programming Pearls, CACM 27, 1984).
    """
    gain = values - plateau(values) / 2
    total = np.concatenate([[0.0], np.cumsum(gain)])
    lowest = np.minimum.accumulate(total[:-1])
    last = int(np.argmax(total[1:] - lowest))
    first = int(np.argmin(total[: last + 1]))
    return first, last, float(total[last + 1] - total[first])


def plateau(values: Array) -> float:
    """Greatest mean over ten neighboring samples."""
    n = min(10, values.size)
    total = np.concatenate([[0.0], np.cumsum(values)])
    return float((total[n:] - total[:-n]).max() / n)


def fit_end(along: Array, values: Array, start: float) -> EndFit | None:
    """Fit a Gaussian-smoothed step down near ``start``; None where too little of it is seen.

    Least squares over level before, level behind, position and width.

    Parameters
    ----------
    along, values
        Equally spaced positions in mm, and the profile.
    """
    near = (along >= start - BEFORE_MM) & (along <= start + BEYOND_MM)
    u, v = along[near], values[near]
    if u.size < 8 or not u[2] < start < u[-3]:
        return None
    before, behind = v[u <= start], v[u > start]
    guess = np.array([start, np.log(1.0), np.median(before), np.median(behind)])
    lower = [u[0], np.log(WIDTH_LIMITS_MM[0]), 0.0, 0.0]
    upper = [u[-1], np.log(WIDTH_LIMITS_MM[1]), 1.05, 1.0]
    fit = least_squares(
        lambda parameters: _step(u, *parameters) - v,
        np.clip(guess, np.add(lower, 1e-6), np.subtract(upper, 1e-6)),
        jac=lambda parameters: _step_derivatives(u, *parameters),
        bounds=(lower, upper),
        max_nfev=30,
    )
    position, log_width, high, low = fit.x
    if high - low < 0.05:
        return None
    spacing = u[1] - u[0]
    noise = max(float(np.mean(fit.fun**2)), MIN_NOISE**2) * max(1.0, CORRELATION_MM / spacing)
    # A little ridge: the width of a step sharper than the spacing is not determined.
    covariance = np.linalg.inv(fit.jac.T @ fit.jac + np.diag([1e-9, 1e-3, 1e-9, 1e-9])) * noise
    return EndFit(float(position), float(np.sqrt(covariance[0, 0])), float(np.exp(log_width)), float(high - low))


def _step(u: Array, position: float, log_width: float, high: float, low: float) -> Array:
    return np.asarray(low + (high - low) * 0.5 * erfc((u - position) / (np.sqrt(2) * np.exp(log_width))))


def _step_derivatives(u: Array, position: float, log_width: float, high: float, low: float) -> Array:
    width = np.exp(log_width)
    z = (u - position) / width
    bell = (high - low) * np.exp(-0.5 * z * z) / (np.sqrt(2 * np.pi) * width)
    share = 0.5 * erfc(z / np.sqrt(2))
    return np.stack([bell, bell * z * width, share, 1 - share], axis=1)
