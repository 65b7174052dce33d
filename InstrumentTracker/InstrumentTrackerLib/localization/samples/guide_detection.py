"""Where a guide has come into the slices, by the samples alone: a matched filter over all straight bars.

A guide hides the tissue under it, so a bar of opacity 1 explains the samples better than tissue alone. How much better
is quadratic in the bar's pixels; with the running sums of its two terms a bar costs a few additions per column, so that
all of them can be tried (generalized matched filter: Kay, Fundamentals of Statistical Signal Processing: Detection
Theory, 1998, chapter 4; summed-area tables: Crow, SIGGRAPH 1984).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from TemporalReconLib.reconstruction.temporal_memory import TemporalMemory
from torch.nn import functional

from InstrumentTrackerLib.localization.samples.guide_course import RADIUS_MM, GuideCourse
from InstrumentTrackerLib.localization.samples.guide_tissue import SAME_DEG, SAME_MM
from InstrumentTrackerLib.localization.samples.sample_background import SampleBackground, smooth_phase
from InstrumentTrackerLib.localization.samples.sample_band import SampleBand
from InstrumentTrackerLib.localization.samples.sample_information import WhitenedSamples, whiten
from InstrumentTrackerLib.localization.samples.sample_slice import SampleSlice
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

# Columns and rows are taken this far apart: a bar is 12 mm wide.
COLUMN_MM, ROW_MM = 4.4, 2.2
# The coils are compressed, the strongest first; the others add little to a search whose finds are asked again.
N_COILS = 3
# Lines are tried about the usual direction, where the slices are planned to show a guide: near the middle.
ANGLES_DEG = np.arange(-75.0, 76.0, 7.5)
OFFSETS_MM = np.arange(-40.0, 41.0, 5.0)
ENDS_MM = np.arange(-84.0, 85.0, 8.0)
# About the best of them.
FINE_ANGLES_DEG, FINE_ENDS_MM = (-2.5, 0.0, 2.5), np.arange(-6.0, 7.0, 2.0)
FINE_OFFSETS_MM = np.arange(-2.5, 2.6, 1.25)
N_REFINED, N_COURSES = 4, 3
# The gel shines under the guide: the bar looks less than opaque.
MIN_OPACITY = 0.3
# Displacement of the tissue from the remembered pictures, mm.
SHIFT_MM = 0.5
# Slices searched in a frame: the middle one always, the others in turn.
N_SLICES = 3

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Bar:
    """A straight bar from outside of the picture to its end.

    Attributes
    ----------
    angle_deg
        Direction from the usual one.
    offset_mm, end_mm
        As for a line in the image plane, and of the end on it.
    """

    angle_deg: float
    offset_mm: float
    end_mm: float

    def course(self, plane: ImagePlane, slice_index: int) -> GuideCourse:
        """As a guide whose cap ends there."""
        return GuideCourse(Line(_angle(plane, self.angle_deg), self.offset_mm), self.end_mm, float(slice_index))


class GuideDetector:
    """Finds courses on which a guide may have come, likeliest first."""

    def __init__(self) -> None:
        self._grid: _Grid | None = None
        self._n_searched = 0

    def courses(
        self, memory: TemporalMemory, tissue: NDArray[np.float32], plane: ImagePlane, min_gain: float
    ) -> list[GuideCourse]:
        """Courses that explain the newest samples better than tissue alone by more than ``min_gain`` (nats).

        Parameters
        ----------
        tissue
            float32 (slice, row, col), pictures without the guide.
        """
        if self._grid is None or not self._grid.fits(plane):
            self._grid = _Grid(plane)
        found: list[tuple[float, GuideCourse]] = []
        for index in self._slices(plane.shape[0]):
            sums = self._grid.sums(memory, tissue, plane, index)
            if sums is not None:
                found += [
                    (gain, bar.course(plane, index)) for gain, bar in self._grid.best_bars(sums) if gain > min_gain
                ]
        found.sort(key=lambda candidate: -candidate[0])
        chosen: list[GuideCourse] = []
        for _, course in found:
            if not any(course.is_near(other, SAME_DEG, SAME_MM) for other in chosen):
                chosen.append(course)
        return chosen[:N_COURSES]

    def _slices(self, n_slices: int) -> list[int]:
        middle = n_slices // 2
        others = [index for index in range(n_slices) if index != middle]
        begin = self._n_searched * (N_SLICES - 1)
        self._n_searched += 1
        turn = [others[(begin + place) % len(others)] for place in range(min(N_SLICES - 1, len(others)))]
        return [middle, *turn]


@dataclass(frozen=True, eq=False)
class _Sums:
    """Running sums of score, (col, row + 1), and information, (col, row + 1, row + 1), of one slice."""

    score: NDArray[np.float32]
    information: NDArray[np.float32]

    @classmethod
    def of(cls, white: WhitenedSamples, n_binned: int) -> _Sums:
        n_rows = white.image.shape[1] // n_binned * n_binned
        hidden = white.signature[..., :n_rows] * -white.image[:, None, :n_rows]
        hidden = hidden.unflatten(2, (-1, n_binned)).sum(dim=3)
        # What no guide explains, either, is an error of the background.
        weight = 1.0 / max(float(white.residual.abs().square().mean()), 1.0)
        score = weight * (hidden.mH @ white.residual[..., None]).real[..., 0]
        information = weight * (hidden.mH @ hidden).real
        return cls(
            functional.pad(score.cumsum(dim=1), (1, 0)).numpy(),
            functional.pad(information.cumsum(dim=1).cumsum(dim=2), (1, 0, 1, 0)).numpy(),
        )

    def gain(self, first: Index, last: Index) -> Array:
        """Log likelihood (...) over tissue alone, of bars that cover the rows from first to last - 1, (..., col)."""
        column = np.arange(self.score.shape[0])
        score = (self.score[column, last] - self.score[column, first]).sum(axis=-1)
        information = (
            self.information[column, last, last]
            - 2 * self.information[column, first, last]
            + self.information[column, first, first]
        ).sum(axis=-1)
        opacity = np.clip(score / np.maximum(information, np.finfo(np.float32).tiny), MIN_OPACITY, 1.0)
        return np.asarray(2 * opacity * score - opacity**2 * information)


class _Grid:
    """The rows that every bar covers in every column; the same for all slices and frames of a geometry."""

    def __init__(self, plane: ImagePlane) -> None:
        self._key = _key(plane)
        self._step = max(1, round(COLUMN_MM / plane.spacing[0]))
        self._n_binned = max(1, round(ROW_MM / plane.spacing[1]))
        self._plane = plane
        self._rows = [self._covered(angle, OFFSETS_MM[:, None], ENDS_MM) for angle in ANGLES_DEG]

    def fits(self, plane: ImagePlane) -> bool:
        return self._key == _key(plane)

    def sums(self, memory: TemporalMemory, tissue: NDArray[np.float32], plane: ImagePlane, index: int) -> _Sums | None:
        """Of one slice; None where its samples, or pictures, say nothing."""
        known = memory.input(slice(index, index + 1))
        picture = tissue[index] / np.float32(memory.scale)
        if not known.is_sampled.any() or not picture.any():
            return None
        everywhere = np.zeros(picture.shape)
        band = SampleBand.of(everywhere == 0, everywhere, everywhere, self._step)
        background = SampleBackground.of(
            picture, smooth_phase(known.prior[0].numpy()), plane, np.full(picture.shape, SHIFT_MM)
        )
        if band is None:
            return None
        try:
            white = whiten(SampleSlice.of(known).strongest(N_COILS), background, band, level=1.0)
        except torch.linalg.LinAlgError:
            return None
        return None if white is None else _Sums.of(white, self._n_binned)

    def best_bars(self, sums: _Sums) -> list[tuple[float, Bar]]:
        """The best of every neighborhood with its log likelihood over tissue alone."""
        coarse = []
        for angle, rows in zip(ANGLES_DEG, self._rows, strict=True):
            gain = sums.gain(*rows)
            end = gain.argmax(axis=1)
            best = gain.max(axis=1)
            coarse += [
                (float(best[offset]), Bar(float(angle), float(OFFSETS_MM[offset]), float(ENDS_MM[end[offset]])))
                for offset in range(len(OFFSETS_MM))
            ]
        coarse.sort(key=lambda candidate: -candidate[0])
        apart: list[Bar] = []
        for _, bar in coarse:
            course = bar.course(self._plane, 0)
            if not any(course.is_near(other.course(self._plane, 0), SAME_DEG, SAME_MM) for other in apart):
                apart.append(bar)
            if len(apart) == N_REFINED:
                break
        return [self._refined(sums, bar) for bar in apart]

    def _refined(self, sums: _Sums, bar: Bar) -> tuple[float, Bar]:
        offsets, ends = bar.offset_mm + FINE_OFFSETS_MM, bar.end_mm + FINE_ENDS_MM
        tried = []
        for turn in FINE_ANGLES_DEG:
            gain = sums.gain(*self._covered(bar.angle_deg + turn, offsets[:, None], ends))
            offset, end = np.unravel_index(gain.argmax(), gain.shape)
            tried.append((float(gain.max()), Bar(bar.angle_deg + turn, float(offsets[offset]), float(ends[end]))))
        return max(tried, key=lambda candidate: candidate[0])

    def _covered(self, angle_deg: float, offset_mm: Array, end_mm: Array) -> tuple[Index, Index]:
        """First row, and one after the last, that bars cover in each column, (offset, end, col)."""
        plane, angle = self._plane, _angle(self._plane, angle_deg)
        cosine, sine = _away_from_zero(np.cos(angle)), _away_from_zero(np.sin(angle))
        x = (np.arange(0, plane.shape[2], self._step) - plane.center[0]) * plane.spacing[0]
        offset, end = offset_mm[..., None], end_mm[..., None]
        # Where a column crosses both sides of the bar, and its end.
        sides = np.stack([(offset + side + x * sine) / cosine for side in (-RADIUS_MM, RADIUS_MM)])
        stop = (end - x * cosine) / sine
        shape = np.broadcast_shapes(sides.shape[1:], stop.shape)
        low, high = np.broadcast_to(sides.min(axis=0), shape), np.broadcast_to(sides.max(axis=0), shape)
        low, high = (low, np.minimum(high, stop)) if sine > 0 else (np.maximum(low, stop), high)
        n_rows = plane.shape[1] // self._n_binned
        middle = plane.center[1] / self._n_binned
        rows = np.rint(np.stack([low, high]) / (plane.spacing[1] * self._n_binned) + middle + 0.5 / self._n_binned)
        first, last = np.clip(rows, 0, n_rows).astype(np.intp)
        return first, np.maximum(first, last)


def _angle(plane: ImagePlane, angle_deg: float) -> float:
    return float(np.arctan2(plane.inward[1], plane.inward[0]) + np.radians(angle_deg))


def _away_from_zero(value: float) -> float:
    return value if abs(value) > 1e-6 else 1e-6


def _key(plane: ImagePlane) -> tuple[object, ...]:
    return (plane.shape[1:], tuple(plane.spacing[:2]), tuple(plane.inward))
