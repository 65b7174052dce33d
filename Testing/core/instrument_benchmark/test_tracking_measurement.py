"""Readings of known error give the rows, scores and verdicts that follow from them."""

from collections.abc import Callable

import numpy as np
import pytest
from InstrumentTrackerLib.benchmark.failure_figure import worst, worst_error
from InstrumentTrackerLib.benchmark.goals import verdicts
from InstrumentTrackerLib.benchmark.registry import PRODUCT
from InstrumentTrackerLib.benchmark.strip_figure import moments
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.benchmark.tables import markdown
from InstrumentTrackerLib.evaluation.measurement import firing_frame, reported_row, truth_rows
from InstrumentTrackerLib.evaluation.reported_pose import ReportedPose
from InstrumentTrackerLib.evaluation.scores import LEFT, NEVER_THERE, NOT_YET, Scores
from TemporalReconLib.benchmark.verdict import FAIL, NOT_MEASURED, PASS
from TemporalReconLib.simulation.truth import FrameTruth

NORMAL = np.array([0.0, 1.0, 0.0])
AXIS = np.array([0.0, 0.0, 1.0])
FRAMES = 24
FIRED = 19
Change = Callable[[int, ReportedPose], ReportedPose]


def truth(n: int, kind: str = "ordinary") -> FrameTruth:
    """The guide enters at frame 2, advances 6 mm per frame until frame 8; the needle is fired in frame 19."""
    if kind == "without instrument" or n < 2:
        return FrameTruth(n, 0.2 * n, False, None, None, None, None)
    guide = np.array([10.0, 20.0, min(6.0 * (n - 2), 36.0)])
    extension = 0.0 if n < 10 else (30.0 if n >= FIRED else 10.0)
    needle = guide + extension * AXIS if extension else None
    visible = not (kind == "leaving the plane" and n >= 15)
    return FrameTruth(n, 0.2 * n, visible, guide, needle, AXIS, 10.0)


def perfect(n: int, kind: str) -> ReportedPose:
    true = truth(n, kind)
    if not true.visible:
        return ReportedPose("absent")
    return ReportedPose("tracked", true.guide_tip, true.needle_tip, true.axis, 0.95, np.eye(3), None, 0.02)


def rows_of(change: Change | None = None, kind: str = "ordinary", series: int = 0, acceleration: float = 16.0) -> list:
    truths = [truth(n, kind) for n in range(FRAMES)]
    identity = {"method": PRODUCT, "series": series, "acceleration": acceleration, "mask": "golden", "planning": True}
    found = []
    for n, true_row in enumerate(truth_rows(truths)):
        reading = perfect(n, kind)
        reading = reading if change is None else change(n, reading)
        found.append(identity | {"kind": kind} | true_row | reported_row(reading, truths[n], NORMAL))
    return found


def moved(offset: list[float]) -> Change:
    def change(n: int, reading: ReportedPose) -> ReportedPose:
        if reading.guide_tip is None:
            return reading
        needle = None if reading.needle_tip is None else reading.needle_tip + offset
        return ReportedPose("tracked", reading.guide_tip + offset, needle, reading.axis, reading.confidence)

    return change


def test_an_offset_is_measured_in_3d_in_plane_and_along_the_axis() -> None:
    scores = Scores(rows_of(moved([3.0, 12.0, -4.0])))
    assert scores.guide.mean == pytest.approx(13.0)
    assert scores.mean("guide_in_plane_mm").mean == pytest.approx(5.0)
    assert scores.needle.mean == pytest.approx(13.0)
    assert {row["guide_along_mm"] for row in scores.rows if row["visible"]} == {-4.0}
    assert scores.within(5.0).hits == 0
    assert (scores.found.hits, scores.found.n) == (22, 22)


