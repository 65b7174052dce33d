"""What is known of every frame of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.frame_series import Frame, Series
from TemporalReconLib.acquisition.series import require_same_geometry
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, ras_to_ijk, spacing_of
from TemporalReconLib.simulation.truth import FrameTruth
from TemporalReconLib.training.recorded_truth import read_frame_truths

from InstrumentTrackerLib.evaluation.study.cases.markups_file import MarkedPoints, read_markups
from InstrumentTrackerLib.evaluation.study.cases.reference_mask import mask_pixels, read_masks
from InstrumentTrackerLib.evaluation.study.cases.study_case import StudyCase, is_markups, is_mask, is_truth
from InstrumentTrackerLib.localization.appearance.guide_profile import GUIDE_RADIUS_MM
from InstrumentTrackerLib.localization.drawn_mask import draw_mask
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# A point that far from the slices is not in the picture, nor is the guide behind it.
_OUTSIDE_MM = 2 * GUIDE_RADIUS_MM


@dataclass(frozen=True, eq=False)
class CaseAnnotation:
    """Truth by frame.

    Attributes
    ----------
    truths
        One per frame; None where nothing is known, so that the frame does not count.
    masks
        Drawn by a reader; None without.
    is_simulated
        The simulator's truth, from which a mask can be drawn.
    """

    truths: tuple[FrameTruth | None, ...]
    masks: Series | None = None
    is_simulated: bool = False

    def mask(self, index: int, plane: ImagePlane) -> NDArray[np.bool_] | None:
        """bool (slice, row, col) of guide and needle; None where it is not known."""
        if self.masks is not None:
            return mask_pixels(self.masks, index)
        truth = self.truths[index]
        if not self.is_simulated or truth is None:
            return None
        if not truth.visible or truth.width is None:
            return np.zeros(plane.shape, dtype=bool)
        pose = InstrumentPose(truth.guide_tip, truth.needle_tip, truth.axis, 1.0, index=index)
        return np.asarray(draw_mask(plane, pose, guide_radius_mm=truth.width / 2).labels > 0)


def annotation_of(case: StudyCase, series: Series, frames: str) -> CaseAnnotation:
    """Read the annotations of a case for its opened series.

    Raises
    ------
    InputError
        If a file cannot be read or does not fit the series.
    """
    n_frames = len(series)
    masks = [path for path in case.annotations if is_mask(path)]
    truths = [path for path in case.annotations if is_truth(path)]
    points = [path for path in case.annotations if is_markups(path)]
    if max(len(masks), len(truths)) > 1:
        raise InputError(f"{case.key}: two masks or two truths; give one of each kind")
    drawn = read_masks(masks[0], frames, n_frames) if masks else None
    if drawn is not None:
        for index in range(n_frames):
            require_same_geometry(drawn.frame(index), series.frame(index), f"mismatched geometry: {masks[0]}")
    if truths:
        return CaseAnnotation(_simulated(truths[0], series), drawn, is_simulated=True)
    if not case.annotations:
        return CaseAnnotation(tuple(_absent(index) for index in range(n_frames)))
    marked = points_by_frame(points, n_frames)
    if points and not any(marked):
        raise InputError(f"missing annotation: no point is placed in {points[0]}")
    seen = [None if point is None else _truth(point, series.frame(index)) for index, point in enumerate(marked)]
    if points and not any(truth is not None for truth in seen):
        raise InputError(f"mismatched geometry: the points of {points[0]} lie in none of the frames")
    return CaseAnnotation(tuple(seen), drawn)


def points_by_frame(paths: Sequence[Path], n_frames: int) -> list[MarkedPoints | None]:
    """What markups say of each frame; None where they say nothing.

    Raises
    ------
    InputError
        As :func:`~InstrumentTrackerLib.evaluation.study.cases.markups_file.read_markups`; also if they speak of a frame
        that does not exist.
    """
    everywhere: MarkedPoints | None = None
    by_frame: dict[int, MarkedPoints] = {}
    for path in paths:
        for frame, points in read_markups(path).items():
            is_placed = points.guide is not None or points.needle is not None
            if frame is None:
                everywhere = points if is_placed else everywhere
            elif frame >= n_frames:
                raise InputError(f"mismatched geometry: {path} marks frame {frame}, but there are {n_frames}")
            elif is_placed:
                by_frame[frame] = points
    return [by_frame.get(index, everywhere) for index in range(n_frames)]


def _simulated(path: Path, series: Series) -> tuple[FrameTruth, ...]:
    truths = read_frame_truths(path, series.name)
    if len(truths) != len(series):
        raise InputError(f"mismatched geometry: {path} has {len(truths)} frames, {series.name} has {len(series)}")
    return tuple(truths)


def _truth(points: MarkedPoints, frame: Frame) -> FrameTruth | None:
    """What a frame shows of marked points: None where their slice is near, so that it shows something else of it."""
    tip = points.guide if points.guide is not None else points.needle
    assert tip is not None
    shape = frame.image_shape if hasattr(frame, "image_shape") else frame.data.shape
    inside, beyond_mm = _place(frame.ijk_to_ras, shape, tip)
    if not inside:
        return _absent(frame.index) if beyond_mm > _OUTSIDE_MM else None
    return FrameTruth(frame.index, 0.0, True, points.guide, points.needle, points.axis, None)


def _place(ijk_to_ras: Matrix, shape: tuple[int, ...], point: NDArray[np.float64]) -> tuple[bool, float]:
    """Whether a point lies in a stack (slice, row, col), and how far beyond its slices."""
    i, j, k = ras_to_ijk(ijk_to_ras, point)
    in_plane = -0.5 <= i <= shape[2] - 0.5 and -0.5 <= j <= shape[1] - 0.5
    beyond = max(-0.5 - k, k - shape[0] + 0.5, 0.0)
    return bool(in_plane and beyond == 0), float(beyond * spacing_of(ijk_to_ras)[2])


def _absent(index: int) -> FrameTruth:
    return FrameTruth(index, 0.0, False, None, None, None, None)
