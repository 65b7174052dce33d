"""Which end of the guide explains the samples: the posterior over its depth and its course.

A guide that ends at some depth hides the tissue under it and shows gel up to its cap. The gel's signal is a linear
nuisance with a Gaussian prior, integrated analytically (Bishop, Pattern Recognition and Machine Learning, 2006,
section 3.5), so that every depth and course has an evidence of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from InstrumentTrackerLib.localization.samples.guide_course import (
    FARTHEST_MM,
    GEL_TO_END_MM,
    NEAREST_MM,
    RADIUS_MM,
    inside,
)
from InstrumentTrackerLib.localization.samples.guide_gel import GelBasis
from InstrumentTrackerLib.localization.samples.sample_band import SampleBand
from InstrumentTrackerLib.localization.samples.sample_information import ALIKE_COLUMNS, WhitenedSamples

# Depths and courses are tried coarsely everywhere, then finely about the best.
COARSE_MM, FINE_MM, FINE_REACH_MM = 4.0, 1.0, 4.0
COARSE_OFFSETS_MM = np.array([-1.5, 0.0, 1.5])
# Offset (mm) and turn (degrees) from the best coarse course.
FINE_COURSES = ((0.0, 0.0), (-0.75, 0.0), (0.75, 0.0), (0.0, -0.75), (0.0, 0.75))
# Depths less likely than the best by so much are out of the question after the coarse search (nats, tempered).
DISMISSED = 7.5
# Expected spread of the course about the picture's, which turns about a point this far from its end.
OFFSET_STD_MM, TURN_STD_DEG, PIVOT_MM = 1.2, 1.0, -20.0
# A hand moves the guide by less than this from frame to frame; anything else is rare.
HAND_STD_MM, HAND_REACH_MM, JUMP_PROBABILITY = 8.0, 24.0, 0.03
# Evidence is worth so much less where depths are compared, for tissue that moved is wrong for many of them alike; the
# more so, the more is left unexplained.
TEMPERATURE = 4.0
# So often the model is none of what is there, however sure of itself: of 1,076 ends that the samples held for 0.8 or
# more likely in 20 simulated series of development 13 were more than 5 mm off, of the 38 that a picture contradicted
# 10.
MISTAKEN = 0.03

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ExpectedEnd:
    """Where a guide that is followed ends, as far as a hand has moved it since.

    Attributes
    ----------
    depth
        mm beyond the picture's end.
    n_frames
        Since its samples told of it.
    """

    depth: float
    n_frames: int = 1

    @property
    def reach_mm(self) -> float:
        return HAND_REACH_MM * self.n_frames

    def density(self, depth: Array) -> Array:
        """Per mm."""
        std_mm = HAND_STD_MM * self.n_frames
        by_hand = np.exp(-0.5 * ((depth - self.depth) / std_mm) ** 2) / (std_mm * np.sqrt(2 * np.pi))
        return np.asarray((1 - JUMP_PROBABILITY) * by_hand + JUMP_PROBABILITY / (FARTHEST_MM - NEAREST_MM))


@dataclass(frozen=True)
class StatedEnd:
    """Where something else says that the guide ends: near ``depth`` with a normal error, or anywhere if it is wrong.

    Attributes
    ----------
    depth, std_mm
        mm beyond the picture's end, and its spread.
    certainty
        Probability (0..1) that it is right.
    """

    depth: float
    std_mm: float
    certainty: float

    def density(self, depth: Array) -> Array:
        """Per mm, before the samples are asked."""
        offset = (depth - self.depth) / self.std_mm
        near = np.exp(-0.5 * offset**2) / (self.std_mm * np.sqrt(2 * np.pi))
        return np.asarray(self.certainty * near + (1 - self.certainty) / (FARTHEST_MM - NEAREST_MM))


@dataclass(frozen=True)
class End:
    """Where the guide ends, all in all.

    Attributes
    ----------
    depth, variance
        mm beyond the picture's end, and mm2.
    probability
        Of what lies near it.
    """

    depth: float
    variance: float
    probability: float


@dataclass(frozen=True, eq=False)
class GuidePosterior:
    """What the samples of one frame say about the guide's end.

    Attributes
    ----------
    depth
        mm beyond the picture's end, ascending, (depth,); finer where it is likely.
    log_evidence
        Over that of tissue alone, with the prior of the course, (course, depth).
    log_prior
        Of each depth, (depth,).
    gel
        complex (gel,), of the likeliest.
    misfit
        Mean energy of the whitened residual that the likeliest leaves; 1 is noise and the expected errors.
    """

    depth: Array
    log_evidence: Array
    log_prior: Array
    gel: NDArray[np.complex128]
    misfit: float

    @property
    def temperature(self) -> float:
        """By which evidence is divided before it becomes a probability."""
        return _temperature(self.misfit)

    @property
    def likeliest(self) -> float:
        """Depth, mm."""
        log_joint = self.log_evidence / self.temperature + self.log_prior
        return float(self.depth[log_joint.max(axis=0).argmax()])

    @property
    def evidence(self) -> float:
        """Of the likeliest, nats over tissue alone."""
        return float(self.log_evidence.max())

    def evidence_near(self, depth: float, within_mm: float) -> float:
        """At most that of the best end this near to a depth, nats over tissue alone.

        Ends that were dismissed after the coarse search may have any evidence up to where they were dismissed.
        """
        near = np.abs(self.depth - depth) <= within_mm
        return float(self.log_evidence[:, near].max(initial=self.evidence - DISMISSED * self.temperature))

    def end(self, within_mm: float, stated: StatedEnd | None = None) -> End:
        """The mean of what lies this near to the likeliest depth, by the samples and what is stated besides.

        Where the two are put together, the samples too may be wrong, with a probability of ``MISTAKEN``.
        """
        depth, width = self.depth, _widths(self.depth)
        log_joint = logsumexp(self.log_evidence / self.temperature, axis=0) + self.log_prior
        density = np.exp(log_joint - log_joint.max())
        density /= density @ width
        if stated is not None:
            # It may lie between two depths that were tried coarsely, or where none was worth a second look.
            finer = np.union1d(depth, stated.depth + np.arange(-COARSE_MM, COARSE_MM + FINE_MM / 2, FINE_MM))
            is_tried = np.abs(finer[:, None] - depth).min(axis=1) < COARSE_MM
            density = np.where(is_tried, np.interp(finer, depth, density), 0.0)
            density = ((1 - MISTAKEN) * density + MISTAKEN / (FARTHEST_MM - NEAREST_MM)) * stated.density(finer)
            depth, width = finer, _widths(finer)
        share = density * width
        near = np.abs(depth - depth[density.argmax()]) <= within_mm
        total = float(share[near].sum())
        mean = float(share[near] @ depth[near]) / total
        variance = float(share[near] @ (depth[near] - mean) ** 2) / total
        return End(mean, variance, total / float(share.sum()))


class GuideSearch:
    """Scores ends and courses against the whitened samples of one slice.

    Parameters
    ----------
    basis, prior
        Shapes of the gel, and mean and standard deviation of their weights, (gel,), on the scale of the picture.
    expected
        Where the guide is expected, None where nothing is.
    """

    def __init__(
        self,
        white: WhitenedSamples,
        band: SampleBand,
        basis: GelBasis,
        prior: tuple[NDArray[np.complex128], Array],
        expected: ExpectedEnd | None,
    ) -> None:
        self._white, self._band, self._basis = white, band, basis
        # What the samples say about the band lies in the space that its pixels span, often much the smaller one.
        space, triangle = torch.linalg.qr(white.signature)
        self._transform = triangle.transpose(1, 2).contiguous()
        self._residual = (space.mH @ white.residual[..., None]).flatten()
        self._prior = (
            torch.from_numpy(prior[0].astype(np.complex64)),
            torch.from_numpy((1.0 / prior[1] ** 2).astype(np.float32)),
        )
        self._expected = expected

    def posterior(self) -> GuidePosterior:
        """Of all depths and courses.

        Raises
        ------
        torch.linalg.LinAlgError
            If the samples and priors determine nothing.
        """
        residual = self._white.residual
        energy = float(residual.abs().square().sum())
        # Noise is not counted as new in every column, as it is for the needle: what differs from remembered tissue, the
        # pushed and the brightened, is alike in them, and counting it made wrong ends too sure.
        weight = self._band.step / (ALIKE_COLUMNS * max(energy / residual.numel(), 1.0))
        depth = self._tried()
        coarse = np.stack([self._evidence(offset, 0.0, depth, weight)[0] for offset in COARSE_OFFSETS_MM])
        course, index = np.unravel_index(coarse.argmax(), coarse.shape)
        # What the likeliest guide leaves unexplained is the level of the errors.
        misfit = max(energy - float(coarse.max()) / weight, 0.0) / residual.numel()
        weight = self._band.step / (ALIKE_COLUMNS * max(misfit, 1.0))
        possible = depth[coarse.max(axis=0) > coarse.max() - DISMISSED * _temperature(misfit)]
        fine = depth[index] + np.arange(-FINE_REACH_MM, FINE_REACH_MM + FINE_MM / 2, FINE_MM)
        depth = np.union1d(possible, fine)
        # Where the guide is followed, its line is well known and does not turn.
        fine_courses = FINE_COURSES if self._expected is None else FINE_COURSES[:3]
        tried = [(COARSE_OFFSETS_MM[course] + offset, turn) for offset, turn in fine_courses]
        scored = [self._evidence(offset, turn, depth, weight) for offset, turn in tried]
        evidence = np.stack([log_evidence for log_evidence, _ in scored])
        course, index = np.unravel_index(evidence.argmax(), evidence.shape)
        gel = scored[int(course)][1][int(index)].numpy().astype(np.complex128)
        return GuidePosterior(depth, evidence, self._log_prior(depth), gel, misfit)

    def _tried(self) -> Array:
        """Depths of the coarse search: all, or where a hand can have moved a known guide."""
        depth = np.arange(NEAREST_MM, FARTHEST_MM + COARSE_MM / 2, COARSE_MM)
        if self._expected is None:
            return depth
        near = np.abs(depth - self._expected.depth) <= self._expected.reach_mm
        return depth[near] if near.sum() > 1 else depth

    def _log_prior(self, depth: Array) -> Array:
        return np.zeros(depth.size) if self._expected is None else np.log(self._expected.density(depth))

    def _evidence(self, offset: float, turn_deg: float, depth: Array, weight: float) -> tuple[Array, torch.Tensor]:
        """Log evidence (depth,) of a course, and the gel's likeliest weights (depth, gel)."""
        along = self._band.along
        across = self._band.across - offset - np.tan(np.radians(turn_deg)) * (along - PIVOT_MM)
        shapes = torch.from_numpy(self._basis.shapes(across))
        width = inside(RADIUS_MM - np.abs(across))
        covered = torch.from_numpy((inside(depth[:, None, None] - along) * width).astype(np.float32))
        gram, score = self._projected(shapes, self._encoded(covered * self._white.image), depth)
        mean, precision = self._prior
        matrix = weight * gram[:, :-1, :-1] + torch.diag(precision)
        right = weight * (score[:, :-1] + gram[:, :-1, -1]) + precision * mean
        factor = torch.linalg.cholesky(matrix)
        weights = torch.cholesky_solve(right[..., None], factor)[..., 0]
        evidence = (right.conj() * weights).sum(dim=1).real
        evidence -= weight * (2 * score[:, -1].real + gram[:, -1, -1].real)
        evidence -= 2 * factor.diagonal(dim1=1, dim2=2).real.log().sum(dim=1)
        evidence += precision.log().sum() - (precision * mean.abs().square()).sum()
        unusual = (offset / OFFSET_STD_MM) ** 2 + (turn_deg / TURN_STD_DEG) ** 2
        return evidence.numpy().astype(np.float64) - 0.5 * unusual, weights

    def _projected(self, shapes: torch.Tensor, hidden: torch.Tensor, depth: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """Products of gel shapes and hidden tissue with each other, (depth, gel + 1, gel + 1), and with the residual.

        The end cuts the shapes of the two knots about it; those before are whole, those beyond are not there. So most
        products are the same for all depths.
        """
        n_gel, n_lines = shapes.shape[0], shapes.shape[0] // len(self._basis.knots)
        ends = depth - GEL_TO_END_MM
        first = np.clip(np.searchsorted(self._basis.knot_mm, ends, side="right") - 1, 0, len(self._basis.knots) - 2)
        cut = torch.from_numpy(first * n_lines)[:, None] + torch.arange(2 * n_lines)
        before = torch.from_numpy(inside(ends[:, None, None] - self._band.along).astype(np.float32))
        whole = self._encoded(shapes)
        partial = self._encoded((shapes[cut] * before[:, None]).flatten(0, 1)).unflatten(0, cut.shape)
        partial = torch.cat([partial, hidden[:, None]], dim=1)
        among_whole = whole.conj() @ whole.T
        with_whole = partial.conj() @ whole.T
        among_partial = partial.conj() @ partial.transpose(1, 2)
        whole_score, partial_score = whole.conj() @ self._residual, partial.conj() @ self._residual
        of = torch.arange(len(depth))[:, None]
        at = torch.cat([cut, torch.full((len(depth), 1), n_gel)], dim=1)
        # What the end leaves whole is set first, rows and columns of what it cuts after it.
        known = torch.arange(n_gel) < torch.from_numpy(first * n_lines)[:, None]
        mixed = with_whole * known[:, None]
        gram = torch.zeros(len(depth), n_gel + 1, n_gel + 1, dtype=torch.complex64)
        gram[:, :-1, :-1] = among_whole * (known[:, :, None] & known[:, None])
        gram[of, at, :-1] = mixed
        gram[of, :-1, at] = mixed.conj()
        gram[of[..., None], at[:, :, None], at[:, None]] = among_partial
        score = torch.zeros(len(depth), n_gel + 1, dtype=torch.complex64)
        score[:, :-1] = whole_score * known
        score[of, at] = partial_score
        return gram, score

    def _encoded(self, images: torch.Tensor) -> torch.Tensor:
        """Whitened samples (image, sample) of images (image, col, row) in the band."""
        seen = torch.nonzero((images != 0).any(dim=0).any(dim=0)).flatten()
        if not len(seen):
            return torch.zeros(images.shape[0], self._residual.numel(), dtype=torch.complex64)
        rows = slice(int(seen[0]), int(seen[-1]) + 1)
        by_column = images[..., rows].transpose(0, 1).to(torch.complex64)
        return (by_column @ self._transform[:, rows]).transpose(0, 1).flatten(1)


def _temperature(misfit: float) -> float:
    return TEMPERATURE * max(misfit, 1.0)


def _widths(depth: Array) -> Array:
    """mm for which each of the depths stands; those between far ones were dismissed."""
    return np.asarray(np.minimum(np.gradient(depth), COARSE_MM))
