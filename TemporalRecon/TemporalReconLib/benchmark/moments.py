"""The moments of a series that figures show, chosen by the truth alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.benchmark.tip_finder import InstrumentLine, sample
from TemporalReconLib.geometry import spacing_of
from TemporalReconLib.simulation.simulated_series import SimulatedSeries

_PROFILE_MM = (-45.0, 35.0)
_STEP_MM = 0.5
_ACROSS_MM = np.arange(-1.0, 1.01, 0.25)
# Steps before a static moment in which nothing moves much, so that every method could have settled.
_SETTLED_STEPS = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """What of a series is kept for the figures.

    Attributes
    ----------
    static, moving
        Frames at which the tip has moved least for a while, and most since the frame before (the shot).
    lines
        Line of the instrument in every frame, None where there is none.
    """

    static: int
    moving: int
    lines: list[InstrumentLine | None]

    @classmethod
    def of(cls, series: SimulatedSeries, lines: list[InstrumentLine | None]) -> Moments:
        """Choose from the truth of a series."""
        ends = np.array([(np.nan, np.nan) if line is None else line.tip_pixel for line in lines])
        steps = np.linalg.norm(np.diff(ends, axis=0), axis=1) * spacing_of(series.ijk_to_ras)[0]
        recent = np.convolve(np.nan_to_num(steps, nan=np.inf), np.ones(_SETTLED_STEPS))[: steps.size]
        visible = np.flatnonzero(np.isfinite(steps))
        if not visible.size:
            return cls(len(lines) - 1, len(lines) - 1, lines)
        return cls(1 + int(recent.argmin()), 1 + int(np.nanargmax(steps)), lines)

    @property
    def last_line(self) -> InstrumentLine | None:
        """Where the instrument ends up: the line of the position-time profiles."""
        return next((line for line in reversed(self.lines) if line is not None), None)

    def profile(self, image: NDArray[np.float32]) -> Array:
        """Image (row, col) along :attr:`last_line`, averaged over the void's width; at :meth:`positions_mm`."""
        line = self.last_line
        along = self.positions_mm()
        return np.zeros(along.size) if line is None else sample(image, line, along + line.end_mm, _ACROSS_MM).mean(1)

    @staticmethod
    def positions_mm() -> Array:
        """Positions of a profile, mm along the axis from the last true tip."""
        return np.arange(_PROFILE_MM[0], _PROFILE_MM[1] + _STEP_MM / 2, _STEP_MM)

    def tip_course_mm(self) -> Array:
        """True end of the void in every frame on the same scale; NaN where there is no instrument."""
        last = self.last_line
        if last is None:
            return np.full(len(self.lines), np.nan)
        end = np.array(last.tip_pixel)[::-1]
        per_mm = last.along / np.sum(last.along**2)
        return np.array(
            [np.nan if line is None else (np.array(line.tip_pixel)[::-1] - end) @ per_mm for line in self.lines]
        )
