"""The biopsy needle's side notch: where it takes its core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from TemporalReconLib.errors import InputError

# Longer than this is no biopsy needle but a slip of the hand or another unit.
MAX_LENGTH_MM = 60.0


@dataclass(frozen=True)
class BiopsyNeedle:
    """A side-notch needle that a gun throws forward.

    Automatic guns for the prostate throw their 18-gauge needle 22 mm; a cutting length of 19 mm is usual (Prostate
    biopsy outcome using 29 mm cutting length, 2005, doi:10.1159/000087795), makers state 18 to 19 mm. Of the solid
    tip before the notch nothing is stated. We assume the difference of throw and notch: then the core begins where
    the tip lay before the shot, as three guns did in apples, without a skipped stretch (The prostate needle biopsy
    gun: busting a myth, J Urol). Measure your needle and state it.

    Attributes
    ----------
    throw_mm
        How far the gun throws the tip.
    notch_mm
        Length of the notch, and so of the core.
    dead_tip_mm
        From the end of the notch to the very tip: tissue there is not sampled.
    """

    throw_mm: float = 22.0
    notch_mm: float = 18.0
    dead_tip_mm: float = 4.0

    def __post_init__(self) -> None:
        """Raises InputError if a length is not plausible."""
        for name, least in (("throw_mm", 0.0), ("notch_mm", 1.0), ("dead_tip_mm", 0.0)):
            value = getattr(self, name)
            if not (np.isfinite(value) and least <= value <= MAX_LENGTH_MM):
                raise InputError(
                    f"biopsy needle: {name} is {value}; expected {least:.0f} to {MAX_LENGTH_MM:.0f} mm, "
                    "as its label states it"
                )

    def core(self, has_fired: bool) -> tuple[float, float]:
        """Begin and end of the core, mm along the axis from the present tip, if fired now (or fired already)."""
        end = (0.0 if has_fired else self.throw_mm) - self.dead_tip_mm
        return end - self.notch_mm, end
