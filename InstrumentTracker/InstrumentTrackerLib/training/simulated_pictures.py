"""Pictures from simulated biopsies, reconstructed by the product's own methods at any acceleration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.simulation.simulated_series import SimulatedSeries, simulate_series
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SLICE_THICKNESS_MM, SimulationConfig
from TemporalReconLib.training.stored_series import VALIDATION_SEEDS_FROM

from InstrumentTrackerLib.training.picture import Picture
from InstrumentTrackerLib.training.swept_pictures import swept_pictures

FULLY_SAMPLED = "fully-sampled"
METHODS = (FULLY_SAMPLED, "temporal", "compressed-sensing", "sliding-window", "zero-filled")
_SHARES = (0.3, 0.32, 0.18, 0.12, 0.08)
# Share of the series that are slices of a volume played as time.
_SWEPT = 0.4
# The first frames of a series without planning scan show next to nothing.
_FIRST_FRAME = 2


def simulated_pictures(generator: np.random.Generator, backgrounds: Sequence[Path]) -> Iterator[Picture]:
    """Frame after frame of series after series, over time and over slices, without end."""
    while True:
        seed = int(generator.integers(VALIDATION_SEEDS_FROM))
        background = None
        if backgrounds and generator.random() < 0.5:
            background = backgrounds[int(generator.integers(len(backgrounds)))]
        if generator.random() < _SWEPT:
            yield from swept_pictures(seed, background)
            continue
        method = str(generator.choice(METHODS, p=_SHARES))
        yield from pictures_of(random_series(seed, background), method)


def random_series(seed: int, background: Path | None = None) -> SimulatedSeries:
    """A short series of random matrix, slices, coils, noise and acceleration; some without instrument."""
    generator = np.random.default_rng([seed, 3])
    return simulate_series(
        SimulationConfig(
            frames=int(generator.integers(8, 21)),
            acceleration=float(np.exp(generator.uniform(np.log(4.0), np.log(40.0)))),
            mask=str(generator.choice(MASK_KINDS)),
            coils=int(generator.choice([1, 4, 6])),
            seed=seed,
            n_slices=int(generator.choice([1, 3], p=[0.35, 0.65])),
            matrix=int(generator.choice([256, 192])),
            orientation=str(generator.choice(ORIENTATIONS)),
            background=background,
            planning=bool(generator.random() < 0.65),
            instrument=bool(generator.random() < 0.88),
            noise=float(np.exp(generator.uniform(np.log(0.005), np.log(0.04)))),
        )
    )


def pictures_of(series: SimulatedSeries, method: str) -> Iterator[Picture]:
    """The frames of a series as a method shows them, with the truth of each frame's mid-acquisition."""
    if method == FULLY_SAMPLED:
        for index in range(series.config.frames):
            yield _picture(series, index, series.image(index))
        return
    reconstructor = make_reconstructor(method, "cpu")
    if series.planning is not None:
        reconstructor.set_planning(series.planning)
    for frame in series.frames:
        reconstructor.ingest(frame)
        image = reconstructor.reconstruct()
        if image is not None and image.index >= _FIRST_FRAME:
            yield _picture(series, image.index, image.data)


def _picture(series: SimulatedSeries, index: int, data: np.ndarray) -> Picture:
    state = series.scenario.state(series.mid_time_s(index)) if series.config.instrument else None
    return Picture(data, series.ijk_to_ras, SLICE_THICKNESS_MM, None if state is None else series.instrument, state)
