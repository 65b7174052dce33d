"""Two senders at once cannot mix in one picture."""

from types import SimpleNamespace

from engine_frames import still_frame
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.stream_guard import StreamGuard

PATIENCE_S = 30.0


def test_a_new_stream_takes_over_at_once_and_the_old_one_is_left_out():
    guard = StreamGuard()
    arrivals = [("a", 0.0), ("a", 0.1), ("b", 0.2), ("a", 0.25), ("b", 0.3), ("a", 0.35)]
    assert [guard.admits(*arrival) for arrival in arrivals] == [True, True, True, False, True, False]
    assert guard.current == "b"


def test_an_old_stream_comes_back_when_the_newer_one_is_silent():
    guard = StreamGuard()
    assert guard.admits("a", 0.0) and guard.admits("b", 0.1)
    assert not guard.admits("a", 1.0)
    assert guard.admits("a", 1.2)
    assert not guard.admits("b", 1.3)


def test_a_sender_that_renames_itself_with_every_frame_fills_no_memory():
    guard = StreamGuard()
    assert all(guard.admits(str(index), 0.01 * index) for index in range(1000))
    assert len(guard._replaced) <= 64


def test_interleaved_streams_leave_the_newer_one_whole_and_are_counted_and_told(monkeypatch):
    monkeypatch.setattr("TemporalReconLib.engine.health.time", SimpleNamespace(monotonic=lambda: 1000.0))
    published = []
    engine = Engine(ReconstructionProcessor("sliding-window", "cpu"), published.append)
    engine.start()
    try:
        for index in range(6):
            for stream in ("old", "new") if index > 1 else ("old",):
                engine.submit("frame", still_frame(index, stream_id=stream))
        assert engine.wait_until_done(PATIENCE_S)
        counters = engine._processor.counters
        assert (counters.accepted, counters.restarts, engine.health.foreign) == (7, 1, 3)
        assert engine.health.arrived == 10
        assert "frames of stream 'old' are left out while 'new' comes in" in engine.health.reason
        pictures = [e.metadata["TR.StreamID"] for e in published if e.device_name == "RECON"]
        assert pictures[-1] == "new" and pictures == sorted(pictures, reverse=True)
    finally:
        engine.stop()
