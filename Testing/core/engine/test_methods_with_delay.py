"""A method that delivers late: nothing fails while it waits, nothing is lost, and its pictures state their true age."""

import json

import pytest
from engine_frames import moved, still_frame
from late_method import TwoFramesLate
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.offline import OpenedSeries, reconstruct_series
from TemporalReconLib.engine.pipeline import ReconstructionPipeline
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.recorder import Recorder
from TemporalReconLib.reconstruction.registry import make_reconstructor

PATIENCE_S = 10.0


def test_the_pipeline_has_no_image_until_one_is_due_and_counts_no_loss():
    pipeline = ReconstructionPipeline(TwoFramesLate())
    images = [pipeline.push(still_frame(index)) for index in range(5)]
    assert images[:2] == [None, None]
    assert [image.index for image in images[2:]] == [0, 1, 2]
    assert [image.acquisition_end_time for image in images[2:]] == [0.5, 1.5, 2.5]
    assert [image.index for image in pipeline.finish()] == [3, 4]
    assert (pipeline.counters.accepted, pipeline.counters.dropped) == (5, 0)


def test_a_file_gives_every_frame_once_even_where_a_new_series_begins_in_it():
    frames = [still_frame(index) for index in range(4)]
    frames += [moved(still_frame(index), [0.0, 5.0, 0.0]) for index in range(4, 7)]
    opened = OpenedSeries(frames, None, follow_geometry=True)
    images = list(reconstruct_series(opened, TwoFramesLate()))
    assert [image.index for image in images] == list(range(7))
    assert [image.ijk_to_ras[1, 3] for image in images] == [0.0] * 4 + [5.0] * 3


@pytest.mark.parametrize("n_frames", [1, 2])
def test_a_file_shorter_than_the_delay_loses_nothing(n_frames):
    opened = OpenedSeries([still_frame(index) for index in range(n_frames)], None, follow_geometry=True)
    assert len(list(reconstruct_series(opened, TwoFramesLate()))) == n_frames


def test_live_pictures_are_late_by_what_they_say(tmp_path):
    processor = ReconstructionProcessor("zero-filled", "cpu")
    processor.pipeline.replace_reconstructor(TwoFramesLate())
    published = []
    recorder = Recorder(tmp_path)
    recorder.start()
    engine = Engine(processor, published.append, recorder=recorder)
    engine.start()
    try:
        for index in range(4):
            engine.submit("frame", still_frame(index))
            assert engine.wait_until_done(PATIENCE_S)
            assert engine.health.state == "running"
        health = engine.health
    finally:
        engine.stop()
        recorder.stop()
    assert (health.shown, health.skipped, health.rejected) == (2, 0, 0)
    recon = [envelope for envelope in published if envelope.device_name == "RECON"]
    assert [envelope.metadata["TR.FrameIndex"] for envelope in recon] == ["0", "1"]
    # A frame a second: two frames late are two seconds.
    for envelope in recon:
        assert 2e3 < float(envelope.metadata["TR.Latency_ms"]) < 2e3 + 1e3 * PATIENCE_S
    log = [json.loads(line) for line in next(tmp_path.glob("*.jsonl")).read_text().splitlines()]
    assert [line["fate"] for line in log] == ["held", "held", "shown", "shown"]
    assert [line["latency_ms"] is None for line in log] == [True, True, False, False]


def test_a_failure_is_over_with_the_next_good_frame_although_its_picture_comes_later():
    processor = ReconstructionProcessor("zero-filled", "cpu")
    processor.pipeline.replace_reconstructor(TwoFramesLate())
    engine = Engine(processor, lambda envelope: None)
    engine.start()
    try:
        states = []
        engine.reject("a frame that could not be read")
        for index in range(2):
            states.append(engine.health.state)
            engine.submit("frame", still_frame(index))
            assert engine.wait_until_done(PATIENCE_S)
        assert [*states, engine.health.state] == ["failed", "running", "running"]
    finally:
        engine.stop()


def test_a_burst_shows_the_newest_picture_that_is_due():
    processor = ReconstructionProcessor("zero-filled", "cpu")
    processor.pipeline.replace_reconstructor(TwoFramesLate())
    for index in range(6):
        assert processor.ingest(still_frame(index))
    image, envelopes = processor.produce()
    assert image.index == 3 and envelopes[0].metadata["TR.FrameIndex"] == "3"
    assert envelopes[0].timestamp == pytest.approx(3.25)


def test_going_back_to_a_method_uses_the_weights_it_was_started_with(monkeypatch, tmp_path):
    asked = []

    def make(name, device, weights=None):
        asked.append((name, weights))
        return make_reconstructor("zero-filled", device)

    monkeypatch.setattr("TemporalReconLib.engine.processor.make_reconstructor", make)
    chosen = ReconstructionProcessor("bcrnn", "cpu", tmp_path / "mine.pth")
    chosen.select_method("nontemporal")
    chosen.select_method("bcrnn")
    assert asked == [("bcrnn", tmp_path / "mine.pth"), ("nontemporal", None), ("bcrnn", tmp_path / "mine.pth")]
