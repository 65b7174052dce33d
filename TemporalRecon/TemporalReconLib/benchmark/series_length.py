"""How long simulated biopsies last: so many frames at every acceleration, or so many seconds.

In frames, as where a series is undersampled afterwards: from frame to frame the instrument moves as far at every
acceleration. In seconds, as on a scanner: the hand is as fast at every acceleration, and the higher it is, the more
frames there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from TemporalReconLib.acquisition.masks import lines_per_frame
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.bssfp import REPETITION_TIME_S
from TemporalReconLib.simulation.simulation_config import STORY_FRAMES

# Fully sampled frames are moments without a duration; there are as many as at this acceleration.
_MOMENTS_AS_AT = 16.0


@dataclass(frozen=True)
class SeriesLength:
    """Of every series of a test set.

    Attributes
    ----------
    frames
        Where no seconds are given.
    seconds
        From before the guide enters to after the shot; 0: so many frames.
    """

    frames: int
    seconds: float

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < float("inf"):
            raise InputError(f"seconds {self.seconds} of a series: expected 0 (so many frames) or more")

    def frames_at(self, acceleration: float, n_slices: int, matrix: int) -> int:
        """Frames of a series.

        Raises
        ------
        InputError
            If they are too few to tell the whole story.
        """
        if not self.seconds:
            return self.frames
        lines = lines_per_frame(matrix, acceleration if acceleration > 1 else _MOMENTS_AS_AT)
        frames = round(self.seconds / (n_slices * lines * REPETITION_TIME_S))
        if frames < STORY_FRAMES:
            raise InputError(
                f"seconds {self.seconds:g} of a series are {frames} frames at R = {acceleration:g}; a whole biopsy "
                f"takes at least {STORY_FRAMES}: give more seconds"
            )
        return frames

    @property
    def setting(self) -> int | str:
        """As results state it."""
        return str(self) if self.seconds else self.frames

    def __str__(self) -> str:
        return f"{self.seconds:g} s" if self.seconds else f"{self.frames} frames"
