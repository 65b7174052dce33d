"""Exact truth of a simulated series and its JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.geometry import Matrix, ras_to_ijk, spacing_of
from TemporalReconLib.simulation.instrument import InstrumentState

TRUTH_VERSION = 1


@dataclass(frozen=True)
class FrameTruth:
    """The instrument at one frame's mid-acquisition (mm, RAS).

    Attributes
    ----------
    index, time_s
        Frame number and its mid-acquisition time, on the clock of the frames' acquisition times.
    visible
        Whether the guide tip lies inside the imaged slab.
    guide_tip, needle_tip, axis
        None where there is no instrument; ``needle_tip`` is None also while the needle is inside the guide.
    width
        Outer diameter of the guide, None without instrument.
    """

    index: int
    time_s: float
    visible: bool
    guide_tip: NDArray[np.float64] | None
    needle_tip: NDArray[np.float64] | None
    axis: NDArray[np.float64] | None
    width: float | None

    @classmethod
    def of(
        cls,
        index: int,
        time_s: float,
        state: InstrumentState | None,
        width: float,
        ijk_to_ras: Matrix,
        shape: tuple[int, int, int],
    ) -> FrameTruth:
        """Truth of an instrument state seen through a slice stack of ``shape`` (slice, row, col)."""
        if state is None:
            return cls(index, time_s, False, None, None, None, None)
        i, j, k = ras_to_ijk(ijk_to_ras, state.guide_tip)
        # A bar reaches its radius beyond its axis; half of that still shows both walls.
        reach = 0.5 + 0.25 * width / spacing_of(ijk_to_ras)[2]
        inside = 0 <= i <= shape[2] - 1 and 0 <= j <= shape[1] - 1 and -reach <= k <= shape[0] - 1 + reach
        return cls(index, time_s, bool(inside), state.guide_tip, state.needle_tip, state.axis, width)

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "time_s": self.time_s,
            "visible": self.visible,
            "guide_tip": _as_list(self.guide_tip),
            "needle_tip": _as_list(self.needle_tip),
            "axis": _as_list(self.axis),
            "width": self.width,
        }


@dataclass(frozen=True)
class SeriesTruth:
    """Truth of a whole series; see :class:`FrameTruth`."""

    target: NDArray[np.float64]
    entry: NDArray[np.float64]
    frame_interval_s: float
    config: dict[str, Any]
    frames: list[FrameTruth]

    def as_json(self) -> dict[str, Any]:
        return {
            "version": TRUTH_VERSION,
            "target": _as_list(self.target),
            "entry": _as_list(self.entry),
            "frame_interval_s": self.frame_interval_s,
            "config": self.config,
            "frames": [frame.as_json() for frame in self.frames],
        }

    def write(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        with written_atomically(path) as temporary:
            temporary.write_text(json.dumps(self.as_json(), indent=1), encoding="utf-8")


def _as_list(vector: NDArray[np.float64] | None) -> list[float] | None:
    return None if vector is None else [float(value) for value in vector]
