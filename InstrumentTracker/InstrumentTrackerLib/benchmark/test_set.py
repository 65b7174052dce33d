"""The simulated biopsies on which tracking is measured; none of them is ever used in training or development."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from TemporalReconLib.benchmark.series_length import SeriesLength
from TemporalReconLib.benchmark.test_set import MAX_SERIES, N_COILS, NOISE, TEST_SEEDS_FROM, nearest_volume
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SimulationConfig

from InstrumentTrackerLib.evaluation.series_kind import LEAVING, ORDINARY, WITHOUT

# The comparison of reconstruction methods draws its seeds from the same beginning.
TRACKING_SEEDS_FROM = TEST_SEEDS_FROM + 1_000_000_000
# Seeds to look at while the product is being changed; results on them are no test.
DEVELOPMENT_SEEDS_FROM, DEVELOPMENT_SETS = 970_000, 30
N_SLICES = 3
_KINDS = {3: WITHOUT, 5: LEAVING}
_PERIOD = 7


@dataclass(frozen=True)
class TrackingTestSet:
    """Biopsies of three slices: coronal and sagittal in turn, every other pair on real anatomy if there is any.

    Of every seven series one has no instrument, and in one the instrument leaves the slices and stays out.

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
    is_development
        Seeds of development instead of those of the test.
    """

    n_series: int = 20
    n_frames: int = 24
    seed: int = 0
    backgrounds: tuple[Path, ...] = ()
    matrix: int = 256
    is_development: bool = False
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.n_series <= MAX_SERIES:
            raise InputError(f"series {self.n_series} must lie between 1 and {MAX_SERIES}")
        if self.seed < 0 or (self.is_development and self.seed >= DEVELOPMENT_SETS):
            limit = f" and below {DEVELOPMENT_SETS} for development" if self.is_development else ""
            raise InputError(f"seed {self.seed}: expected 0 or more{limit}")

    @property
    def length(self) -> SeriesLength:
        """Of every series."""
        return SeriesLength(self.n_frames, self.seconds)

    def frames_at(self, acceleration: float, n_slices: int = N_SLICES) -> int:
        """Frames of each series."""
        return self.length.frames_at(acceleration, n_slices, self.matrix)

    def series_seed(self, number: int) -> int:
        """Simulator's seed of series ``number`` (0 ... n_series - 1)."""
        first = DEVELOPMENT_SEEDS_FROM if self.is_development else TRACKING_SEEDS_FROM
        return first + self.seed * MAX_SERIES + number

    @staticmethod
    def kind(number: int) -> str:
        """One of the kinds of :mod:`~InstrumentTrackerLib.evaluation.series_kind`."""
        return _KINDS.get(number % _PERIOD, ORDINARY)

    def config(self, number: int, acceleration: float, mask: str, n_slices: int = N_SLICES) -> SimulationConfig:
        """What the simulator is asked for; patient and story are the same at every acceleration and mask."""
        orientation = ORIENTATIONS[number % len(ORIENTATIONS)]
        has_real_anatomy = (number // len(ORIENTATIONS)) % 2 == 1
        kind = self.kind(number)
        return SimulationConfig(
            frames=self.frames_at(acceleration, n_slices),
            acceleration=acceleration,
            mask=mask,
            coils=N_COILS,
            seed=self.series_seed(number),
            n_slices=n_slices,
            matrix=self.matrix,
            orientation=orientation,
            background=nearest_volume(self.backgrounds, orientation) if has_real_anatomy else None,
            instrument=kind != WITHOUT,
            leaves_plane=kind == LEAVING,
            noise=NOISE,
        )
