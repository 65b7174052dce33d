"""Probabilities of guide and needle drawn from a phantom's truth, as good or as bad as a test wants them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bar_phantom import BarCase
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.localization.masks.mask_localizer import MaskLocalizer
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

GUIDE_RADIUS_MM, NEEDLE_RADIUS_MM = 5.4, 1.4
CAP_REACH_MM = 5.0
SOFT_MM = 1.2
# Fitted on such masks: what the shipped network's masks are worth is another matter.
CALIBRATION = Path(__file__).with_name("drawn_masks_calibration.json")


def a_localizer() -> MaskLocalizer:
    """For the masks drawn here."""
    return MaskLocalizer(Calibration.read(CALIBRATION))


@dataclass(frozen=True)
class MaskFaults:
    """What a segmentation gets wrong.

    Attributes
    ----------
    strength
        Highest probability.
    shift_mm
        Of the end along the axis.
    gap_mm
        (from, to) before the guide tip where nothing is seen.
    blob_mm
        Length of a false bar elsewhere.
    noise
        Standard deviation of smooth noise at the edges.
    bend_mm
        Sideways offset of the needle at 30 mm.
    organ_mm
        Length beyond the tip, 20 degrees aside, that the first slice shows of an organ taken for the guide.
    """

    strength: float = 1.0
    shift_mm: float = 0.0
    gap_mm: tuple[float, float] | None = None
    blob_mm: float = 0.0
    noise: float = 0.0
    bend_mm: float = 0.0
    organ_mm: float = 0.0


def probabilities(case: BarCase, faults: MaskFaults | None = None) -> NDArray[np.float32]:
    """(2, slice, row, col), guide then needle; a round bar with a round end and a thin one that continues it."""
    f = faults or MaskFaults()
    shape = case.image.data.shape
    k, j, i = np.indices(shape).astype(np.float64)
    matrix = case.image.ijk_to_ras
    points = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3] - case.guide_tip
    along = points @ case.axis - f.shift_mm
    radial = np.sqrt(np.maximum((points**2).sum(-1) - (points @ case.axis) ** 2, 0))
    rng = np.random.default_rng(case.image.index)
    rough = f.noise * gaussian_filter(rng.normal(size=shape), (0, 2, 2)) * 7
    beyond = np.maximum(along - (CAP_REACH_MM - GUIDE_RADIUS_MM), 0)
    depth = GUIDE_RADIUS_MM - np.where(beyond > 0, np.hypot(radial, beyond), radial)
    guide = _soft(np.minimum(depth, along + 92) + rough)
    if f.gap_mm is not None:
        guide *= 1 - ((along < -f.gap_mm[0]) & (along > -f.gap_mm[1]))
    if f.blob_mm:
        center, direction = matrix[:3] @ [shape[2] * 0.8, shape[1] * 0.25, shape[0] // 2, 1], matrix[:3, 0]
        blob = points + case.guide_tip - center
        on = np.abs(blob @ direction / np.linalg.norm(direction)) < f.blob_mm / 2
        off = np.abs(blob @ matrix[:3, 1] / np.linalg.norm(matrix[:3, 1])) < 4
        guide = np.maximum(guide, on & off)
    if f.organ_mm:
        turn = np.deg2rad(20.0)
        direction = np.cos(turn) * case.axis + np.sin(turn) * side_of(case)
        ahead = points @ direction
        off = np.sqrt(np.maximum((points**2).sum(-1) - ahead**2, 0))
        organ = _soft(np.minimum(GUIDE_RADIUS_MM - off, np.minimum(ahead + 20, f.organ_mm - ahead)))
        guide[0] = np.maximum(guide[0], organ[0])
    needle = np.zeros(shape)
    if case.needle_tip is not None:
        length = float((case.needle_tip - case.guide_tip) @ case.axis)
        side = side_of(case)
        bent = points - side * f.bend_mm * (np.clip(along, 0, None) / 30)[..., None] ** 2
        off = np.sqrt(np.maximum((bent**2).sum(-1) - (bent @ case.axis) ** 2, 0))
        # Half a slice of partial volume shows a void that is thinner than the slice.
        depth = NEEDLE_RADIUS_MM + 0.7 - off
        needle = _soft(np.minimum(depth, length - along) + rough) * (
            1 - _soft(GUIDE_RADIUS_MM - np.hypot(radial, beyond))
        )
        needle *= along > CAP_REACH_MM - 2
    return np.asarray(f.strength * np.stack([guide, needle]), dtype=np.float32)


def side_of(case: BarCase) -> NDArray[np.float64]:
    """Unit vector across the axis in the plane."""
    normal = np.cross(case.image.ijk_to_ras[:3, 0], case.image.ijk_to_ras[:3, 1])
    side = np.cross(normal, case.axis)
    return np.asarray(side / np.linalg.norm(side))


def mask_of(case: BarCase, values: NDArray[np.float32]) -> InstrumentMask:
    """With labels where the probability exceeds one half."""
    labels = np.zeros(values.shape[1:], np.uint8)
    labels[values[0] >= 0.5] = 1
    labels[(values[1] >= 0.5) & (values[1] > values[0])] = 2
    return InstrumentMask(labels, case.image.ijk_to_ras, case.image.index, values)


def _soft(depth_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.clip(0.5 + depth_mm / SOFT_MM, 0, 1))
