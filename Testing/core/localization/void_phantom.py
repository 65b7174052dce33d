"""A needle's void in static tissue, sampled by a few coils: independent truth for the fit to the samples.

Shares no code with the package's simulator. One slice; the guide is a dark bar from below, the void continues it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.geometry import ijk_to_ras_from_parts

SIZE, PIXEL_MM, FINE = 128, 1.1, 4
# Coronal: columns run to the left, rows to the feet.
DIRECTIONS = np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]).T
GEOMETRY = ijk_to_ras_from_parts([70.0, 0.0, 70.0], DIRECTIONS, [PIXEL_MM, PIXEL_MM, 3.0])
AXIS_ANGLE = np.deg2rad(80.0)
GUIDE_TIP_PIXEL = np.array([62.0, 92.0])
NOISE = 0.015


@dataclass(frozen=True)
class VoidPhantom:
    """Tissue drawn from a seed; ``acceleration`` of every frame but the planning scan."""

    seed: int
    acceleration: float = 8.0
    noise: float = NOISE

    @property
    def axis(self) -> NDArray[np.float64]:
        return DIRECTIONS @ np.array([np.cos(AXIS_ANGLE), -np.sin(AXIS_ANGLE), 0.0])

    @property
    def guide_tip(self) -> NDArray[np.float64]:
        return np.asarray(GEOMETRY[:3, :3] @ [*GUIDE_TIP_PIXEL, 0.0] + GEOMETRY[:3, 3])

    def tip(self, depth_mm: float) -> NDArray[np.float64]:
        return np.asarray(self.guide_tip + depth_mm * self.axis)

    def picture(self, depth_mm: float | None) -> NDArray[np.float64]:
        """Noise-free magnitude (row, col); None: no instrument at all."""
        rng = np.random.default_rng(self.seed)
        texture = gaussian_filter(rng.standard_normal((SIZE, SIZE)), 3.0)
        tissue = 1.0 + 0.25 * texture / texture.std()
        row, column = np.mgrid[:SIZE, :SIZE]
        tissue = np.clip(tissue, 0.3, None) * (np.hypot(row - SIZE / 2, column - SIZE / 2) < 56)
        return tissue if depth_mm is None else tissue * (1 - _opacity(depth_mm))

    def image(self, depth_mm: float, index: int, factor: NDArray[np.float64] | float = 1.0) -> ImageFrame:
        """A perfect reconstruction."""
        picture = (factor * self.picture(depth_mm)).astype(np.float32)[None]
        return ImageFrame(picture, GEOMETRY, index, index * 0.1, index * 0.1 + 0.05)

    def frame(self, depth_mm: float, index: int, factor: NDArray[np.float64] | float = 1.0) -> KSpaceFrame:
        """Undersampled noisy lines; ``factor`` changes the contrast."""
        mask = sampling_mask("paper", SIZE, 1, self.acceleration, index, self.seed)
        return self._sampled(factor * self.picture(depth_mm), mask, index)

    def planning(self) -> KSpaceFrame:
        return self._sampled(self.picture(None), np.ones((1, SIZE), dtype=bool), 0)

    def tracked(self, needle_mm: float | None, index: int) -> TrackedPose:
        return TrackedPose(
            TrackingState.TRACKED,
            self.guide_tip,
            None if needle_mm is None else self.tip(needle_mm),
            self.axis / np.linalg.norm(self.axis),
            0.9,
            np.eye(3),
            index=index,
        )

    def derivative(self, depth_mm: float, index: int) -> NDArray[np.complex64]:
        """Of the sampled lines with respect to the depth, per mm."""
        quiet = VoidPhantom(self.seed, self.acceleration, noise=0.0)
        longer, shorter = (quiet.frame(depth_mm + step, index) for step in (0.25, -0.25))
        return np.asarray((longer.data - shorter.data)[:, shorter.mask] / 0.5)

    def _sampled(self, picture: NDArray[np.float64], mask: NDArray[np.bool_], index: int) -> KSpaceFrame:
        return sampled(picture, mask, index, self.noise, self.seed)


def sampled(picture: NDArray[Any], mask: NDArray[np.bool_], index: int, noise_std: float, seed: int) -> KSpaceFrame:
    """Noisy lines of a picture (row, col), real or complex, as four coils take them."""
    rng = np.random.default_rng([seed, index, 5])
    data = image_to_kspace(picture * _coils())[:, None]
    noise = rng.standard_normal((*data.shape, 2)) @ np.array([1, 1j])
    data = (data + noise_std * noise) * mask[None, :, :, None]
    return KSpaceFrame(data.astype(np.complex64), mask, GEOMETRY, index, index * 0.1, index * 0.1 + 0.05, "phantom")


def _coils() -> NDArray[np.complex128]:
    """Four smooth sensitivities (coil, row, col) of unit root sum of squares."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    coils = np.stack(
        [
            np.exp(-((x - a) ** 2 + (y - b) ** 2) / 1.5 + 1j * (a * x - b * y))
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))
        ]
    )
    return np.asarray(coils / np.sqrt((np.abs(coils) ** 2).sum(axis=0)))


def _opacity(depth_mm: float) -> NDArray[np.float64]:
    """Share of each pixel that guide or needle hide, from a fine grid: 9.6 and 3.2 mm wide bars with flat ends."""
    fine = (np.arange(SIZE * FINE) + 0.5) / FINE - 0.5
    x = (fine[None, :] - GUIDE_TIP_PIXEL[0]) * PIXEL_MM
    y = (fine[:, None] - GUIDE_TIP_PIXEL[1]) * PIXEL_MM
    along = x * np.cos(AXIS_ANGLE) - y * np.sin(AXIS_ANGLE)
    across = np.abs(x * np.sin(AXIS_ANGLE) + y * np.cos(AXIS_ANGLE))
    solid = ((along < 5.0) & (across < 4.8)) | ((along < depth_mm) & (across < 1.6))
    return solid.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3)) * 0.95
