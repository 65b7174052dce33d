"""Whole series kept in memory as what training draws its examples from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.geometry import Matrix, ras_to_ijk, spacing_of
from TemporalReconLib.simulation.simulated_series import PLANNING_PAUSE_S, SimulatedSeries
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SimulationConfig
from TemporalReconLib.simulation.truth import FrameTruth

_GUIDE_LENGTH_MM = 90.0
_NEEDLE_WIDTH_MM = 3.0


@dataclass(frozen=True)
class VisibleInstrument:
    """Where an instrument lies in a slice, in pixels (row, col).

    Attributes
    ----------
    tip
        End of what is visible: the needle's tip, else the guide's.
    segments
        Begin, end and half width of the guide and of the needle beyond it.
    """

    tip: NDArray[np.float64]
    segments: tuple[tuple[NDArray[np.float64], NDArray[np.float64], float], ...]

    @classmethod
    def of(cls, truth: FrameTruth, ijk_to_ras: Matrix) -> VisibleInstrument | None:
        """From the truth of a frame; None where nothing is visible."""
        if not truth.visible or truth.guide_tip is None or truth.axis is None or truth.width is None:
            return None
        pixel_mm = float(spacing_of(ijk_to_ras)[0])

        def pixels(point: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(ras_to_ijk(ijk_to_ras, point))[[1, 0]]

        guide = pixels(truth.guide_tip)
        entry = pixels(truth.guide_tip - _GUIDE_LENGTH_MM * truth.axis)
        segments = [(entry, guide, 0.5 * truth.width / pixel_mm)]
        if truth.needle_tip is not None:
            segments.append((guide, pixels(truth.needle_tip), 0.5 * _NEEDLE_WIDTH_MM / pixel_mm))
        return cls(segments[-1][1], tuple(segments))


@dataclass(frozen=True)
class StoredSeries:
    """One slice over time, noise-free, and the coils that look at it.

    Attributes
    ----------
    objects
        complex64 (frame, row, col), without coil sensitivities.
    planning
        complex64 (row, col), the same slice before the instrument enters; None where there is no such scan.
    coil_maps
        complex64 (coil, row, col).
    instruments
        One per frame, None where no instrument is visible.
    """

    objects: NDArray[np.complex64]
    planning: NDArray[np.complex64] | None
    coil_maps: NDArray[np.complex64]
    instruments: tuple[VisibleInstrument | None, ...]

    @classmethod
    def of(cls, series: SimulatedSeries) -> StoredSeries:
        """The first slice of a simulated series."""
        frames = range(series.config.frames)
        return cls(
            np.stack([series.object_at(series.mid_time_s(n))[0] for n in frames]),
            series.object_at(-PLANNING_PAUSE_S, with_instrument=False)[0],
            series.coil_maps[:, 0],
            tuple(VisibleInstrument.of(truth, series.ijk_to_ras) for truth in series.truth.frames),
        )


# Seeds below are for training, those above for validation and calibration; tests have their own, higher ones.
VALIDATION_SEEDS_FROM = 900_000


def random_series(generator: np.random.Generator, backgrounds: Sequence[Path], matrix: int, coils: int) -> StoredSeries:
    """A simulated series of random anatomy for training, half of them on the background volumes."""
    background = random_background(generator, backgrounds)
    return series_of_seed(int(generator.integers(VALIDATION_SEEDS_FROM)), matrix, coils, background)


def random_background(generator: np.random.Generator, backgrounds: Sequence[Path]) -> Path | None:
    """One of them for every other series; None for the procedural pelvis."""
    if backgrounds and generator.random() < 0.5:
        return backgrounds[int(generator.integers(len(backgrounds)))]
    return None


def series_of_seed(seed: int, matrix: int, coils: int, background: Path | None = None) -> StoredSeries:
    """A series of random length, pace, view and story.

    The pace does not follow from the acceleration that an example is sampled with: frames of one slice take 36 ms
    at R = 32, those of five slices 0.7 s at R = 8, and one set of weights serves both.
    """
    generator = np.random.default_rng([seed, 2])
    config = SimulationConfig(
        frames=int(generator.integers(20, 41)),
        acceleration=float(np.exp(generator.uniform(np.log(1.5), np.log(32.0)))),
        coils=coils,
        seed=seed,
        n_slices=1,
        matrix=matrix,
        orientation=str(generator.choice(ORIENTATIONS)),
        background=background,
        planning=False,
        instrument=bool(generator.random() < 0.92),
    )
    return StoredSeries.of(SimulatedSeries(config))
