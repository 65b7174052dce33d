"""Target, path and slice stack of a simulated biopsy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.geometry import Matrix, ijk_to_ras_from_center, rotation
from TemporalReconLib.simulation.pelvis import ANAL_VERGE
from TemporalReconLib.simulation.simulation_config import SLICE_THICKNESS_MM

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class BiopsyPlan:
    """What the radiologist planned (mm, RAS).

    Attributes
    ----------
    target
        Point to sample.
    entry
        Point near the anus about which the guide turns; entry to target is the planned path.
    axis
        Unit vector entry to target.
    ijk_to_ras
        Slice stack along the path; the path lies (nearly) in slice ``n_slices // 2``.
    """

    target: Vector
    entry: Vector
    axis: Vector
    ijk_to_ras: Matrix

    @classmethod
    def random(
        cls,
        generator: np.random.Generator,
        orientation: str,
        matrix: int,
        pixel_mm: float,
        n_slices: int,
        prostate: Vector,
    ) -> BiopsyPlan:
        uniform = generator.uniform
        target = prostate + np.array([uniform(-12, 12), uniform(-8, 2), uniform(-7, 8)])
        entry = prostate + np.array(ANAL_VERGE) + uniform(-1, 1, 3) * np.array([4.0, 5.0, 5.0])
        axis = (target - entry) / np.linalg.norm(target - entry)
        columns = np.array([-1.0, 0.0, 0.0]) if orientation == "coronal" else np.array([0.0, 0.0, -1.0])
        normal = _unit(np.cross(axis, columns))
        if orientation == "coronal":
            first, second = columns, np.cross(normal, columns)
            second = second if second @ axis < 0 else -second
        else:
            second, first = columns, np.cross(columns, normal)
            first = first if first[1] < 0 else -first
        # Planes are set by hand: they miss the path by a little.
        directions = np.stack([first, second, np.cross(first, second)], axis=1)
        directions = directions @ rotation(np.deg2rad(uniform(-1, 1, 3) * np.array([0.8, 0.8, 3.0])))
        center = target - uniform(5, 22) * axis + directions @ (uniform(-1, 1, 3) * np.array([10.0, 6.0, 0.5]))
        center = center + directions[:, 2] * SLICE_THICKNESS_MM * ((n_slices - 1) / 2 - n_slices // 2)
        spacing = (pixel_mm, pixel_mm, SLICE_THICKNESS_MM)
        return cls(target, entry, axis, ijk_to_ras_from_center(center, directions, spacing, (matrix, matrix, n_slices)))


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector))
