"""From when on a picture is stale: three usual intervals, at least half a second, at most five."""

from __future__ import annotations

import pytest
from TemporalReconLib.frame_clock import FrameClock


def clock_of(interval_s: float, n_pictures: int) -> FrameClock:
    clock = FrameClock()
    for index in range(n_pictures):
        clock.picture_arrived(100.0 + index * interval_s)
    return clock


def test_fast_series_are_stale_after_half_a_second() -> None:
    assert clock_of(0.05, 50).stale_after_s == 0.5
    assert FrameClock().stale_after_s == 0.5


def test_slow_series_are_stale_after_three_intervals() -> None:
    assert clock_of(1.2, 10).stale_after_s == pytest.approx(3.6)


def test_no_picture_is_live_for_longer_than_five_seconds() -> None:
    assert clock_of(10.0, 10).stale_after_s == 5.0


def test_one_long_pause_does_not_change_what_is_usual() -> None:
    clock = clock_of(0.4, 20)
    clock.picture_arrived(200.0)
    assert clock.stale_after_s == pytest.approx(1.2)


def test_another_pace_is_learned() -> None:
    clock = clock_of(1.0, 20)
    for index in range(15):
        clock.picture_arrived(300.0 + 0.1 * index)
    assert clock.stale_after_s == 0.5
