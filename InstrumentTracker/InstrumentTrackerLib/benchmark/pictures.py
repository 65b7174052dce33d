"""What is kept of a series for the figures: the slice with the tip, and where things are in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.geometry import Matrix, directions_of, ras_to_ijk, spacing_of
from TemporalReconLib.simulation.biopsy_plan import BiopsyPlan

from InstrumentTrackerLib.benchmark.shown import Shown
from InstrumentTrackerLib.evaluation.reported_pose import ReportedPose

Arrays = dict[str, NDArray[Any]]
Array = NDArray[np.float64]

VIEW_MM = 150.0
_WHITE_PERCENTILE = 99.0


def kept_pictures(shown: Sequence[Shown], reports: Sequence[ReportedPose], plan: BiopsyPlan) -> Arrays:
    """Per frame, in pixels (col, row) of a square of 15 cm around the biopsy; NaN where something is not known.

    ``images`` uint8 and ``labels`` (frame, row, col) of the slice nearest to the tip; ``true_guide``,
    ``true_needle``, ``guide``, ``needle`` (frame, 2); ``axis`` (frame, 2) pixels per mm; ``ellipse`` (frame, 2, 2)
    covariance of the tip; ``target`` (frame, 2) and ``target_off_mm`` (frame,), its distance from the slice.
    """
    geometry = shown[0].image.ijk_to_ras
    shape = shown[0].image.data.shape
    rows, columns = _window(ras_to_ijk(geometry, plan.target - 25.0 * plan.axis), shape, spacing_of(geometry))
    corner = np.array([columns.start, rows.start], dtype=np.float64)
    # The whole series shares one gray scale, as on a screen.
    white = max(float(np.percentile([frame.image.data for frame in shown], _WHITE_PERCENTILE)), 1e-9)
    kept: dict[str, list[Any]] = {}
    for frame, report in zip(shown, reports, strict=True):
        middle = _slice_of(frame, report, geometry, shape[0])
        labels = np.zeros(shape[1:], np.uint8) if report.mask is None else report.mask.labels[middle]
        truth = frame.truth
        target = ras_to_ijk(geometry, plan.target)
        values = {
            "images": np.round(255 * np.clip(frame.image.data[middle][rows, columns] / white, 0, 1)).astype(np.uint8),
            "labels": labels[rows, columns],
            "slices": middle,
            "true_guide": _pixel(geometry, truth.guide_tip if truth.visible else None, corner),
            "true_needle": _pixel(geometry, truth.needle_tip if truth.visible else None, corner),
            "guide": _pixel(geometry, report.guide_tip, corner),
            "needle": _pixel(geometry, report.needle_tip, corner),
            "axis": _in_plane(geometry, report.axis),
            "ellipse": _ellipse(geometry, report.covariance),
            "target": target[:2] - corner,
            "target_off_mm": abs(target[2] - middle) * spacing_of(geometry)[2],
        }
        for name, value in values.items():
            kept.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in kept.items()} | {"pixel_mm": np.array(spacing_of(geometry)[0])}


def _slice_of(frame: Shown, report: ReportedPose, geometry: Matrix, n_slices: int) -> int:
    """Nearest to the true tip, else to the one that is shown, else the middle one."""
    truth = frame.truth
    tip = (truth.needle_tip if truth.needle_tip is not None else truth.guide_tip) if truth.visible else None
    if tip is None:
        tip = report.needle_tip if report.needle_tip is not None else report.guide_tip
    index = n_slices // 2 if tip is None else round(float(ras_to_ijk(geometry, tip)[2]))
    return int(np.clip(index, 0, n_slices - 1))


def _window(center: Array, shape: tuple[int, ...], spacing: Array) -> tuple[slice, slice]:
    """Rows and columns of the view, moved inside the image."""

    def span(middle: float, size: int, pixel_mm: float) -> slice:
        width = min(round(VIEW_MM / pixel_mm), size)
        first = min(max(round(middle - width / 2), 0), size - width)
        return slice(first, first + width)

    return span(center[1], shape[1], spacing[1]), span(center[0], shape[2], spacing[0])


def _pixel(geometry: Matrix, point: Array | None, corner: Array) -> Array:
    return np.full(2, np.nan) if point is None else ras_to_ijk(geometry, point)[:2] - corner


def _in_plane(geometry: Matrix, axis: Array | None) -> Array:
    if axis is None:
        return np.full(2, np.nan)
    return np.asarray((directions_of(geometry).T @ axis)[:2] / spacing_of(geometry)[:2])


def _ellipse(geometry: Matrix, covariance: Array | None) -> Array:
    if covariance is None:
        return np.full((2, 2), np.nan)
    to_pixels = (directions_of(geometry) / spacing_of(geometry)).T[:2]
    return np.asarray(to_pixels @ covariance @ to_pixels.T)
