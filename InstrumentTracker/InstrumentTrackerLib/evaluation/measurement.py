"""A reported pose against the truth: one row of the results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.geometry import angle_deg
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.evaluation.reported_pose import ReportedPose

Row = dict[str, Any]
Array = NDArray[np.float64]

# A hand advances the needle by a few mm per frame; it is fired 20 mm within one.
FIRED_MM = 10.0
# An advance counts as constant if the steps before and after a frame differ by no more than this, mm or part of it.
STEADY_MM, STEADY_SHARE = 0.5, 0.25
_DIGITS = 4


def truth_rows(truths: Sequence[FrameTruth]) -> list[Row]:
    """What every contender's row states of a frame.

    ``visible``: the guide tip is in the slices; ``needle_visible``: so is a needle beyond it; ``guide_speed_mm``,
    ``needle_speed_mm``: constant advance along the axis per frame interval, None where it is not constant;
    ``since_firing``: frames since the needle was fired (0: the first that shows it), None before and without.
    """
    guide = [truth.guide_tip if truth.visible else None for truth in truths]
    needle = [truth.needle_tip if truth.visible else None for truth in truths]
    fired = firing_frame(truths)
    return [
        {
            "frame": n,
            "visible": truth.visible,
            "needle_visible": needle[n] is not None,
            "guide_speed_mm": _steady_speed(guide, truth.axis, n),
            "needle_speed_mm": _steady_speed(needle, truth.axis, n),
            "since_firing": None if fired is None or n < fired else n - fired,
        }
        for n, truth in enumerate(truths)
    ]


def firing_frame(truths: Sequence[FrameTruth]) -> int | None:
    """First frame that shows the fired needle in the slices; None where there is no shot."""
    for n in range(1, len(truths)):
        before, after = truths[n - 1].needle_tip, truths[n].needle_tip
        if before is not None and after is not None and np.linalg.norm(after - before) > FIRED_MM:
            return n if truths[n].visible else None
    return None


def reported_row(report: ReportedPose, truth: FrameTruth, normal: Array) -> Row:
    """Errors in mm and degrees, None where one of both does not exist.

    Parameters
    ----------
    normal
        Unit normal of the slices, RAS.
    """
    row: Row = {
        "state": report.state,
        "confidence": round(report.confidence, _DIGITS),
        "has_numbers": report.has_numbers,
        "has_needle": report.needle_tip is not None,
        "ms": round(1e3 * report.seconds, 3),
    }
    for name, measured, true in (
        ("guide", report.guide_tip, truth.guide_tip),
        ("needle", report.needle_tip, truth.needle_tip),
    ):
        row |= _point_row(name, measured, true if truth.visible else None, truth.axis, normal)
    if truth.visible and report.axis is not None and truth.axis is not None:
        row["axis_error_deg"] = _rounded(angle_deg(report.axis, truth.axis))
    return row


def _point_row(name: str, measured: Array | None, true: Array | None, axis: Array | None, normal: Array) -> Row:
    if measured is None or true is None:
        return {}
    error = measured - true
    row = {
        f"{name}_error_mm": _rounded(np.linalg.norm(error)),
        f"{name}_in_plane_mm": _rounded(np.linalg.norm(error - (error @ normal) * normal)),
    }
    # Readers may mark a tip without the direction.
    return row if axis is None else row | {f"{name}_along_mm": _rounded(float(error @ axis))}


def _steady_speed(course: Sequence[Array | None], axis: Array | None, n: int) -> float | None:
    if not 0 < n < len(course) - 1 or axis is None:
        return None
    before, now, after = course[n - 1 : n + 2]
    if before is None or now is None or after is None:
        return None
    first, second = float((now - before) @ axis), float((after - now) @ axis)
    mean = 0.5 * (first + second)
    is_steady = abs(second - first) <= max(STEADY_MM, STEADY_SHARE * abs(mean))
    return _rounded(mean) if is_steady else None


def _rounded(value: float | np.floating) -> float:
    return round(float(value), _DIGITS)
