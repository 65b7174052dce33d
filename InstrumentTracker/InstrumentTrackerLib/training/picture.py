"""A stack of slices with what is known of the instrument in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.geometry import Matrix
from TemporalReconLib.simulation.instrument import Instrument, InstrumentState


@dataclass(frozen=True, eq=False)
class Picture:
    """A magnitude image of any scale and its truth.

    Attributes
    ----------
    data
        float32 (slice, row, col).
    ijk_to_ras
        4x4, mm; integer indices at pixel centers.
    thickness_mm
        Of a slice.
    instrument, state
        What is in it and where; None without instrument.
    """

    data: NDArray[np.float32]
    ijk_to_ras: Matrix
    thickness_mm: float
    instrument: Instrument | None = None
    state: InstrumentState | None = None
