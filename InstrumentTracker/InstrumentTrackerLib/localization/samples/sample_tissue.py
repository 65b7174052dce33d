"""What the tissue looked like where the needle is now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.samples.sample_course import Course
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# The needle hides what lies this near to its course, up to a little beyond its tip.
HIDDEN_HALF_MM, HIDDEN_BEYOND_MM = 3.0, 2.5
# A picture of few lines may show a needle that has just moved too short or too long by so much.
DOUBTED_MM = 8.0
# Share of the new picture in the memory: next to the tip, and for what is guessed from both sides of the needle.
DOUBTED_RATE, HIDDEN_RATE = 0.3, 0.1

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


class TissueMemory:
    """Pictures of the slices without the needle.

    Taken from the newest picture, but where that shows the needle from the last one that did not. What is hidden for
    long drifts toward what the needle's two sides look like.
    """

    def __init__(self) -> None:
        self._pictures: Image | None = None

    def update(self, pictures: Image, plane: ImagePlane, course: Course | None) -> Image:
        """Take the pictures (slice, row, col) of the next frame, with the needle where it was then; without it."""
        if course is None or course.needle_mm is None:
            self._pictures = pictures.copy()
            return self._pictures
        beside = course.coordinates(plane)[1]
        hidden, doubted = hidden_by(course, plane)
        direction = course.line.normal / plane.spacing[:2]
        seen = pictures.copy()
        for picture in seen:
            picture[hidden] = _from_both_sides(picture, hidden, beside, direction)
        if self._pictures is None:
            self._pictures = seen
        rate = np.where(hidden, HIDDEN_RATE, np.where(doubted, DOUBTED_RATE, 1.0)).astype(np.float32)
        self._pictures = self._pictures + rate * (seen - self._pictures)
        return self._pictures


def hidden_by(course: Course, plane: ImagePlane) -> tuple[Mask, Mask]:
    """Pixels (row, col) that the known needle hides, and those where its tip may be."""
    along, beside = course.coordinates(plane)
    needle_mm = course.needle_mm
    if needle_mm is None or needle_mm <= CAP_REACH_MM:
        nothing = np.zeros(along.shape, dtype=bool)
        return nothing, nothing
    near = (np.abs(beside) < HIDDEN_HALF_MM) & (along > CAP_REACH_MM)
    end = needle_mm + HIDDEN_BEYOND_MM
    return near & (along < end), near & (along > needle_mm - DOUBTED_MM) & (along < needle_mm + DOUBTED_MM)


def _from_both_sides(
    picture: Image, hidden: Mask, beside: NDArray[np.float64], direction: NDArray[np.float64]
) -> Image:
    """Each hidden pixel between the two borders of what is hidden; ``direction`` in pixels (x, y) per mm across."""
    row, column = np.nonzero(hidden)
    here = beside[hidden]
    sides = []
    for side in (-1, 1):
        step = side * (HIDDEN_HALF_MM + 0.5) - here
        there = [row + step * direction[1], column + step * direction[0]]
        sides.append(ndimage.map_coordinates(picture, there, order=1, mode="nearest"))
    share = (here + HIDDEN_HALF_MM) / (2 * HIDDEN_HALF_MM)
    return np.asarray((1 - share) * sides[0] + share * sides[1], dtype=np.float32)
