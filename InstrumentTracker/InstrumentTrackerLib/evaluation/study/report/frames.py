"""Result rows as columns: one entry per frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
FrameRow = dict[str, Any]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one method at one acceleration and mask, of all cases and seeds.

    Attributes
    ----------
    rows
        As ``results.jsonl`` holds them in ``frames``.
    patients
        Whose each is.
    places
        (patient, case, frame) of each; the same of every method and seed.
    """

    rows: tuple[FrameRow, ...]
    patients: NDArray[np.str_]
    places: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Frames:
        found = [(row, frame) for row in rows for frame in row["frames"]]
        return cls(
            tuple(frame for _, frame in found),
            np.array([row["patient"] for row, _ in found], dtype=str),
            tuple((row["patient"], row["case"], frame["frame"]) for row, frame in found),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, name: str) -> Array:
        """float64 (n,), NaN where a frame has none."""
        return np.array([row.get(name, np.nan) for row in self.rows], dtype=np.float64)

    def is_true(self, point: str) -> NDArray[np.bool_]:
        """Frames in which a point is known to be there."""
        return np.array([row[f"{point}_true"] for row in self.rows], dtype=bool)

    def errors(self, point: str) -> Array:
        """mm, NaN where the point was not found or is not known."""
        return self.values(f"{point}_error_mm")

    @cached_property
    def is_empty(self) -> NDArray[np.bool_]:
        """Frames in which there is known to be no instrument."""
        return np.array([row["visible"] is False for row in self.rows], dtype=bool)

    @cached_property
    def has_numbers(self) -> NDArray[np.bool_]:
        """Frames in which a position is reported."""
        return np.array([row["has_numbers"] for row in self.rows], dtype=bool)

    def where(self, chosen: Sequence[bool] | NDArray[np.bool_]) -> Frames:
        """Some of the frames."""
        indices = np.flatnonzero(chosen)
        return Frames(
            tuple(self.rows[n] for n in indices), self.patients[indices], tuple(self.places[n] for n in indices)
        )
