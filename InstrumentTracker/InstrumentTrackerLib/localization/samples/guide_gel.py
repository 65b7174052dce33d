"""The gel in the guide: brightness and phase that nobody knows beforehand, alike from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.samples.guide_course import BEHIND_MM, FARTHEST_MM, RADIUS_MM, inside

# Signal is interpolated between knots along the guide (its phase turns slowly) and lines across it (bright or dark).
KNOT_MM, LINE_MM, N_LINES = 25.0, 1.75, 7
# Standard deviation of its signal, relative to bright tissue, before it was seen and from frame to frame.
UNSEEN_STD, KNOWN_STD = 0.4, 0.15
# Share of a new frame's signal in the memory.
RATE = 0.5

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GelBasis:
    """Shapes whose weighted sum is the gel's signal.

    Attributes
    ----------
    knots
        Numbers of the knots, fixed in the plane, ascending.
    knot_mm
        Where they are, in the coordinates of the band.
    along
        float64 (knot, col, row).
    """

    knots: tuple[int, ...]
    knot_mm: Array
    along: Array

    @classmethod
    def of(cls, along: Array, end: float) -> GelBasis:
        """For pixels (col, row) ``along`` mm beyond the guide's end, which lies at ``end`` on its line."""
        reach = np.clip([along.min(), along.max()], -BEHIND_MM, FARTHEST_MM)
        first, last = (int(np.floor((value + end) / KNOT_MM)) for value in reach)
        knots = tuple(range(first, last + 2))
        knot_mm = np.array(knots) * KNOT_MM - end
        return cls(knots, knot_mm, _tent(along - knot_mm[:, None, None], KNOT_MM))

    def shapes(self, across: Array) -> NDArray[np.float32]:
        """(knot * line, col, row), for pixels (col, row) ``across`` mm beside the guide's axis."""
        lines = (np.arange(N_LINES) - N_LINES // 2) * LINE_MM
        beside = _tent(across - lines[:, None, None], LINE_MM) * inside(RADIUS_MM - np.abs(across))
        return (self.along[:, None] * beside).reshape(-1, *across.shape).astype(np.float32)


@dataclass
class GelMemory:
    """Signal of the gel at the knots, complex (line,) by knot, relative to bright tissue."""

    signal: dict[int, NDArray[np.complex128]] = field(default_factory=dict)

    def prior(self, basis: GelBasis) -> tuple[NDArray[np.complex128], Array]:
        """Mean and standard deviation of the weights of a basis, (knot * line,)."""
        unseen = np.zeros(N_LINES, dtype=np.complex128)
        mean = np.concatenate([self.signal.get(knot, unseen) for knot in basis.knots])
        std = np.repeat([KNOWN_STD if knot in self.signal else UNSEEN_STD for knot in basis.knots], N_LINES)
        return mean, std

    def learn(self, basis: GelBasis, weights: NDArray[np.complex128], before_mm: float) -> None:
        """Take the weights (knot * line,) of a frame whose gel covers the band up to ``before_mm``."""
        for knot, position, seen in zip(basis.knots, basis.knot_mm, weights.reshape(-1, N_LINES), strict=True):
            if position < before_mm:
                known = self.signal.get(knot, seen)
                self.signal[knot] = known + RATE * (seen - known)


def _tent(distance: Array, half_width: float) -> Array:
    return np.clip(1.0 - np.abs(distance) / half_width, 0.0, 1.0)
