"""The goals, each with the number that was measured: passed, failed, or not measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from TemporalReconLib.benchmark.verdict import FAIL, NOT_MEASURED, PASS, Verdict

from InstrumentTrackerLib.benchmark.registry import PRODUCT
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.benchmark.tables import lag_text
from InstrumentTrackerLib.benchmark.timing import TIMED_SLICES, Timing
from InstrumentTrackerLib.evaluation.frame_statistics import Lag
from InstrumentTrackerLib.evaluation.scores import SUCCESS_MM, Scores


@dataclass(frozen=True)
class Goal:
    """At one acceleration: errors in mm, rates as shares."""

    guide_mm: float
    guide_upper_mm: float
    needle_mm: float
    success: float
    false_alarms: float


GOALS = {
    1.0: Goal(0.8, 1.0, 1.2, 0.995, 0.005),
    8.0: Goal(1.2, 1.5, 1.6, 0.99, 0.005),
    16.0: Goal(1.5, 1.8, 2.0, 0.98, 0.01),
    25.0: Goal(1.9, 2.3, 2.5, 0.96, 0.01),
    32.0: Goal(2.3, 2.8, 3.0, 0.93, 0.01),
}
AXIS_DEG, AXIS_UP_TO = 1.5, 16.0
SURE_AND_RIGHT = 0.95
LAG_FRAMES = 0.5
FOLLOW_FRAMES = 2
CPU_MS, GPU_MS = 250.0, 10.0


def verdicts(summary: Summary, timing: Timing | None) -> list[Verdict]:
    """Every goal in turn, all for the product."""
    found: list[Verdict] = []
    for acceleration, goal in GOALS.items():
        scores = summary.of(acceleration, PRODUCT)
        found += list(_at(f"R = {acceleration:g}: ", acceleration, goal, scores))
    return [*found, _time(timing)]


def _at(prefix: str, acceleration: float, goal: Goal, scores: Scores | None) -> Iterator[Verdict]:
    if scores is None:
        yield Verdict(f"{prefix}all goals", NOT_MEASURED, "no results")
        return
    guide, needle, axis = scores.guide, scores.needle, scores.axis
    yield _at_most(f"{prefix}guide tip, mean", goal.guide_mm, None if guide is None else guide.mean, "mm")
    yield _at_most(f"{prefix}guide tip, 95 % upper", goal.guide_upper_mm, None if guide is None else guide.upper, "mm")
    yield _at_most(f"{prefix}needle tip, mean", goal.needle_mm, None if needle is None else needle.mean, "mm")
    yield _at_least(f"{prefix}guide tip within {SUCCESS_MM:g} mm", goal.success, scores.within(SUCCESS_MM).share)
    alarms = scores.false_alarms.share
    yield _at_most(
        f"{prefix}false alarms", 100 * goal.false_alarms, None if alarms is None else 100 * alarms, "%", digits=1
    )
    if acceleration <= AXIS_UP_TO:
        yield _at_most(f"{prefix}axis, mean", AXIS_DEG, None if axis is None else axis.mean, "deg")
    sure = "within 3 mm where confidence >= 0.9"
    yield _at_least(f"{prefix}guide tip {sure}", SURE_AND_RIGHT, scores.sure_and_right.share)
    yield _at_least(f"{prefix}needle tip {sure}", SURE_AND_RIGHT, scores.sure_and_right_needle.share)
    yield from (_lag(f"{prefix}{point} tip lag", scores.lag(point)) for point in ("guide", "needle"))
    followed = scores.followed_within(FOLLOW_FRAMES).share
    yield _at_least(f"{prefix}a shot followed within {FOLLOW_FRAMES} frames", 1.0, followed)


def _at_most(goal: str, limit: float, value: float | None, unit: str, digits: int = 2) -> Verdict:
    text = f"{goal} <= {limit:g} {unit}"
    if value is None:
        return Verdict(text, NOT_MEASURED, "too few frames or series")
    return Verdict(text, PASS if value <= limit else FAIL, f"{value:.{digits}f} {unit}")


def _at_least(goal: str, limit: float, share: float | None) -> Verdict:
    text = f"{goal} >= {100 * limit:g} %"
    if share is None:
        return Verdict(text, NOT_MEASURED, "no such frames")
    return Verdict(text, PASS if share >= limit else FAIL, f"{100 * share:.1f} %")


def _lag(goal: str, lag: Lag | None) -> Verdict:
    text = f"{goal} <= {LAG_FRAMES:g} frame intervals"
    if lag is None:
        return Verdict(text, NOT_MEASURED, "too few frames of steady advance")
    return Verdict(text, PASS if lag.frames <= LAG_FRAMES else FAIL, lag_text(lag))


def _time(timing: Timing | None) -> Verdict:
    limit = CPU_MS if timing is None or not timing.on_gpu else GPU_MS
    quantile = "p95" if timing is not None and timing.on_gpu else "median"
    text = f"segmentation + localization + tracking of {TIMED_SLICES} slices, {quantile} <= {limit:g} ms"
    if timing is None:
        return Verdict(text, NOT_MEASURED, "not timed")
    value = timing.p95_ms if timing.on_gpu else timing.median_ms
    return Verdict(text, PASS if value <= limit else FAIL, f"{value:.0f} ms on {timing.device}")
