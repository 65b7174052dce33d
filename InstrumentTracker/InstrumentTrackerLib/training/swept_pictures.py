"""Pictures of volumes whose slices are played as time, the published protocol, reconstructed at any acceleration.

C. R. Noordman et al., J. Med. Imaging 12(3):035001, 2025. What earlier frames show is another place: such pictures are
smeared where nothing of the series over time is, and an instrument is seen in a few of them only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from TemporalReconLib.acquisition.frame_series import SlicesAsTime
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.engine.offline import OpenedSeries, SeriesOptions, prepare_for_playing, reconstruct_series
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.simulation.instrument import InstrumentState
from TemporalReconLib.simulation.simulated_series import SimulatedSeries
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SLICE_THICKNESS_MM, SimulationConfig
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.training.picture import Picture

METHODS = ("temporal", "compressed-sensing", "sliding-window", "zero-filled")
_SHARES = (0.64, 0.12, 0.12, 0.12)
_PAPER_MASK = 0.6
_ACCELERATIONS = (3.0, 32.0)
_MOMENTS = 20
_SLICES = (5, 10)
# Making the anatomy takes longer than playing it once.
_SWEEPS = 3
# The first picture of a volume has seen one frame's lines only.
_FIRST_FRAME = 1


@dataclass(frozen=True, eq=False)
class SweptImage:
    """A slice as a method shows it, the simulated biopsy that it is of, and the number of the moment."""

    image: ImageFrame
    series: SimulatedSeries
    moment: int

    @property
    def state(self) -> InstrumentState | None:
        """Where the instrument is; None without one."""
        series = self.series
        return series.scenario.state(series.mid_time_s(self.moment)) if series.config.instrument else None

    @property
    def truth(self) -> FrameTruth:
        """Of this slice."""
        image, width = self.image, self.series.instrument.width
        return FrameTruth.of(image.index, 0.0, self.state, width, image.ijk_to_ras, image.data.shape)


def swept_pictures(seed: int, background: Path | None = None, method: str | None = None) -> Iterator[Picture]:
    """What training learns from: see :func:`swept_images`."""
    for swept in swept_images(seed, background, method):
        state = swept.state
        instrument = None if state is None else swept.series.instrument
        yield Picture(swept.image.data, swept.image.ijk_to_ras, SLICE_THICKNESS_MM, instrument, state)


def swept_images(
    seed: int, background: Path | None = None, method: str | None = None, device: str = "cpu"
) -> Iterator[SweptImage]:
    """The slices of a few moments of a simulated biopsy as a method shows them one after the other.

    Parameters
    ----------
    method
        A random one of :data:`METHODS` for each moment if None.
    """
    generator = np.random.default_rng([seed, 4])
    config = SimulationConfig(
        frames=_MOMENTS,
        seed=seed,
        coils=int(generator.choice([1, 4])),
        n_slices=int(generator.integers(*_SLICES)),
        matrix=int(generator.choice([256, 192])),
        orientation=str(generator.choice(ORIENTATIONS)),
        background=background,
        planning=False,
        instrument=bool(generator.random() < 0.9),
        noise=float(np.exp(generator.uniform(np.log(0.003), np.log(0.03)))),
    )
    series = SimulatedSeries(config)
    for moment in generator.integers(_MOMENTS // 4, _MOMENTS, size=_SWEEPS):
        chosen = str(generator.choice(METHODS, p=_SHARES)) if method is None else method
        opened = _opened(generator, series, int(moment))
        for image in reconstruct_series(opened, make_reconstructor(chosen, device)):
            if image.index >= _FIRST_FRAME:
                yield SweptImage(image, series, int(moment))


def _opened(generator: np.random.Generator, series: SimulatedSeries, moment: int) -> OpenedSeries:
    """One moment's slices, undersampled at random."""
    options = SeriesOptions(
        frames="slices",
        acceleration=float(np.exp(generator.uniform(*np.log(_ACCELERATIONS)))),
        mask="paper" if generator.random() < _PAPER_MASK else str(generator.choice(MASK_KINDS)),
        mask_seed=int(generator.integers(2**31)),
    )
    volume = ImageFrame(_with_noise(generator, series, moment), series.ijk_to_ras, index=0)
    return prepare_for_playing(SlicesAsTime(volume, f"swept-{series.config.seed}"), options)


def _with_noise(generator: np.random.Generator, series: SimulatedSeries, moment: int) -> np.ndarray:
    """Magnitudes (slice, row, col) as a scanner stores them: of the complex signal with its noise."""
    image = series.image(moment)
    noise = generator.normal(size=(2, *image.shape)) * series.noise_std
    return np.hypot(image + noise[0], noise[1]).astype(np.float32)
