"""Scores of every contender at every acceleration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from InstrumentTrackerLib.benchmark.registry import CONTENDERS
from InstrumentTrackerLib.evaluation.frame_statistics import Lag, Mean, Rate
from InstrumentTrackerLib.evaluation.measurement import Row
from InstrumentTrackerLib.evaluation.scores import SUCCESS_MM, Scores
from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM


class Summary:
    """Results in groups.

    Attributes
    ----------
    scores
        By acceleration and contender, both in the order of the tables.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        collected: dict[tuple[float, str], list[Row]] = defaultdict(list)
        for row in rows:
            collected[float(row["acceleration"]), str(row["method"])].append(row)
        order = list(CONTENDERS)
        self.scores: dict[float, dict[str, Scores]] = {}
        for acceleration, name in sorted(collected, key=lambda place: (place[0], order.index(place[1]))):
            self.scores.setdefault(acceleration, {})[name] = Scores(collected[acceleration, name])

    @property
    def accelerations(self) -> list[float]:
        return list(self.scores)

    @property
    def contenders(self) -> list[str]:
        """Every contender that has results, in the order of the tables."""
        found = {name for scores in self.scores.values() for name in scores}
        return [name for name in CONTENDERS if name in found]

    def of(self, acceleration: float, name: str) -> Scores | None:
        return self.scores.get(acceleration, {}).get(name)

    def entries(self) -> list[dict[str, Any]]:
        """One JSON object for each acceleration and contender."""
        return [
            {"acceleration": acceleration, "contender": name} | _as_json(scores)
            for acceleration, group in self.scores.items()
            for name, scores in group.items()
        ]


def _as_json(scores: Scores) -> dict[str, Any]:
    median_ms, p95_ms = scores.ms
    return {
        "series": scores.n_series,
        "guide_tip_mm": _json_mean(scores.guide),
        "guide_tip_in_plane_mm": _json_mean(scores.mean("guide_in_plane_mm")),
        "needle_tip_mm": _json_mean(scores.needle),
        "needle_tip_in_plane_mm": _json_mean(scores.mean("needle_in_plane_mm")),
        "needle_depth_over_cramer_rao_bound": scores.ratio_to_bound,
        "axis_deg": _json_mean(scores.axis),
        "found": json_rate(scores.found),
        "within_5_mm": json_rate(scores.within(SUCCESS_MM)),
        "within_3_mm": json_rate(scores.within(CLOSE_MM)),
        "within_5_mm_once_found": json_rate(scores.kept),
        "frames_to_find_the_guide": scores.frames_to_find,
        "needle_found": json_rate(scores.needle_found),
        "needle_invented": json_rate(scores.needle_invented),
        "false_alarms": json_rate(scores.false_alarms),
        "false_alarms_by_cause": {cause: json_rate(rate) for cause, rate in scores.false_alarms_by_cause.items()},
        "states": {state: json_rate(rate) for state, rate in scores.states.items()},
        "sure_and_right": json_rate(scores.sure_and_right),
        "sure_and_right_needle": json_rate(scores.sure_and_right_needle),
        "calibration_error": scores.calibration_error,
        "reliability": [{"confidence": each.confidence, **json_rate(each.right)} for each in scores.reliability],
        "lag_frames": {point: _json_lag(scores.lag(point)) for point in ("guide", "needle")},
        "frames_to_follow_a_shot": scores.frames_to_follow,
        "ms": {"median": median_ms, "p95": p95_ms},
    }


def json_rate(rate: Rate) -> dict[str, Any]:
    """Share and interval as JSON types."""
    return {"hits": rate.hits, "n": rate.n, "share": rate.share, "interval": rate.interval}


def _json_mean(mean: Mean | None) -> dict[str, Any] | None:
    return None if mean is None else asdict(mean)


def _json_lag(lag: Lag | None) -> dict[str, Any] | None:
    return None if lag is None else asdict(lag)
