"""Window and level that follow the signal slowly enough not to flicker."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# The signal is smoothed over about this many pictures.
_SMOOTHING = 10.0
# The window starts to move when it is off by this factor, and rests again when it is nearly right.
_START_FACTOR = 1.5
_REST_FACTOR = 1.02
# It moves by no more than this factor per picture: a second or two for a doubling, which the eye hardly sees.
_STEP_FACTOR = 1.03
_SAMPLED_PIXELS = 65536


class WindowFollower:
    """Chooses window and level from pictures, one after the other.

    The first picture with contrast sets them. Later ones change them only when the smoothed brightness has left a
    wide band around what is shown (hysteresis), and then in small steps: a picture whose brightness follows each
    frame flickers and hides changes.
    """

    def __init__(self) -> None:
        self._smoothed: float | None = None
        self._shown: float | None = None
        self._is_moving = False

    def restart(self) -> None:
        """Another series begins: its first picture sets window and level."""
        self._smoothed = self._shown = None
        self._is_moving = False

    def follow(self, data: NDArray[np.float32]) -> tuple[float, float] | None:
        """Window and level to change to after this picture (slice, row, col); None to leave them."""
        window = robust_window(data)
        if window is None:
            return None
        if self._shown is None or self._smoothed is None:
            self._smoothed = self._shown = window
            return window, 0.5 * window
        self._smoothed *= (window / self._smoothed) ** (1.0 / _SMOOTHING)
        off = math.log(self._smoothed / self._shown)
        if abs(off) > math.log(_START_FACTOR):
            self._is_moving = True
        elif abs(off) < math.log(_REST_FACTOR):
            self._is_moving = False
        if not self._is_moving:
            return None
        self._shown *= math.exp(math.copysign(min(abs(off), math.log(_STEP_FACTOR)), off))
        return self._shown, 0.5 * self._shown


def robust_window(data: NDArray[np.float32]) -> float | None:
    """A little above the 99th percentile; None for a picture without contrast.

    The bladder is several times brighter than the prostate: scaling to the maximum would darken what matters.
    """
    step = max(1, math.ceil(math.sqrt(data.size / _SAMPLED_PIXELS)))
    pixels = data[:, ::step, ::step].ravel()
    # Not np.percentile: its first call reads numpy.ma, which holds up the first picture.
    index = 99 * (pixels.size - 1) // 100
    upper = 1.1 * float(np.partition(pixels, index)[index])
    return upper if upper > 0.0 else None
