"""How probable it is that a core of uncertain place touches a ball."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Nodes of the quadrature in each direction; beyond 8 standard deviations nothing is left.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
TAIL = 8.0
# Standard deviations below this are taken as this: a micrometer.
MIN_STD_MM = 1e-3


def sampling_probability(
    offset: Array, core: tuple[float, float], radius_mm: float, tip_covariance: Array, axis_covariance: Array
) -> float:
    """Probability that a straight core comes within ``radius_mm`` of a point.

    The tip is normally distributed, and so is the small error of the direction, independent of it, which shifts the
    core sideways by its angle times the distance from the tip. Given the depth of the point, its sideways offset from
    the core is a normal distribution in two dimensions; its share in a disk is integrated by Gauss-Legendre
    quadrature, and that over the depth. Deterministic; exact to 1e-4.

    Parameters
    ----------
    offset
        (across, across, along) mm from the tip to the point.
    core
        Begin and end along the axis from the tip, mm.
    tip_covariance
        (3, 3) mm2 in the same frame.
    axis_covariance
        (2, 2) rad2 of the direction across the axis.
    """
    depth_std = max(float(np.sqrt(tip_covariance[2, 2])), MIN_STD_MM)
    slope = tip_covariance[:2, 2] / depth_std**2
    given_depth = tip_covariance[:2, :2] - np.outer(slope, slope) * depth_std**2
    begin, end = core
    total = 0.0
    for low, high in ((begin - radius_mm, begin), (begin, end), (end, end + radius_mm)):
        low, high = max(low, offset[2] - TAIL * depth_std), min(high, offset[2] + TAIL * depth_std)
        if high <= low:
            continue
        depth = 0.5 * (low + high) + 0.5 * (high - low) * _NODES
        density = np.exp(-0.5 * ((depth - offset[2]) / depth_std) ** 2) / (np.sqrt(2 * np.pi) * depth_std)
        beyond = np.maximum(np.maximum(begin - depth, depth - end), 0.0)
        disk = np.sqrt(np.maximum(radius_mm**2 - beyond**2, 0.0))
        mean = offset[:2] - slope * (offset[2] - depth)[:, None]
        covariance = given_depth + depth[:, None, None] ** 2 * axis_covariance
        total += float(0.5 * (high - low) * _WEIGHTS @ (density * _in_disk(mean, covariance, disk)))
    return float(np.clip(total, 0.0, 1.0))


def _in_disk(mean: Array, covariance: Array, radius: Array) -> Array:
    """Share of normal distributions (n, 2), (n, 2, 2) within disks (n,) about the origin."""
    from scipy.special import ndtr  # takes 0.2 s to import; the panel does it when it is opened

    variances, axes = np.linalg.eigh(covariance)
    std = np.maximum(np.sqrt(np.maximum(variances, 0.0)), MIN_STD_MM)
    middle = np.einsum("nji,nj->ni", axes, mean)
    # x = radius sin(t) runs along the first axis, so that the half chord is radius cos(t).
    safe = np.maximum(radius, MIN_STD_MM)
    limits = [np.arcsin(np.clip((middle[:, 0] + side * TAIL * std[:, 0]) / safe, -1, 1)) for side in (-1, 1)]
    t = 0.5 * (limits[0] + limits[1])[:, None] + 0.5 * (limits[1] - limits[0])[:, None] * _NODES
    x, half = radius[:, None] * np.sin(t), radius[:, None] * np.cos(t)
    density = np.exp(-0.5 * ((x - middle[:, :1]) / std[:, :1]) ** 2) / (np.sqrt(2 * np.pi) * std[:, :1])
    chord = ndtr((half - middle[:, 1:]) / std[:, 1:]) - ndtr((-half - middle[:, 1:]) / std[:, 1:])
    return np.asarray(0.5 * (limits[1] - limits[0]) * ((density * chord * half) @ _WEIGHTS))
