"""An analytically drawn needle guide over textured tissue: independent truth for the localization tests.

Shares no code with the package's simulator. Sizes and signals follow what is known of the instrument in bSSFP:
dark wall, two bright gel lines that end 4.5 mm before the guide tip, darker core, a dark cap that reaches 5 mm
beyond the tip, and a dark needle continuing the axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ijk_to_ras_from_parts

# Directions of (column, row, slice) in RAS.
DIRECTIONS = {
    "coronal": np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]).T,
    "sagittal": np.array([[0, -1.0, 0], [0, 0, -1.0], [-1.0, 0, 0]]).T,
}
ANGLES = {"coronal": (62.0, 112.0), "sagittal": (115.0, 155.0)}


@dataclass(frozen=True, eq=False)
class BarCase:
    image: ImageFrame
    guide_tip: NDArray[np.float64]
    needle_tip: NDArray[np.float64] | None
    axis: NDArray[np.float64]


@dataclass(frozen=True)
class BarOptions:
    """Overrides of what is otherwise drawn from the seed."""

    present: bool = True
    orientation: str = "coronal"
    shape: tuple[int, int, int] = (3, 256, 256)
    spacing: tuple[float, float, float] = (1.094, 1.094, 3.0)
    angle_deg: float | None = None
    needle_mm: float | None = None
    gel: tuple[float, float] | None = None
    offset_mm: float | None = None
    tip_xy: tuple[float, float] | None = None
    tilt_deg: float | None = None
    noise: float | None = None
    scale: float = 1.0
    oblique_deg: float | None = None


def draw_case(seed: int, options: BarOptions | None = None) -> BarCase:
    """One image with known truth; everything not overridden is drawn from the seed."""
    o = options or BarOptions()
    rng = np.random.default_rng(seed)
    directions = _rotation(rng.normal(size=3), np.deg2rad(rng.uniform(0, 12))) @ DIRECTIONS[o.orientation]
    if o.oblique_deg is not None:
        directions = _rotation(np.array([1.0, 0, 0]), np.deg2rad(o.oblique_deg)) @ DIRECTIONS[o.orientation]
    n_slices, rows, columns = o.shape
    size = np.array([columns, rows, n_slices]) * np.array(o.spacing)
    center = rng.uniform(-20, 20, 3)
    origin = center - directions @ ((np.array([columns, rows, n_slices]) - 1) / 2 * np.array(o.spacing))
    geometry = ijk_to_ras_from_parts(origin, directions, o.spacing)

    angle = np.deg2rad(o.angle_deg if o.angle_deg is not None else rng.uniform(*ANGLES[o.orientation]))
    tilt = np.deg2rad(o.tilt_deg if o.tilt_deg is not None else rng.normal(0, 1.5))
    axis = np.array([np.cos(angle) * np.cos(tilt), -np.sin(angle) * np.cos(tilt), np.sin(tilt)])
    offset = o.offset_mm if o.offset_mm is not None else rng.uniform(-1.5, 1.5)
    xy = o.tip_xy if o.tip_xy is not None else tuple(rng.uniform(-22, 22, 2))
    tip = np.array([xy[0], xy[1], offset])
    needle_mm = o.needle_mm if o.needle_mm is not None else (0.0 if rng.uniform() < 0.3 else rng.uniform(12, 40))

    # Slice coordinates in mm about the center of the stack.
    x = ((np.arange(columns) - (columns - 1) / 2) * o.spacing[0])[None, None, :]
    y = ((np.arange(rows) - (rows - 1) / 2) * o.spacing[1])[None, :, None]
    z = ((np.arange(n_slices) - (n_slices - 1) / 2) * o.spacing[2])[:, None, None]
    image = _tissue(rng, x, y, z, size)
    if o.present:
        image = _with_instrument(rng, image, (x, y, z), o, tip, axis, needle_mm)
    else:
        rng.uniform(size=20)
    image = gaussian_filter(image, (0, 0.35, 0.35)) * _bias(rng, x, y)
    sigma = o.noise if o.noise is not None else rng.uniform(0.01, 0.04)
    noisy = image + sigma * (rng.normal(size=image.shape) + 1j * rng.normal(size=image.shape))
    frame = ImageFrame((np.abs(noisy) * o.scale).astype(np.float32), geometry, index=seed)
    tip_ras = center + directions @ tip
    axis_ras = directions @ axis
    needle = tip_ras + needle_mm * axis_ras if o.present and needle_mm > 8 else None
    return BarCase(frame, tip_ras, needle, axis_ras)


def _with_instrument(rng, image, points, o, tip, axis, needle_mm):
    gel_radius, gel_width = rng.uniform(3.0, 4.0), rng.uniform(1.0, 1.6)
    radius = gel_radius + rng.uniform(1.6, 2.1)
    gel_signal = o.gel if o.gel is not None else tuple(rng.uniform(0.3, 1.1, 2))
    dark, core_signal = rng.uniform(0.02, 0.06), rng.uniform(0.04, 0.2)
    needle_radius = rng.uniform(1.0, 2.0)
    gel_end, length = -rng.normal(4.5, 0.35), rng.uniform(86, 99)
    side = np.array([-axis[1], axis[0], 0.0])
    side /= np.linalg.norm(side)
    result = np.zeros_like(image)

    def inside(depth_mm):
        """Share of a pixel inside a surface, ``depth_mm`` being the distance of its center to it."""
        return np.clip(0.5 + depth_mm / o.spacing[0], 0, 1)

    # Five depths through the slice: partial volume of a round bar.
    for depth in np.linspace(-0.4, 0.4, 5) * o.spacing[2]:
        dx, dy, dz = points[0] - tip[0], points[1] - tip[1], points[2] + depth - tip[2]
        along = dx * axis[0] + dy * axis[1] + dz * axis[2]
        across = dx * side[0] + dy * side[1] + 0 * dz
        distance = np.sqrt(np.maximum(dx**2 + dy**2 + dz**2 - along**2, 0))
        cap_center = 5.0 - radius
        bulge = np.where(along < cap_center, distance, np.sqrt(distance**2 + (along - cap_center) ** 2))
        needle = inside(needle_radius - distance) * inside(needle_mm - along) * (along > 0)
        body = inside(radius - bulge) * inside(along + length)
        lumen = inside(gel_end - along)
        gel = lumen * inside(gel_width / 2 - np.abs(distance - gel_radius))
        core = lumen * inside(gel_radius - gel_width / 2 - distance)
        bar = dark + gel * (np.where(across > 0, *gel_signal) - dark) + core * (core_signal - dark)
        layer = image * (1 - 0.94 * needle) * (1 - body) + bar * body
        result += layer / 5
    return result


def _tissue(rng, x, y, z, size):
    shape = np.broadcast_shapes(x.shape, y.shape, z.shape)
    texture = 0.12 * gaussian_filter(rng.normal(size=shape), (0.7, 5, 5)) * 16
    texture += 0.05 * gaussian_filter(rng.normal(size=shape), (0.5, 1.5, 1.5)) * 5
    image = np.clip(0.32 + texture, 0.05, 0.75)

    def blob(cx, cy, rx, ry, angle=0.0):
        c, s = np.cos(angle), np.sin(angle)
        u, v = (x - cx) * c + (y - cy) * s, -(x - cx) * s + (y - cy) * c
        return (u / rx) ** 2 + (v / ry) ** 2 + 0 * z

    fat = blob(0, 0, 0.40 * size[0], 0.44 * size[1])
    image = np.where(fat > 1, rng.uniform(0.5, 0.8) + 0.3 * texture, image)
    for _ in range(rng.integers(3, 8)):  # fascia: thin lines between muscles, bright and dark
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.35, 0.35) * size[0]
        distance = np.abs(x * np.sin(angle) + y * np.cos(angle) - offset + 6 * np.sin(x / 30 + y / 40)) + 0 * z
        image = np.where(distance < rng.uniform(0.6, 1.5), rng.choice([0.1, 0.7]), image)
    for side in (-1, 1):  # femoral heads: dark cortex, bright marrow
        head = np.sqrt(blob(side * 85, rng.uniform(-20, 20), 25, 25))
        image = np.where(head < 1, 0.06, image)
        image = np.where(head < 0.92, 0.6 + 0.3 * texture, image)
        shaft = np.abs(x - side * 95 + 0.2 * (y - 40)) + 0 * z
        image = np.where((shaft < 14) & (y > 25), 0.06, image)
        image = np.where((shaft < 9) & (y > 25), 0.55 + 0.3 * texture, image)
    bladder = blob(rng.uniform(-15, 15), -55 + rng.uniform(-10, 10), 35, 22)
    image = np.where(bladder < 1, 1.0, image)
    for _ in range(rng.integers(0, 4)):  # gas
        gas = blob(rng.uniform(-35, 35), rng.uniform(-60, 60), *rng.uniform(4, 11, 2), rng.uniform(0, 3))
        image = np.where(gas < 1, 0.02, image)
    image = np.where(blob(0, 0, 0.47 * size[0], 0.55 * size[1]) > 1, 0.0, image)  # air
    return image


def _bias(rng, x, y):
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    ramp = (x * np.cos(angle) + y * np.sin(angle)) / 140
    bias = 1 + strength * ramp
    # A banding line: dark stripe with smooth edges.
    where, wave = rng.uniform(-100, 100), rng.uniform(0, np.pi)
    distance = x * np.cos(wave) + y * np.sin(wave) - where + 10 * np.sin((x - y) / 50)
    return np.clip(bias, 0.3, 1.7) * (1 - rng.uniform(0, 0.6) * np.exp(-((distance / 6) ** 2)))


def _rotation(vector: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    k = vector / np.linalg.norm(vector)
    cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