def test_the_axis_error_is_the_angle_between_the_directions() -> None:
    tilted = np.array([0.0, np.sin(np.deg2rad(7.0)), np.cos(np.deg2rad(7.0))])

    def tilt(n: int, reading: ReportedPose) -> ReportedPose:
        return ReportedPose("tracked", reading.guide_tip, None, tilted, 1.0) if reading.has_numbers else reading

    assert Scores(rows_of(tilt)).axis.mean == pytest.approx(7.0, abs=1e-3)


def test_a_frame_without_numbers_counts_as_failed() -> None:
    scores = Scores(rows_of(lambda n, reading: ReportedPose("lost", confidence=0.2) if n in (5, 6) else reading))
    assert (scores.within(5.0).hits, scores.within(5.0).n) == (20, 22)
    assert scores.guide.n == 20
    assert scores.states["lost"].hits == 2


def test_how_late_it_is_found_and_how_well_it_is_kept_are_told_apart() -> None:
    """It enters in frame 2, is shown wrong in 3, found in frame 5, and lost in 10 and 11."""

    def change(n: int, reading: ReportedPose) -> ReportedPose:
        if n == 3:
            return moved([0.0, 0.0, 9.0])(n, reading)
        return ReportedPose("lost") if n in (2, 4, 10, 11) else reading

    never = rows_of(lambda n, reading: ReportedPose("absent"), series=1)
    without = rows_of(kind="without instrument", series=2)
    scores = Scores([*rows_of(change), *never, *without])
    assert scores.frames_to_find == [3, None]
    assert (scores.kept.hits, scores.kept.n) == (16, 18)


def test_the_shot_is_the_frame_in_which_the_needle_jumps() -> None:
    truths = [truth(n) for n in range(FRAMES)]
    assert firing_frame(truths) == FIRED
    assert firing_frame([truth(n, "leaving the plane") for n in range(FRAMES)]) is None
    assert firing_frame([truth(n, "without instrument") for n in range(FRAMES)]) is None


@pytest.mark.parametrize("late", [0, 1, 3])
def test_frames_to_follow_a_shot_are_counted_from_the_first_that_shows_it(late: int) -> None:
    def change(n: int, reading: ReportedPose) -> ReportedPose:
        if FIRED <= n < FIRED + late:
            return ReportedPose("predicted", reading.guide_tip, truth(FIRED - 1).needle_tip, reading.axis, 0.5)
        return reading

    scores = Scores(rows_of(change))
    assert scores.frames_to_follow == [late]
    assert scores.followed_within(2).share == (1.0 if late <= 2 else 0.0)


def test_a_needle_that_is_never_found_again_never_followed_the_shot() -> None:
    assert Scores(rows_of(lambda n, r: ReportedPose("lost") if n >= FIRED else r)).frames_to_follow == [None]


def test_a_track_one_frame_behind_has_a_lag_of_one_frame() -> None:
    def behind(n: int, reading: ReportedPose) -> ReportedPose:
        before = truth(max(n - 1, 2))
        return ReportedPose("tracked", before.guide_tip, None, AXIS, 1.0) if reading.has_numbers else reading

    rows = [row for series in range(4) for row in rows_of(behind, series=series)]
    assert Scores(rows).lag("guide").frames == pytest.approx(1.0, abs=0.02)
    assert Scores([row for series in range(4) for row in rows_of(series=series)]).lag("guide").frames == 0.0


def test_false_alarms_are_told_apart_by_cause() -> None:
    def ghost(n: int, reading: ReportedPose) -> ReportedPose:
        return reading if reading.has_numbers else ReportedPose("predicted", np.zeros(3), None, AXIS, 0.95)

    kinds = ("ordinary", "without instrument", "leaving the plane")
    scores = Scores([row for number, kind in enumerate(kinds) for row in rows_of(ghost, kind, number)])
    by_cause = {cause: (rate.hits, rate.n) for cause, rate in scores.false_alarms_by_cause.items()}
    assert by_cause == {NEVER_THERE: (24, 24), NOT_YET: (4, 4), LEFT: (9, 9)}
    assert scores.false_alarms.share == 1.0
    # A sure position of something that is not there is wrong.
    assert scores.sure_and_right.hits == scores.sure_and_right.n - 37


