"""What the tissue looked like before the guide came."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.samples.guide_course import GuideCourse
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# Under the guide, and a little beyond its end, tissue is remembered.
HIDDEN_BEYOND_MM, HIDDEN_HALF_MM = 4.0, 10.0
# Pictures of few lines show the guide's ghost as far ahead: they are believed where the samples agree on its end.
AHEAD_MM, AHEAD_HALF_MM, AGREED_MM = 25.0, 11.0, 6.0
# Share of a new picture in the memory there.
AHEAD_RATE = 0.5
# A picture may miss the guide; after so many it has gone.
HIDING_FRAMES = 20
# Lines this near to each other are one guide's.
SAME_DEG, SAME_MM = 10.0, 8.0

Image = NDArray[np.float32]


class GuideTissue:
    """Pictures of the slices without the guide; one that was there from the beginning cannot be told from tissue."""

    def __init__(self) -> None:
        self.pictures: Image | None = None
        self._hiding: list[_Hiding] = []

    def update(
        self, pictures: Image, plane: ImagePlane, course: GuideCourse | None, end_mm: float | None, is_shown: bool
    ) -> None:
        """Take the pictures (slice, row, col) of a frame.

        Parameters
        ----------
        course
            The guide; None without.
        end_mm
            Its end in the samples, mm beyond that of the course; None where they do not tell.
        is_shown
            The course is the picture's; otherwise only the samples show a guide, and the picture lags behind.
        """
        if self.pictures is None or self.pictures.shape != pictures.shape:
            self.pictures = pictures.copy()
            return
        self._hiding = [hiding.aged() for hiding in self._hiding if hiding.frames_left > 0]
        if course is not None:
            self._hiding = [hiding for hiding in self._hiding if not hiding.course.is_near(course, SAME_DEG, SAME_MM)]
            rate = AHEAD_RATE if is_shown and end_mm is not None and abs(end_mm) < AGREED_MM else 0.0
            self._hiding.append(_Hiding(course, max(0.0, end_mm or 0.0), rate, HIDING_FRAMES))
        share = np.ones(pictures.shape[1:], dtype=np.float32)
        for hiding in self._hiding:
            share = np.minimum(share, hiding.share(plane))
        self.pictures = self.pictures + share * (pictures - self.pictures)


@dataclass(frozen=True)
class _Hiding:
    """A guide that hides tissue, or may hide it although this picture does not show it.

    Attributes
    ----------
    course, end_mm
        Where, and how far beyond the picture's end.
    rate
        Share of a new picture in the memory ahead of it.
    frames_left
        How long it counts if no picture shows it again.
    """

    course: GuideCourse
    end_mm: float
    rate: float
    frames_left: int

    def aged(self) -> _Hiding:
        return replace(self, rate=0.0, frames_left=self.frames_left - 1)

    def share(self, plane: ImagePlane) -> Image:
        """Of a new picture in the memory, (row, col)."""
        along, across = self.course.coordinates(plane)
        hidden = (along < self.end_mm + HIDDEN_BEYOND_MM) & (np.abs(across) < HIDDEN_HALF_MM)
        ahead = (along < self.end_mm + AHEAD_MM) & (np.abs(across) < AHEAD_HALF_MM)
        return np.where(hidden, 0.0, np.where(ahead, self.rate, 1.0)).astype(np.float32)
