"""A needle tip measured in the samples, which can still be asked about other tips."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose, Point

# Against a picture or a past that contradicts them the samples must say their tip is a thousand times likelier.
DECISIVE_LOG_RATIO = math.log(1000.0)


@dataclass(frozen=True, eq=False)
class SamplePose(InstrumentPose):
    """Pose from the samples: needle tip and its covariance, axis as it was predicted, no guide tip.

    Attributes
    ----------
    origin
        RAS mm (3,) from which depths along the axis are counted.
    depth
        mm (n,), ascending.
    log_likelihood
        (n,), of a tip at each depth.
    expected_tip
        RAS mm (3,), where the tip of the needle that is followed was before; None where none is followed yet.
    """

    origin: Point | None = None
    depth: NDArray[np.float64] | None = None
    log_likelihood: NDArray[np.float64] | None = None
    expected_tip: Point | None = None

    def is_decisive_against(self, point: Point) -> bool:
        """Whether the measured tip is a thousand times likelier than another one (RAS mm)."""
        return self.log_ratio(point) >= DECISIVE_LOG_RATIO

    def log_ratio(self, point: Point) -> float:
        """Log likelihood of the measured tip over that of another tip (RAS mm) on the same course; >= 0 or so."""
        if self.needle_tip is None or self.axis is None or self.origin is None:
            return 0.0
        assert self.depth is not None and self.log_likelihood is not None
        own, other = (float((tip - self.origin) @ self.axis) for tip in (self.needle_tip, point))
        likelihoods = np.interp([own, other], self.depth, self.log_likelihood)
        return float(likelihoods[0] - likelihoods[1])
