"""The demo's table says what was measured, and where nothing was, that."""

from __future__ import annotations

from InstrumentTrackerLib.demo.live_run import LiveRun
from InstrumentTrackerLib.demo.summary import Truth, summarize, table


def test_a_run_in_which_nothing_was_found_claims_no_error() -> None:
    tips = {0: [1.0, 2.0, 3.0], 1: None}
    text = table(summarize(LiveRun([], 2), 2, 16.0, Truth(None, None, tips, tips)))
    assert "None" not in text
    assert "guide tip     not measured" in text
    assert "sent 2, shown 0, skipped 2" in text
