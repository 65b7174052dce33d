"""What the instrument is doing, in the words of the one who does it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # a display reads the word without loading what computes it
    from InstrumentTrackerLib.tracking.guide_filter import GuideFilter

Array = NDArray[np.float64]

# Slower than this counts as rest: breathing and the filter's own noise move the tip as fast.
STILL_MM_S = 4.0


class Motion(str, Enum):
    """Class of the present motion."""

    STILL = "still"
    PIVOT = "pivot"
    SLIDE = "slide"
    ADVANCE = "advance"
    FIRING = "firing"


def motion_of(guide: GuideFilter, needle_position: Array | None, needle_velocity: Array | None) -> Motion:
    """The fastest of: guide tip across its axis (pivot), along it (slide), needle in its guide (advance).

    Parameters
    ----------
    needle_position, needle_velocity
        mm and mm/s, None without a needle. Firing is known from its jump, not from a velocity.
    """
    axis = guide.axis
    slide = float(guide.tip_velocity @ axis)
    across = (vector - (vector @ axis) * axis for vector in (guide.tip_velocity, guide.shaft_velocity))
    speeds = {Motion.PIVOT: max(float(np.linalg.norm(each)) for each in across), Motion.SLIDE: abs(slide)}
    if needle_position is not None and needle_velocity is not None:
        depth = float((needle_position - guide.tip) @ axis)
        speeds[Motion.ADVANCE] = abs(float((needle_velocity - guide.velocity_at(depth)) @ axis))
    fastest = max(speeds, key=lambda motion: speeds[motion])
    return fastest if speeds[fastest] > STILL_MM_S else Motion.STILL
