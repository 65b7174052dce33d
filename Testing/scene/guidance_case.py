"""A synthetic oblique case for the scene tests: a soft body with a bright spot, a dark guide and a darker needle."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL, InstrumentMask
from InstrumentTrackerLib.targeting.assessment import Assessment
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import ijk_to_ras_from_center

SHAPE = (3, 256, 256)
SPACING = (1.1, 1.1, 3.0)
NEEDLE_LENGTH_MM = 22.0


def oblique_directions() -> np.ndarray:
    """Near-coronal slices (i to the left, j down, k to the front), turned by 20 and 8 degrees."""
    coronal = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    a, b = np.radians(20.0), np.radians(8.0)
    about_r = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_a = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    return about_a @ about_r @ coronal


@dataclass(frozen=True)
class GuidanceCase:
    """One frame as the pipeline would hand it over."""

    image: ImageFrame
    mask: InstrumentMask
    tracked: TrackedPose
    assessment: Assessment
    target: np.ndarray
    entry: np.ndarray


def guidance_case(
    index: int = 0,
    advance_mm: float = 0.0,
    state: TrackingState = TrackingState.TRACKED,
    stream_id: str = "case",
    center: tuple[float, float, float] = (4.0, -20.0, 35.0),
) -> GuidanceCase:
    """Build a frame; ``advance_mm`` pushes the instrument along its axis."""
    directions = oblique_directions()
    ijk_to_ras = ijk_to_ras_from_center(center, directions, SPACING, SHAPE[::-1])
    in_plane_axis = np.array([np.sin(np.radians(15.0)), -np.cos(np.radians(15.0)), 0.0])  # up, a little to the side
    axis = directions @ in_plane_axis
    axis /= np.linalg.norm(axis)
    middle = ijk_to_ras @ np.array([128.0, 128.0, 1.0, 1.0])
    guide_tip = middle[:3] + (advance_mm - 12.0) * axis
    needle_tip = guide_tip + NEEDLE_LENGTH_MM * axis
    side = np.cross(axis, directions[:, 2])
    target = middle[:3] + 24.0 * axis + 5.0 * side
    entry = target - 90.0 * (axis + 0.04 * side) / np.linalg.norm(axis + 0.04 * side)

    k, j, i = np.indices(SHAPE)
    points = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ ijk_to_ras.T
    offset = points[..., :3] - guide_tip
    along = offset @ axis
    across = np.linalg.norm(offset - along[..., None] * axis, axis=-1)
    guide = (along < 0) & (along > -90) & (across < 5.5)
    needle = (along >= 0) & (along < NEEDLE_LENGTH_MM) & (across < 1.6)

    rng = np.random.default_rng(7)
    radius = np.hypot((i - 128) / 105.0, (j - 128) / 88.0)
    pixels = np.where(radius < 1.0, 0.45 + 0.12 * np.sin(i / 17.0) * np.cos(j / 13.0), 0.02)
    pixels += 0.5 * (np.hypot((i - 128) / 28.0, (j - 75) / 18.0) < 1.0)  # a bright bladder above
    pixels[guide], pixels[needle] = 0.08, 0.03
    pixels = np.abs(pixels + 0.02 * rng.standard_normal(SHAPE)).astype(np.float32)
    labels = (GUIDE_LABEL * guide + NEEDLE_LABEL * needle).astype(np.uint8)

    time_s = 1000.0 + 0.1 * index
    image = ImageFrame(
        pixels, ijk_to_ras, index, time_s - 0.05, time_s + 0.02, stream_id, quality=0.87, acceleration=16.0,
        method="temporal", latency_s=0.04,
    )  # fmt: skip
    covariance = 0.4 * np.outer(axis, axis) + 0.2 * np.outer(side, side)
    covariance += 2.0 * np.outer(directions[:, 2], directions[:, 2])
    found = TrackedPose(
        TrackingState.TRACKED, guide_tip, needle_tip, axis, 0.93, covariance, index=index, time_s=time_s
    )
    assessment = Assessment.of(found, Target(target, entry), BiopsyNeedle())
    assert assessment is not None
    tracked = replace(found, state=state) if state.has_numbers else TrackedPose(state, index=index, time_s=time_s)
    return GuidanceCase(image, InstrumentMask(labels, ijk_to_ras, index), tracked, assessment, target, entry)


def skip_on_a_busy_machine() -> None:
    """Times mean nothing while others use all processors several times over."""
    if os.getloadavg()[0] > 2 * (os.cpu_count() or 1):
        pytest.skip("the machine is too busy to measure times")
