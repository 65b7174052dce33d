"""Follows the needle tip while the guide is followed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.tracking.point_filter import PointFilter

Array = NDArray[np.float64]

# A needle that is not seen for more frames than this, while the guide is, was pulled back.
MAX_HIDDEN_FRAMES = 2
# Two sights of a jumped needle agree within this distance.
AGREEMENT_MM = 8.0


class NeedleFollower:
    """The tip's filter, and a first sight that waits for confirmation.

    A fired needle jumps 20 mm within one frame: the first frame after it is an outlier, the second confirms it. A
    needle that appears is confirmed in the same way: a fold or a vessel may continue the guide in one picture.
    """

    def __init__(self) -> None:
        self.filter: PointFilter | None = None
        self._waiting: Array | None = None
        self._hidden_frames = 0

    def reset(self) -> None:
        self.filter = None
        self._waiting = None
        self._hidden_frames = 0

    def predict(self, seconds: float) -> None:
        if self.filter is not None:
            self.filter.predict(seconds)

    def follow(self, tip: Array | None, covariance: Array, at_once: bool) -> bool:
        """Take the measured tip (None: no needle seen) of a frame in which the guide was measured.

        ``at_once`` takes a first sight without confirmation. Returns whether the tip to be reported (the needle's if
        known, else the guide's) was measured.
        """
        if tip is None:
            self._waiting = None
            if self.filter is None:
                return True
            self._hidden_frames += 1
            if self._hidden_frames <= MAX_HIDDEN_FRAMES:
                return False
            self.reset()
            return True
        if self.filter is not None and self.filter.accepts(tip, covariance):
            self.filter.update(tip, covariance)
        else:
            agrees = self._waiting is not None and np.linalg.norm(tip - self._waiting) <= AGREEMENT_MM
            if not (agrees or at_once):
                self._waiting = tip
                return self.filter is None
            self.filter = PointFilter(tip, covariance)
        self._waiting = None
        self._hidden_frames = 0
        return True