def test_a_needle_reported_while_it_is_in_the_guide_is_counted() -> None:
    def invents(n: int, reading: ReportedPose) -> ReportedPose:
        if reading.guide_tip is None:
            return reading
        return ReportedPose("tracked", reading.guide_tip, reading.guide_tip + 20 * AXIS, AXIS, 0.9)

    scores = Scores(rows_of(invents))
    assert (scores.needle_invented.hits, scores.needle_invented.n) == (8, 8)
    assert scores.needle_found.share == 1.0


def test_the_ratio_to_the_bound_is_one_for_an_error_that_is_as_large_as_the_bound_allows() -> None:
    depths = np.random.default_rng(0).normal(0, 0.2, 400)
    rows = [
        row | {"needle_bound_mm": 0.2, "needle_along_mm": depth}
        for row, depth in zip(rows_of()[-1:] * depths.size, depths, strict=True)
    ]
    assert Scores(rows).ratio_to_bound == pytest.approx(1.0, abs=0.12)
    assert Scores(rows_of()).ratio_to_bound is None


def outcomes(rows: list) -> dict[str, str]:
    return {verdict.goal.split(" <=")[0].split(" >=")[0]: verdict.outcome for verdict in verdicts(Summary(rows), None)}


def test_perfect_readings_pass_and_what_was_not_run_is_not_claimed() -> None:
    found = outcomes([row for series in range(6) for row in rows_of(series=series)])
    at_16 = {goal: outcome for goal, outcome in found.items() if goal.startswith("R = 16")}
    # The needle of these series never advances steadily.
    assert at_16.pop("R = 16: needle tip lag") == NOT_MEASURED
    assert set(at_16.values()) == {PASS}
    assert found["R = 8: all goals"] == NOT_MEASURED
    assert found["segmentation + localization + tracking of 5 slices, median"] == NOT_MEASURED


@pytest.mark.parametrize(("offset", "expected"), [(1.5, PASS), (1.51, FAIL)])
def test_a_goal_is_met_up_to_its_limit(offset: float, expected: str) -> None:
    rows = [row for series in range(6) for row in rows_of(moved([offset, 0.0, 0.0]), series=series)]
    assert outcomes(rows)["R = 16: guide tip, mean"] == expected
    assert outcomes(rows)["R = 16: guide tip, 95 % upper"] == PASS


def test_a_bound_is_claimed_for_no_fewer_than_six_series() -> None:
    found = outcomes([row for series in range(5) for row in rows_of(series=series)])
    assert found["R = 16: guide tip, mean"] == PASS
    assert found["R = 16: guide tip, 95 % upper"] == NOT_MEASURED


def test_the_report_says_simulated_and_what_was_left_out() -> None:
    rows = rows_of()
    text = markdown(["a fact"], Summary(rows), verdicts(Summary(rows), None), {"samples": "no such thing"})
    assert "**simulated**" in text
    assert "`samples`: left out: no such thing" in text
    assert "| `product` | **0.00**" in text


def test_the_worst_frames_are_no_more_than_two_of_a_series() -> None:
    one = rows_of(moved([9.0, 0.0, 0.0]))
    other = rows_of(moved([4.0, 0.0, 0.0]), series=1)
    found = worst(one + other, worst_error, 10)
    assert [row["series"] for row in found] == [0, 0, 1, 1]


def test_strips_show_the_frames_around_the_shot() -> None:
    chosen = moments(rows_of())
    assert {2, FIRED - 1, FIRED, FIRED + 1, FRAMES - 1} <= set(chosen)
    assert len(chosen) <= 7
    assert len(moments(rows_of(kind="without instrument"))) == 7
