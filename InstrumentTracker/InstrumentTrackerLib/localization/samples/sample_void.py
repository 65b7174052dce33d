"""Which needle explains the samples: the posterior over its depth and its course."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.samples.sample_band import SampleBand
from InstrumentTrackerLib.localization.samples.sample_course import RADIUS_MM, sag_of
from InstrumentTrackerLib.localization.samples.sample_information import OpacityInformation

# The void shows beyond the guide's cap.
FIRST_MM, STEP_MM = CAP_REACH_MM + 0.5, 0.5
# Interpolation of the posterior.
FINE_STEPS, LEAST_PROBABILITY = 201, 1e-12
# How far beyond the known tip and beyond the guide a tip is looked for.
BEYOND_MM, MAX_REACH_MM = 33.0, 46.0
# Blur of the void's edges by pixels.
EDGE_MM = 1.1
# Courses next to the expected one: offset at the guide, additional bend at 30 mm; with their expected spread.
OFFSETS_MM, OFFSET_STD_MM = np.arange(-2.0, 2.1, 0.5), 0.8
BENDS_MM, BEND_STD_MM = np.arange(-2.4, 2.5, 0.8), 1.2
# Opacity of a void that fills the slice. More than all stands for one that is wider: pixels hardly tell the two apart.
OPACITY, OPACITY_STD, MAX_OPACITY = 0.95, 0.3, 1.5
# A hand moves the needle by less than this within a frame; anything else is a jump, which is rare, but not so rare that
# tempered samples could not tell one.
HAND_MM, JUMP_PROBABILITY = 6.0, 0.1
# Probability that there is no void, where a needle is known and where none is.
GONE_PROBABILITY, NONE_PROBABILITY = 0.02, 0.95
# What the log likelihood is divided by, where a needle is known and where none is: tissue errs more, and more like a
# needle, than the background's errors allow, above all tissue that a guide on its way pushes. In four runs over seven
# or eight simulated series of development (R = 16 and 25, two paces) the true depth, where the needle was known right,
# was likeliest at 2 to 4; the true depth, or that no needle was out, where none was known at 8 or more.
KNOWN_TEMPERATURE, FIRST_TEMPERATURE = 2.0, 8.0

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VoidPosterior:
    """What is known of the needle's tip from the samples of one frame.

    Attributes
    ----------
    depth
        mm from the guide tip along the line, (depth,).
    log_likelihood
        Over that of no needle, (depth,), the best course for each depth; tempered.
    probability
        Of each depth and course, (course, depth); with that of no needle they sum to 1.
    across
        Offset of the tip from the expected course for each course and depth, (course, depth), mm.
    """

    depth: Array
    log_likelihood: Array
    probability: Array
    across: Array

    def probability_within(self, depth: float, mm: float) -> float:
        """That the tip lies this near to a depth."""
        return float(self.probability[:, np.abs(self.depth - depth) <= mm].sum())

    def moments(self, depth: float, within_mm: float) -> tuple[Array, Array]:
        """Mean (2,) and covariance (2, 2) of (depth, across) near a depth.

        The log probability of the depth is interpolated: the samples may tell it finer than it is tried.
        """
        near = np.abs(self.depth - depth) <= within_mm
        tried, weight = self.depth[near], self.probability[:, near]
        by_depth = weight.sum(axis=0)
        fine = np.linspace(tried[0], tried[-1], FINE_STEPS)
        logarithm = np.log(np.maximum(by_depth / by_depth.max(), LEAST_PROBABILITY))
        share = np.exp(CubicSpline(tried, logarithm)(fine)) if tried.size > 1 else np.ones(fine.size)
        share /= share.sum()
        mean_depth = float(share @ fine)
        variance = float(share @ (fine - mean_depth) ** 2)
        weight = weight / weight.sum()
        across = self.across[:, near]
        mean_across = float((weight * across).sum())
        beside = across - mean_across
        slope = float((weight * beside * (tried - weight.sum(axis=0) @ tried)).sum())
        spread = float(weight.sum(axis=0) @ (tried - weight.sum(axis=0) @ tried) ** 2)
        slope = slope / spread if spread > 0 else 0.0
        rest = max(float((weight * beside**2).sum()) - slope**2 * spread, 0.0)
        covariance = np.array([[variance, slope * variance], [slope * variance, rest + slope**2 * variance]])
        return np.array([mean_depth, mean_across]), covariance


def void_posterior(
    seen: list[tuple[OpacityInformation, float]], band: SampleBand, needle_mm: float | None
) -> VoidPosterior:
    """Score every depth and course.

    Parameters
    ----------
    seen
        What each slice says of the band's pixels, and how much of its thickness the needle should fill (0..1).
    needle_mm
        Expected reach beyond the guide tip, None where no needle is known.
    """
    last = min(max(needle_mm or 0.0, FIRST_MM) + BEYOND_MM, MAX_REACH_MM)
    depth = np.arange(FIRST_MM, last + STEP_MM / 2, STEP_MM)
    offsets, bends = (grid.ravel() for grid in np.meshgrid(OFFSETS_MM, BENDS_MM, indexing="ij"))
    course = offsets[:, None, None] + bends[:, None, None] * sag_of(band.along)
    beside = _inside(RADIUS_MM - np.abs(band.across - course))
    before = _inside(depth[:, None, None] - band.along)
    excess = np.zeros((offsets.size, depth.size))
    for information, share in seen:
        excess += _log_likelihood(information, beside, before, OPACITY * share)
    excess /= FIRST_TEMPERATURE if needle_mm is None else KNOWN_TEMPERATURE
    log_prior = -0.5 * ((offsets / OFFSET_STD_MM) ** 2 + (bends / BEND_STD_MM) ** 2)
    log_prior -= np.log(np.exp(log_prior).sum())
    log_joint = excess + log_prior[:, None] + np.log(_depth_prior(depth, needle_mm))
    gone = NONE_PROBABILITY if needle_mm is None else GONE_PROBABILITY
    log_joint += math.log(1 - gone)
    top = max(float(log_joint.max()), math.log(gone))
    joint, nothing = np.exp(log_joint - top), math.exp(math.log(gone) - top)
    across = offsets[:, None] + bends[:, None] * sag_of(depth)
    return VoidPosterior(depth, excess.max(axis=0), joint / (joint.sum() + nothing), across)


def _inside(distance: Array) -> NDArray[np.float32]:
    return np.clip(distance / EDGE_MM + 0.5, 0, 1).astype(np.float32)


def _log_likelihood(
    seen: OpacityInformation, beside: NDArray[np.float32], before: NDArray[np.float32], opacity: float
) -> Array:
    """Over that of no needle, (course, depth), with the likeliest opacity of each.

    Parameters
    ----------
    beside, before
        (course, col, row) and (depth, col, row), whose product is the void.
    """
    n_courses, n_depths = beside.shape[0], before.shape[0]
    linear = (beside * seen.score).reshape(n_courses, -1) @ before.reshape(n_depths, -1).T
    quadratic = np.zeros((n_courses, n_depths))
    by_column = np.ascontiguousarray(before.transpose(1, 2, 0))
    for column, information in enumerate(seen.information):
        shape = beside[:, column]
        weighted = shape[:, :, None] * information * shape[:, None, :]
        quadratic += ((weighted @ by_column[column]) * by_column[column]).sum(axis=1)
    prior = 0.5 / OPACITY_STD**2
    best = np.clip((linear + prior * opacity) / (quadratic + prior), 0, MAX_OPACITY)
    return np.asarray((2 * linear - best * quadratic) * best - prior * (best - opacity) ** 2)


def _depth_prior(depth: Array, needle_mm: float | None) -> Array:
    flat = np.full(depth.size, 1.0 / depth.size)
    if needle_mm is None:
        return flat
    by_hand = (np.abs(depth - needle_mm) <= HAND_MM).astype(np.float64)
    if not by_hand.any():
        return flat
    return (1 - JUMP_PROBABILITY) * by_hand / by_hand.sum() + JUMP_PROBABILITY * flat
