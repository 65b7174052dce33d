"""What the samples would show without a needle, and how wrong that may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from InstrumentTrackerLib.localization.samples.sample_course import Course
from InstrumentTrackerLib.localization.samples.sample_tissue import hidden_by
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# Expected errors of the previous picture: displacement of each pixel alone, of whole regions, share of the signal,
# and everywhere a share of the mean signal. Only their proportions matter: the residual sets their level.
PIXEL_SHIFT_MM, REGION_SHIFT_MM, SIGNAL_SHARE, FLOOR_SHARE, GAIN_SHARE = 0.25, 0.5, 0.05, 0.02, 0.05
# The guide's own end moves more.
GUIDE_SHIFT_MM, GUIDE_END_MM = 1.5, 10.0
# Under and near the known needle tissue is remembered or guessed.
HIDDEN_SHARE = 0.15
PHASE_SMOOTHING_PIXELS = 1.0
# Distance over which displacement and gain are alike.
SHIFT_LENGTH_MM, GAIN_LENGTH_MM = 25.0, 50.0

Image = NDArray[np.float32]
Field = NDArray[np.complex64]


@dataclass(frozen=True, eq=False)
class SampleBackground:
    """A picture of tissue and guide, and the covariance of its error: independent pixels and smooth modes.

    Attributes
    ----------
    image, variance
        complex64 and float32 (row, col).
    slopes
        complex64 (2, row, col), change of the image per mm along rows and columns.
    row_mm
        Position of the rows, (row,).
    """

    image: Field
    variance: Image
    slopes: Field
    row_mm: NDArray[np.float64]

    def modes(self, columns: slice) -> Field:
        """Smooth changes of some columns, complex64 (mode, row, col), each with an independent standard normal factor.

        Displacement and gain of stretches of the rows, in each column by itself.
        """
        shifts, gains = _bumps(self.row_mm, SHIFT_LENGTH_MM), _bumps(self.row_mm, GAIN_LENGTH_MM)
        by_row, by_column = REGION_SHIFT_MM * self.slopes[..., columns]
        image = self.image[:, columns]
        return np.concatenate([shifts * by_row, shifts * by_column, GAIN_SHARE * gains * image]).astype(np.complex64)

    @classmethod
    def of_needle(cls, picture: Image, phase: Field, plane: ImagePlane, course: Course) -> SampleBackground:
        """From the picture of a slice (row, col) without the needle, and complex64 factors (row, col) of its phase."""
        along, beside = course.coordinates(plane)
        hidden, doubted = hidden_by(course, plane)
        share = np.where(hidden | doubted, HIDDEN_SHARE, SIGNAL_SHARE)
        at_guide = (along < GUIDE_END_MM) & (along > -GUIDE_END_MM) & (np.abs(beside) < GUIDE_END_MM)
        return cls.of(picture, phase, plane, np.where(at_guide, GUIDE_SHIFT_MM, PIXEL_SHIFT_MM), share)

    @classmethod
    def of(
        cls,
        picture: Image,
        phase: Field,
        plane: ImagePlane,
        shift_mm: NDArray[np.float64],
        share: NDArray[np.float64] | float = SIGNAL_SHARE,
    ) -> SampleBackground:
        """From a picture (row, col) and its phase; how far pixels may have moved, their signal's share of error."""
        image = picture * phase
        slopes = np.gradient(ndimage.gaussian_filter(picture, 0.5) * phase)
        by_row, by_column = slopes[0] / plane.spacing[1], slopes[1] / plane.spacing[0]
        smooth = ndimage.gaussian_filter(picture, 1.0)
        variance = shift_mm**2 * (np.abs(by_row) ** 2 + np.abs(by_column) ** 2) / 2 + (share * smooth) ** 2
        variance += FLOOR_SHARE**2 * np.mean(picture**2)
        row_mm = np.arange(image.shape[0]) * plane.spacing[1]
        slopes = np.stack([by_row, by_column]).astype(np.complex64)
        return cls(image.astype(np.complex64), variance.astype(np.float32), slopes, row_mm)


def _bumps(row_mm: NDArray[np.float64], length_mm: float) -> NDArray[np.float64]:
    """Overlapping bells (mode, row, 1) that together are about one everywhere in squares."""
    centers = np.arange(0.5 * length_mm, row_mm[-1] + length_mm, length_mm)
    bells = np.exp(-(((row_mm - centers[:, None]) / (0.6 * length_mm)) ** 2) / 2)
    return (bells / np.sqrt((bells**2).sum(axis=0)))[..., None]


def smooth_phase(planned: Field) -> Field:
    """Factors of magnitude 1 (row, col) with the phase of a planning image beyond that of the sensitivities.

    It changes its sign across the dark bands of balanced sequences and at the borders of fat.
    """
    smooth = ndimage.gaussian_filter(planned, PHASE_SMOOTHING_PIXELS)
    magnitude = np.abs(smooth)
    return np.where(magnitude > 0, smooth / np.maximum(magnitude, np.finfo(np.float32).tiny), 1).astype(np.complex64)
