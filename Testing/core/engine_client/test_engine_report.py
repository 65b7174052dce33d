"""What the engine says of itself, read back: start-up steps and figures; garbled ones are not known."""

from __future__ import annotations

from TemporalReconLib.engine.health import HealthReport
from TemporalReconLib.engine.pipeline import StreamCounters
from TemporalReconLib.engine.recording_state import RecordingState
from TemporalReconLib.engine.start_up import step_line
from TemporalReconLib.engine.status_message import DeviceState, status_envelope
from TemporalReconLib.engine_client.report import EngineReport, StartUpStep, start_up_step


def test_the_newest_step_of_a_start_is_found_between_other_lines() -> None:
    lines = [
        "arguments []",
        "step 1/4: environment: torch 2.13.0, cpu",
        "a warning: step 9/4 follows",
        "step 2/4: weights: x",
    ]
    assert start_up_step(lines) == StartUpStep(2, 4, "weights: x")
    assert start_up_step(["loading", "step 1/0: never", ""]) is None


def test_the_engines_own_lines_are_understood() -> None:
    assert start_up_step([step_line(3, "warm-up: 84 ms")]) == StartUpStep(3, 4, "warm-up: 84 ms")


def test_the_engines_own_status_is_understood() -> None:
    health = HealthReport("running", "", 40, 3, 1, 45, 0, 0, 84.0, 120.5)
    stream = StreamCounters(accepted=43, missing=2)
    recording = RecordingState(is_on=True, written=42, n_bytes=12_300_000, free_bytes=120_400_000_000)
    device = DeviceState("cuda:0 NVIDIA H200", 138_200_000_000)
    envelope = status_envelope("TemporalRecon", health, stream, "temporal", device, 1, None, recording)
    report = EngineReport.of(envelope.metadata)
    assert (report.device, report.memory_free_mb) == ("cuda:0 NVIDIA H200", 138200.0)
    assert (report.latency_median_s, report.latency_p95_s) == (0.084, 0.1205)
    assert (report.n_arrived, report.n_shown, report.n_skipped, report.n_lost) == (45, 40, 3, 3)
    assert report.n_senders == 1
    assert report.recording == "on, 42 frames, 12.3 MB, 120.4 GB free"


def test_a_recording_that_failed_is_told_from_one_that_is_off() -> None:
    full = RecordingState(failure="No space left on device")
    texts = [RecordingState().text, RecordingState(is_on=False).text, full.text, ""]
    failed = [EngineReport.of({"TR.Recording": text}).recording_has_failed for text in texts]
    assert failed == [False, False, True, False]


def test_what_another_engine_leaves_out_or_garbles_is_not_known() -> None:
    assert EngineReport.of({}) == EngineReport()
    garbled = {"TR.Counters": "[1, 2]", "TR.MemoryFree_MB": "much", "TR.Latency_ms": "nan"}
    assert EngineReport.of(garbled) == EngineReport()
    assert EngineReport.of({"TR.Counters": '{"arrived": "many", "shown": 3'}) == EngineReport()
    assert EngineReport.of({"TR.Counters": '{"arrived": "many", "shown": 3}'}) == EngineReport(n_shown=3)
