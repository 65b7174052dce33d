"""What a terminal shows of a running engine."""

from __future__ import annotations

import math
import time

from TemporalReconLib.engine.health import Health, HealthReport
from TemporalReconLib.engine.terminal_line import terminal_line


def test_an_engine_that_waits_says_so_without_figures_it_does_not_have() -> None:
    line = terminal_line(Health().report())
    assert line.startswith("waiting: 0 frames in, 0 pictures out; no frame has arrived yet")


def test_a_running_engine_tells_its_latency_and_what_got_lost() -> None:
    health = Health()
    for latency_ms in (100.0, 200.0, 300.0):
        health.frame_arrived()
        health.picture_shown(latency_ms, 2, None)
    line = terminal_line(health.report())
    assert line.startswith("running: 3 frames in, 3 pictures out, 6 skipped, latency 200 ms (median), ")


def test_time_that_passes_is_no_event_but_a_frame_is() -> None:
    health = Health()
    before = health.report().events
    time.sleep(0.01)
    assert health.report().events == before
    health.frame_arrived()
    assert health.report().events != before


def test_what_is_wrong_stands_at_the_end() -> None:
    report = HealthReport("failed", "the frame has no samples", 1, 0, 4, 5, 0, 0, math.nan, math.nan)
    expected = "failed: 5 frames in, 1 pictures out, 4 could not be used; the frame has no samples"
    assert terminal_line(report) == expected
