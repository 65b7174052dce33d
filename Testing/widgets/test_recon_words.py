"""What the lines of the Temporal Recon panel say of a session, word by word."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import pytest
from TemporalReconLib.engine_client.report import EngineReport, StartUpStep
from TemporalReconLib.engine_client.session import SessionState, SessionStatus
from TemporalReconLib.playback.player_status import PlayerState, PlayerStatus

RUNNING = SessionStatus(
    SessionState.RUNNING,
    n_frames=40,
    latency_s=0.08,
    quality=0.92,
    silence_s=0.1,
    age_s=0.25,
    report=EngineReport("cpu", 6100.0, 0.084, 0.1205, 45, 40, 3, 2),
)
STALE = replace(RUNNING, state=SessionState.STALLED, reason="no picture for 3.2 s", silence_s=3.2, age_s=3.4)
TRIANGLE, DISK = "\N{BLACK UP-POINTING TRIANGLE}", "\N{BLACK CIRCLE}"


@pytest.fixture
def words(app: Any) -> Any:
    """A module of ours that needs Slicer's names."""
    return lambda name: importlib.import_module(f"TemporalReconLib.module.{name}")


def test_the_monitor_says_live_reliable_and_how_many(words: Any) -> None:
    monitor = words("mrml_monitor_section")
    assert "live, 0.2 s old" in monitor.pictureText(RUNNING) and DISK in monitor.pictureText(RUNNING)
    assert "reliable, 92 %" in monitor.qualityText(RUNNING) and DISK in monitor.qualityText(RUNNING)
    assert monitor.framesText(RUNNING) == "45 in, 40 shown, 3 skipped, 2 lost"
    assert monitor.latencyText(RUNNING) == "84 ms median, 120 ms 95th percentile"


def test_a_picture_that_is_old_when_it_comes_is_called_late_not_live(words: Any) -> None:
    text = words("mrml_monitor_section").pictureText
    assert TRIANGLE in text(replace(RUNNING, age_s=5.4)) and "late, 5.4 s old" in text(replace(RUNNING, age_s=5.4))
    slow = replace(RUNNING, stale_after_s=3.6, silence_s=1.0)
    assert "live, 5.4 s old" in text(replace(slow, age_s=5.4)), "a method that lags four frames of a slow series"
    assert "late, 7.3 s old" in text(replace(slow, age_s=7.3))


def test_a_doubtful_picture_has_another_shape_and_word(words: Any) -> None:
    text = words("mrml_monitor_section").qualityText(replace(RUNNING, quality=0.31))
    assert TRIANGLE in text and "unreliable, 31 %" in text


def test_no_figure_is_shown_that_is_not_known_or_not_true_any_more(words: Any) -> None:
    monitor, nothing = words("mrml_monitor_section"), SessionStatus(SessionState.WAITING)
    for text in (monitor.pictureText, monitor.qualityText, monitor.framesText, monitor.latencyText):
        assert text(nothing) == "\N{EN DASH}"
    assert monitor.qualityText(STALE) == "\N{EN DASH}"
    assert TRIANGLE in monitor.pictureText(STALE) and "not live, 3.4 s old" in monitor.pictureText(STALE)
    assert monitor.qualityText(replace(RUNNING, quality=None)) == "not estimated by this method"


def test_ages_are_told_with_as_many_digits_as_one_can_read(words: Any) -> None:
    age = words("mrml_status_text").ageText
    assert [age(value) for value in (0.04, 9.94, 59.6, 600.0)] == ["0.0 s old", "9.9 s old", "60 s old", "10 min old"]


def test_a_players_reason_replaces_the_scanners(words: Any) -> None:
    explained = words("mrml_player_words").explained
    assert explained(STALE, None) is STALE
    assert explained(RUNNING, PlayerStatus(PlayerState.PAUSED)) is RUNNING
    assert explained(STALE, PlayerStatus(PlayerState.PLAYING)) is STALE
    paused = explained(STALE, PlayerStatus(PlayerState.PAUSED))
    assert (paused.reason, paused.advice) == ("the series is paused", "Press Play in Source.")
    assert paused.state is SessionState.PAUSED and paused.is_stale
    failed = explained(STALE, PlayerStatus(PlayerState.FAILED, "no such file"))
    assert failed.state is SessionState.STALLED and failed.reason == "no such file"


def test_the_axis_of_the_plot_ends_at_a_round_number(words: Any) -> None:
    top = words("mrml_latency_plot").axisTop
    assert [top(value) for value in (0.0, 12.0, 100.0, 101.0, 430.0, 999.0, 2100.0)] == [
        *(100.0, 100.0, 100.0, 200.0),
        *(500.0, 1000.0, 5000.0),
    ]


def test_the_step_under_way_is_told_when_the_one_before_is_done(words: Any) -> None:
    text = words("mrml_status_text").stepText
    assert text(StartUpStep()) == "Step 1 of 4: checking the environment"
    assert text(StartUpStep(2, 4, "weights: temporal")) == "Step 3 of 4: first computation"
    assert text(StartUpStep(4, 4, "listening on 127.0.0.1:18944")) == "Step 4 of 4: opening the port"
    assert text(StartUpStep(1, 6, "another engine's step")) == "Step 2 of 6: another engine's step"


def test_answers_to_commands_are_told_with_their_reason(words: Any) -> None:
    answers = words("mrml_run_section").answersText([("RESET", ""), ("RECORD", "started without a folder")])
    assert answers == "Reset: the series begins afresh\nRecording refused: started without a folder"
