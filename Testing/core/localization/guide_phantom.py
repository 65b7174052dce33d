"""A needle guide that slides into static tissue, sampled by a few coils: independent truth for the fit of its end.

Shares no code with the package's simulator. Gel lines of any brightness and phase end 4.5 mm before the guide tip, the
dark cap 5 mm beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from InstrumentTrackerLib.localization.samples.guide_course import GuideCourse
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from void_phantom import DIRECTIONS, FINE, GEOMETRY, NOISE, PIXEL_MM, SIZE, VoidPhantom, sampled


@dataclass(frozen=True)
class GuidePhantom:
    """Drawn from a seed; ``angle_deg`` is the guide's direction in the image, 90 is up, along phase encoding."""

    seed: int
    angle_deg: float = 80.0
    acceleration: float = 16.0
    noise: float = NOISE
    gel: tuple[float, float] = (0.9, 0.5)
    gel_phase: float = 1.0

    @property
    def direction(self) -> NDArray[np.float64]:
        """In the plane, (x, y) with y along the rows."""
        angle = np.deg2rad(self.angle_deg)
        return np.array([np.cos(angle), -np.sin(angle)])

    def tip(self, depth_mm: float) -> NDArray[np.float64]:
        """RAS of a guide tip that lies ``depth_mm`` beyond the middle of the image."""
        middle = np.full(2, (SIZE - 1) / 2)
        x, y = middle + depth_mm * self.direction / PIXEL_MM
        return np.asarray(GEOMETRY[:3, :3] @ [x, y, 0.0] + GEOMETRY[:3, 3])

    def picture(self, depth_mm: float | None) -> NDArray[np.complex128]:
        """Noise-free signal (row, col); None: no guide."""
        tissue = VoidPhantom(self.seed).picture(None).astype(complex)
        if depth_mm is None:
            return tissue
        fine = ((np.arange(SIZE * FINE) + 0.5) / FINE - 0.5 - (SIZE - 1) / 2) * PIXEL_MM
        x, y = fine[None, :], fine[:, None]
        along = x * self.direction[0] + y * self.direction[1] - depth_mm
        across = y * self.direction[0] - x * self.direction[1]
        body = (along < 5.0) & (np.abs(across) < 5.6)
        lines = (along < -4.5) & (np.abs(np.abs(across) - 3.4) < 0.7)
        gel = np.where(across > 0, *self.gel) * lines * np.exp(1j * (self.gel_phase + 0.01 * along))
        return tissue * (1 - _mean(body)) + _mean(gel)

    def image(self, depth_mm: float | None, index: int) -> ImageFrame:
        """What a reconstruction shows that takes the guide to end at ``depth_mm``, right or wrong."""
        picture = np.abs(self.picture(depth_mm)).astype(np.float32)[None]
        return ImageFrame(picture, GEOMETRY, index, index * 0.1, index * 0.1 + 0.05, acceleration=self.acceleration)

    def frame(self, depth_mm: float | None, index: int, contrast: float = 1.0) -> KSpaceFrame:
        """Undersampled noisy lines; ``contrast`` is an exponent of the tissue's signal."""
        picture = self.picture(depth_mm)
        if contrast != 1.0:
            picture = picture * np.abs(picture + 1e-9) ** (contrast - 1.0)
        mask = sampling_mask("golden", SIZE, 1, self.acceleration, index, self.seed)
        return sampled(picture, mask, index, self.noise, self.seed)

    def planning(self) -> KSpaceFrame:
        return sampled(self.picture(None), np.ones((1, SIZE), dtype=bool), 0, self.noise, self.seed)

    def course(self, depth_mm: float) -> GuideCourse:
        """As a picture shows it whose guide tip seems to lie at ``depth_mm``."""
        plane = ImagePlane.of(self.image(None, 0))
        point, slice_index = plane.from_ras(self.tip(depth_mm))
        line = Line.through(point, self.direction)
        return GuideCourse(line, float(point @ line.direction) + 5.0, float(slice_index))

    @property
    def axis(self) -> NDArray[np.float64]:
        return DIRECTIONS[:, :2] @ self.direction


def _mean(fine: NDArray[np.bool_] | NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.asarray(fine.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3)), dtype=complex)
