"""Volumes whose slices are played as time, the published protocol, as training data.

C. R. Noordman et al., J. Med. Imaging 12(3):035001, 2025: volumes of a few slices, one channel, magnitudes, no planning
scan. Every frame is another place, so that earlier frames tell what resembles this one, not what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from TemporalReconLib.geometry import slice_geometry
from TemporalReconLib.simulation.simulated_series import SimulatedSeries
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SimulationConfig
from TemporalReconLib.training.recorded_truth import lies_in
from TemporalReconLib.training.stored_series import (
    VALIDATION_SEEDS_FROM,
    StoredSeries,
    VisibleInstrument,
    random_background,
)

# Mostly magnitudes of one channel, as such volumes are stored.
_SINGLE_CHANNEL, _SEVERAL_COILS = 0.75, (2, 4, 6)
_SLICES = (5, 13)
_MOMENTS = 20


def swept_series(
    generator: np.random.Generator, backgrounds: Sequence[Path], matrix: int, n_frames: int
) -> StoredSeries:
    """A random volume for training, half of them on the background volumes; short ones go forth and back."""
    background = random_background(generator, backgrounds)
    return swept_series_of_seed(int(generator.integers(VALIDATION_SEEDS_FROM)), matrix, n_frames, background)


def swept_series_of_seed(seed: int, matrix: int, n_frames: int, background: Path | None = None) -> StoredSeries:
    """The slices of a simulated biopsy at one moment, mostly with the instrument in it."""
    generator = np.random.default_rng([seed, 3])
    is_single = bool(generator.random() < _SINGLE_CHANNEL)
    config = SimulationConfig(
        frames=_MOMENTS,
        coils=1 if is_single else int(generator.choice(_SEVERAL_COILS)),
        seed=seed,
        n_slices=int(generator.integers(*_SLICES)),
        matrix=matrix,
        orientation=str(generator.choice(ORIENTATIONS)),
        background=background,
        planning=False,
        instrument=bool(generator.random() < 0.92),
    )
    series = SimulatedSeries(config)
    moment = int(generator.integers(_MOMENTS // 4, _MOMENTS))
    objects = series.object_at(series.mid_time_s(moment))
    maps = series.coil_maps[:, config.n_slices // 2]
    if is_single:
        objects, maps = np.abs(objects).astype(np.complex64), np.ones_like(maps)
    truth = series.truth.frames[moment]
    places = [slice_geometry(series.ijk_to_ras, k) for k in range(config.n_slices)]
    instruments = [VisibleInstrument.of(truth, place) if lies_in(place, truth) else None for place in places]
    order = np.arange(config.n_slices)[:: -1 if generator.random() < 0.5 else 1]
    numbers = np.pad(order, (0, max(n_frames - len(order), 0)), mode="reflect")
    return StoredSeries(objects[numbers], None, maps, tuple(instruments[number] for number in numbers))
