"""What a contender is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.simulation.truth import FrameTruth

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Shown:
    """One frame of a case.

    Attributes
    ----------
    image
        The picture, the same for every contender.
    samples
        The k-space it was made from.
    truth
        For references only; no contender that could be used on a patient looks at it.
    """

    image: ImageFrame
    samples: KSpaceFrame
    truth: FrameTruth


def timed(function: Callable[[], Result]) -> tuple[Result, float]:
    """A result and the seconds it took."""
    begin = time.perf_counter()
    result = function()
    return result, time.perf_counter() - begin
