"""What the tissue looked like before the guide came."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.image_plane import ImagePlane
from InstrumentTrackerLib.localization.samples.guide_course import GuideCourse

# Under the guide, and a little beyond its end, tissue is remembered.
HIDDEN_BEYOND_MM, HIDDEN_HALF_MM = 4.0, 10.0
# Pictures of few lines show the guide's ghost as far ahead: they are believed where the samples agree on its end.
AHEAD_MM, AHEAD_HALF_MM, AGREED_MM = 25.0, 11.0, 6.0
# Share of a new picture in the memory there.
AHEAD_RATE = 0.5

Image = NDArray[np.float32]


class GuideTissue:
    """Pictures of the slices without the guide; one that was there from the beginning cannot be told from tissue."""

    def __init__(self) -> None:
        self.pictures: Image | None = None

    def update(self, pictures: Image, plane: ImagePlane, course: GuideCourse | None, end_mm: float | None) -> None:
        """Take the pictures (slice, row, col) of a frame.

        Parameters
        ----------
        course
            The guide as the picture shows it; None without.
        end_mm
            Its end in the samples, mm beyond the picture's; None where they do not tell.
        """
        if self.pictures is None or course is None or self.pictures.shape != pictures.shape:
            self.pictures = pictures.copy()
            return
        along, across = course.coordinates(plane)
        end = max(0.0, end_mm or 0.0)
        hidden = (along < end + HIDDEN_BEYOND_MM) & (np.abs(across) < HIDDEN_HALF_MM)
        ahead = (along < end + AHEAD_MM) & (np.abs(across) < AHEAD_HALF_MM)
        rate = AHEAD_RATE if end_mm is not None and abs(end_mm) < AGREED_MM else 0.0
        share = np.where(hidden, 0.0, np.where(ahead, rate, 1.0)).astype(np.float32)
        self.pictures = self.pictures + share * (pictures - self.pictures)
