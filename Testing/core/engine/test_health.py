"""What a monitor is told."""

import math

import pytest
from TemporalReconLib.engine import health as health_module
from TemporalReconLib.engine.health import Health


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test moves it."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(health_module, "time", clock)
    return clock


def test_without_frames_it_waits_and_says_what_to_do(clock):
    report = Health().report()
    assert report.state == "waiting" and "start the scanner" in report.reason
    assert math.isnan(report.latency_ms_median)


def test_latency_figures_are_those_of_the_last_hundred_pictures(clock):
    health = Health()
    for latency in [1e6] * 50 + list(range(1, 101)):
        health.picture_shown(latency, 0)
    report = health.report()
    assert report.latency_ms_median == 50.5
    assert report.latency_ms_p95 == pytest.approx(95.05)
    assert report.shown == 150


@pytest.mark.parametrize(("interval_s", "limit_s"), [(0.1, 1.0), (0.48, 2.4)])
def test_a_stream_counts_as_stalled_after_five_of_its_intervals_but_not_within_a_second(clock, interval_s, limit_s):
    health = Health()
    for _ in range(10):
        clock.now += interval_s
        health.frame_arrived()
    clock.now += limit_s - 0.01
    assert health.report().state == "running"
    clock.now += 0.02
    report = health.report()
    assert report.state == "stalled" and "check the scanner's stream" in report.reason


def test_a_failure_is_told_until_the_next_picture(clock):
    health = Health()
    health.frame_arrived()
    health.frame_rejected("CUDA out of memory")
    assert (health.report().state, health.report().reason) == ("failed", "CUDA out of memory")
    health.picture_shown(10.0, n_skipped=2)
    report = health.report()
    assert (report.state, report.reason, report.rejected, report.skipped) == ("running", "", 1, 2)


def test_a_doubtful_picture_is_said_until_a_good_one_comes() -> None:
    health = Health()
    health.frame_arrived()
    health.picture_shown(10.0, 0, doubtful_quality=0.31)
    assert health.report().state == "running"
    assert "unreliable (quality 31 %)" in health.report().reason
    health.picture_shown(10.0, 0)
    assert health.report().reason == ""
