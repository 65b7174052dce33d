"""The pixels in which something may appear: a band along its expected course."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.samples.sample_course import Course
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# Half the width at the guide, and how much it widens per mm ahead: tracked positions and angles are not exact.
HALF_WIDTH_MM = 5.0
WIDENING = 0.05

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SampleBand:
    """Evenly spaced columns of an image, in each of them as many rows.

    Attributes
    ----------
    first_column, step
        Number of the first column, and to the next one.
    rows
        int (col, row), row numbers.
    along, across
        float64 (col, row), mm from the guide tip along the line, and beside the expected course.
    """

    first_column: int
    rows: NDArray[np.intp]
    along: Array
    across: Array
    step: int = 1

    @classmethod
    def around(cls, plane: ImagePlane, course: Course, ends: tuple[float, float]) -> SampleBand | None:
        """The band between two distances (mm) from the guide tip; None where it lies outside of the image."""
        along, across = course.coordinates(plane)
        half = HALF_WIDTH_MM + WIDENING * np.maximum(along, 0)
        return cls.of((along > ends[0]) & (along < ends[1]) & (np.abs(across) < half), along, across)

    @classmethod
    def of(cls, inside: NDArray[np.bool_], along: Array, across: Array, step: int = 1) -> SampleBand | None:
        """Columns and rows about chosen pixels, with the coordinates of all pixels, (row, col) each."""
        some = np.flatnonzero(inside.any(axis=0))
        if some.size == 0:
            return None
        columns = np.arange(some[0], some[-1] + 1, step)
        chosen = inside[:, columns]
        first = chosen.argmax(axis=0)
        last = inside.shape[0] - 1 - chosen[::-1].argmax(axis=0)
        n_rows = int((last - first).max()) + 1
        rows = np.minimum(first, inside.shape[0] - n_rows)[:, None] + np.arange(n_rows)
        index = (rows, columns[:, None])
        return cls(int(columns[0]), rows, along[index], across[index], step)

    @property
    def columns(self) -> slice:
        """Its columns of an image."""
        return slice(self.first_column, self.first_column + self.step * self.rows.shape[0], self.step)
