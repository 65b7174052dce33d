"""The simulated series on which methods are compared; none of them is ever used in training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.benchmark.series_length import SeriesLength
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import slice_normal
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SimulationConfig

if TYPE_CHECKING:
    from TemporalReconLib.simulation.simulated_series import SimulatedSeries

# Training draws its seeds below.
TEST_SEEDS_FROM = 1_000_000
MAX_SERIES = 1000
N_COILS = 8
# Noise of the simulator at which the median SNR of the test set is 20, as :func:`snr` states it.
NOISE = 0.019
# Darker pixels are air, bowel gas or bone.
_IN_BODY = 0.1
_NORMALS = {"coronal": (0.0, 1.0, 0.0), "sagittal": (1.0, 0.0, 0.0)}


@dataclass(frozen=True)
class TestSet:
    """Simulated biopsies of one slice: coronal and sagittal in turn, every other pair on real anatomy if there is any.

    Attributes
    ----------
    n_series, n_frames
        How many series, and frames of each.
    seconds
        Duration of each instead of frames; 0: so many frames.
    seed
        Another number is another set of patients, stories and noise.
    backgrounds
        Volumes of real anatomy; a series takes the one whose slices lie nearest to its own.
    matrix
        Rows and columns.
    """

    __test__ = False  # for pytest: no test class in spite of its name

    n_series: int = 20
    n_frames: int = 24
    seed: int = 0
    backgrounds: tuple[Path, ...] = ()
    matrix: int = 256
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.n_series <= MAX_SERIES:
            raise InputError(f"series {self.n_series} must lie between 1 and {MAX_SERIES}")
        if self.seed < 0:
            raise InputError(f"seed {self.seed} is negative; expected 0 or more")

    @property
    def length(self) -> SeriesLength:
        """Of every series."""
        return SeriesLength(self.n_frames, self.seconds)

    def frames_at(self, acceleration: float) -> int:
        """Frames of each series."""
        return self.length.frames_at(acceleration, 1, self.matrix)

    def series_seed(self, number: int) -> int:
        """Simulator's seed of series ``number`` (0 ... n_series - 1)."""
        return TEST_SEEDS_FROM + self.seed * MAX_SERIES + number

    def config(self, number: int, acceleration: float, mask: str) -> SimulationConfig:
        """What the simulator is asked for; patient and story are the same at every acceleration and mask."""
        orientation = ORIENTATIONS[number % len(ORIENTATIONS)]
        has_real_anatomy = (number // len(ORIENTATIONS)) % 2 == 1
        return SimulationConfig(
            frames=self.frames_at(acceleration),
            acceleration=acceleration,
            mask=mask,
            coils=N_COILS,
            seed=self.series_seed(number),
            n_slices=1,
            matrix=self.matrix,
            orientation=orientation,
            background=nearest_volume(self.backgrounds, orientation) if has_real_anatomy else None,
            noise=NOISE,
        )


def nearest_volume(volumes: tuple[Path, ...], orientation: str) -> Path | None:
    """The volume that was acquired nearest to an orientation: across its own slices it is blurred."""
    if not volumes:
        return None

    def alignment(path: Path) -> float:
        return abs(float(slice_normal(open_series(path).frame(0).ijk_to_ras) @ np.array(_NORMALS[orientation])))

    return max(volumes, key=alignment)


def snr(series: SimulatedSeries) -> float:
    """Median magnitude inside the body over the noise's standard deviation in a fully sampled frame.

    The image is the root sum of squares of the coils, whose noise there is that of one coil's real part.
    """
    image = series.image(0)
    return float(np.median(image[image > _IN_BODY * series.level]) / series.noise_std)
