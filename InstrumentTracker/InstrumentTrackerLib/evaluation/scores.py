"""What the rows of one contender at one acceleration come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from InstrumentTrackerLib.evaluation.frame_statistics import (
    Bin,
    Lag,
    Mean,
    Rate,
    expected_calibration_error,
    lag_of,
    mean_with_bound,
    reliability,
)
from InstrumentTrackerLib.evaluation.measurement import Row
from InstrumentTrackerLib.evaluation.series_kind import LEAVING, WITHOUT
from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState

SUCCESS_MM = 5.0
SURE = 0.9
_MEDIAN_OF_NORMAL = 0.6745
# Why there is no instrument in the slices.
NEVER_THERE, NOT_YET, LEFT = "series without instrument", "before it enters", "after it left the plane"


class Scores:
    """Statistics over the frames of all series; see the notes of the report.

    Attributes
    ----------
    rows
        Of one contender under one condition, frames of a series in their order.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._visible = [row for row in rows if row["visible"]]
        self._absent = [row for row in rows if not row["visible"]]

    @property
    def n_series(self) -> int:
        return len({row["series"] for row in self.rows})

    def mean(self, key: str) -> Mean | None:
        """Of a column over the frames where it was measured."""
        rows = [row for row in self.rows if row.get(key) is not None]
        return mean_with_bound([row[key] for row in rows], [row["series"] for row in rows])

    @cached_property
    def guide(self) -> Mean | None:
        return self.mean("guide_error_mm")

    @cached_property
    def needle(self) -> Mean | None:
        return self.mean("needle_error_mm")

    @cached_property
    def axis(self) -> Mean | None:
        return self.mean("axis_error_deg")

    @property
    def found(self) -> Rate:
        """Frames with the instrument in the slices in which a guide tip is reported."""
        return _rate(row.get("guide_error_mm") is not None for row in self._visible)

    def within(self, limit_mm: float) -> Rate:
        """Guide tip that near, of all frames that show it; a frame without numbers counts as failed."""
        return _rate(row.get("guide_error_mm", np.inf) <= limit_mm for row in self._visible)

    @cached_property
    def _visible_by_series(self) -> list[list[Row]]:
        series = dict.fromkeys(row["series"] for row in self._visible)
        return [[row for row in self._visible if row["series"] == number] for number in series]

    @cached_property
    def frames_to_find(self) -> list[int | None]:
        """For each series, frames from the first that shows the guide to the first tip within 5 mm; None: never."""
        return [_first_success(rows) for rows in self._visible_by_series]

    @property
    def kept(self) -> Rate:
        """Guide tip within 5 mm, of the frames that show it after the one in which it was first found so."""
        found = zip(self._visible_by_series, self.frames_to_find, strict=True)
        return _rate(_is_success(row) for rows, first in found if first is not None for row in rows[first + 1 :])

    @property
    def needle_found(self) -> Rate:
        """Frames with a needle beyond the guide in which one is reported."""
        return _rate(row.get("needle_error_mm") is not None for row in self._visible if row["needle_visible"])

    @property
    def needle_invented(self) -> Rate:
        """Frames with the needle inside the guide in which one is reported beyond it."""
        return _rate(row["has_needle"] for row in self._visible if not row["needle_visible"])

    @property
    def false_alarms(self) -> Rate:
        """Frames without the instrument in the slices in which a position is reported."""
        return _rate(row["has_numbers"] for row in self._absent)

    @property
    def false_alarms_by_cause(self) -> dict[str, Rate]:
        causes: dict[str, list[bool]] = {NEVER_THERE: [], NOT_YET: [], LEFT: []}
        first_seen: dict[int, int] = {}
        for row in self._visible:
            first_seen[row["series"]] = min(first_seen.get(row["series"], row["frame"]), row["frame"])
        for row in self._absent:
            cause = NEVER_THERE if row["kind"] == WITHOUT else NOT_YET
            if row["kind"] == LEAVING and row["frame"] > first_seen.get(row["series"], row["frame"]):
                cause = LEFT
            causes[cause].append(row["has_numbers"])
        return {cause: _rate(alarms) for cause, alarms in causes.items()}

    @property
    def states(self) -> dict[str, Rate]:
        """Shares of the states among the frames that show the instrument."""
        names = dict.fromkeys([*(state.value for state in TrackingState), *(row["state"] for row in self._visible)])
        return {name: _rate(row["state"] == name for row in self._visible) for name in names}

    @cached_property
    def reliability(self) -> list[Bin]:
        """Stated confidence against the share of guide tips within 3 mm, over all frames with numbers."""
        shown = [row for row in self.rows if row["has_numbers"]]
        return reliability([row["confidence"] for row in shown], [_is_close(row, "guide") for row in shown])

    @property
    def calibration_error(self) -> float | None:
        return expected_calibration_error(self.reliability)

    @property
    def sure_and_right(self) -> Rate:
        """Guide tip within 3 mm, of the frames with numbers and a confidence of at least 0.9."""
        return _rate(_is_close(row, "guide") for row in self._sure)

    @property
    def sure_and_right_needle(self) -> Rate:
        """Needle tip within 3 mm, of the sure frames that report one."""
        return _rate(_is_close(row, "needle") for row in self._sure if row["has_needle"])

    @property
    def _sure(self) -> list[Row]:
        return [row for row in self.rows if row["has_numbers"] and row["confidence"] >= SURE]

    def lag(self, point: str) -> Lag | None:
        """Of ``guide`` or ``needle`` while it is advanced steadily."""
        rows = [
            row
            for row in self.rows
            if row.get(f"{point}_speed_mm") is not None and row.get(f"{point}_along_mm") is not None
        ]
        return lag_of([row[f"{point}_speed_mm"] for row in rows], [row[f"{point}_along_mm"] for row in rows])

    @cached_property
    def frames_to_follow(self) -> list[int | None]:
        """For each shot, frames from the first that shows it to the first needle tip within 5 mm; None: never."""
        found: dict[int, int | None] = {}
        for row in self.rows:
            since = row["since_firing"]
            if since is None:
                continue
            found.setdefault(row["series"], None)
            if found[row["series"]] is None and row.get("needle_error_mm", np.inf) <= SUCCESS_MM:
                found[row["series"]] = since
        return list(found.values())

    def followed_within(self, frames: int) -> Rate:
        """Shots whose needle tip is known at most so many frames after the first that shows it."""
        return _rate(number is not None and number <= frames for number in self.frames_to_follow)

    @property
    def ratio_to_bound(self) -> float | None:
        """Typical depth error of the needle tip over the Cramer-Rao bound of one frame's samples; 1 is the limit.

        In the last frames of the series, median against median (0.6745 standard deviations of a normal error).
        """
        ratios = [
            abs(row["needle_along_mm"]) / (_MEDIAN_OF_NORMAL * row["needle_bound_mm"])
            for row in self.rows
            if row.get("needle_bound_mm") is not None and row.get("needle_along_mm") is not None
        ]
        return float(np.median(ratios)) if ratios else None

    @property
    def ms(self) -> tuple[float, float]:
        """Median and 95th percentile of the time per frame."""
        median, p95 = np.percentile([row["ms"] for row in self.rows], (50, 95))
        return float(median), float(p95)


def _is_success(row: Row) -> bool:
    return bool(row.get("guide_error_mm", np.inf) <= SUCCESS_MM)


def _first_success(rows: Sequence[Row]) -> int | None:
    return next((number for number, row in enumerate(rows) if _is_success(row)), None)


def _is_close(row: Row, point: str) -> bool:
    """A position where there is no instrument is no near one."""
    return bool(row.get(f"{point}_error_mm", np.inf) <= CLOSE_MM)


def _rate(outcomes: Iterable[bool]) -> Rate:
    found = list(outcomes)
    return Rate(sum(map(bool, found)), len(found))
