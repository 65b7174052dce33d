"""The engine notices what is wrong with itself, tells it, and lives on."""

import threading
import time

import numpy as np
import pytest
from engine_frames import still_frame
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine import health as health_module
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.health import OVERRUN_WINDOW, Health
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.errors import InputError

PATIENCE_S = 30.0


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


class Processor(ReconstructionProcessor):
    """Does what it is told on frame 1."""

    def __init__(self, on_frame_1=lambda: None, restart=lambda: None):
        super().__init__("zero-filled", "cpu")
        self.on_frame_1, self.on_restart = on_frame_1, restart
        self.n_restarts = 0

    def produce(self):
        image, envelopes = super().produce()
        if image.index == 1:
            self.on_frame_1()
        return image, envelopes

    def restart(self):
        self.n_restarts += 1
        self.on_restart()
        super().restart()


def fail(error):
    raise error


def played(processor, n_frames=3):
    """Indices of the pictures that went out, and the engine, stopped."""
    published = []
    engine = Engine(processor, published.append)
    engine.start()
    try:
        for index in range(n_frames):
            engine.submit("frame", still_frame(index))
            assert engine.wait_until_done(PATIENCE_S)
    finally:
        engine.stop()
    return [e.metadata["TR.FrameIndex"] for e in published if e.device_name == "RECON"], engine


def test_a_computation_that_does_not_return_is_told_and_its_end_too(clock):
    health = Health()
    health.frame_arrived()
    health.work_began()
    clock.now += 3.5
    assert health.report().state == "stalled"
    assert "the computation has not returned for 4 s" in health.report().reason
    health.work_ended()
    health.frame_arrived()
    assert health.report().state == "running"


def test_a_method_that_is_always_slow_is_not_called_stalled(clock):
    health = Health()
    for _ in range(5):
        health.frame_arrived()
        health.work_began()
        clock.now += 2.0
        health.work_ended()
    health.work_began()
    clock.now += 8.0
    health.frame_arrived()
    assert health.report().state == "running"


def test_an_engine_slower_than_the_scanner_says_so_but_one_burst_does_not(clock):
    health = Health()
    health.frame_arrived()
    for _ in range(OVERRUN_WINDOW):
        health.picture_shown(10.0, n_skipped=0)
    health.picture_shown(10.0, n_skipped=200)
    assert health.report().reason == ""
    for _ in range(OVERRUN_WINDOW):
        health.picture_shown(10.0, n_skipped=2)
    assert health.report().reason == "slower than the scanner: one picture for 3 frames"


def test_a_worker_stuck_in_the_device_is_told_by_the_heartbeat_and_stop_does_not_wait_for_it():
    release = threading.Event()
    published = []
    engine = Engine(Processor(lambda: release.wait(PATIENCE_S)), published.append)
    engine.start()
    try:
        for index in range(2):
            engine.submit("frame", still_frame(index))
        deadline = time.monotonic() + PATIENCE_S
        while not any("has not returned" in e.message.text for e in published if e.type_name == "STATUS"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        begin = time.monotonic()
        engine.stop(timeout_s=0.2)
        assert time.monotonic() - begin < 2.0
    finally:
        release.set()


@pytest.mark.parametrize(
    "error", [InputError("image frame 1: NaN or infinite pixels"), RuntimeError("CUDA error"), ZeroDivisionError()]
)
def test_a_spoiled_picture_costs_its_frame_and_clears_what_the_method_remembers(error):
    processor = Processor(lambda: fail(error))
    pictures, engine = played(processor)
    assert pictures == ["0", "2"]
    assert processor.n_restarts == 1
    assert engine.health.rejected == 1


def test_a_device_that_is_gone_is_told_and_the_worker_lives():
    processor = Processor(lambda: fail(RuntimeError("CUDA lost")), restart=lambda: fail(RuntimeError("CUDA lost")))
    pictures, engine = played(processor)
    assert pictures == ["0", "2"]
    assert engine.health.rejected == 1


def test_nan_pixels_of_a_method_never_leave_the_engine():
    class Spoiled(Processor):
        def image(self):
            image = super().image()
            return image if image.index != 1 else ImageFrame(np.full_like(image.data, np.nan), image.ijk_to_ras, 1)

    pictures, engine = played(Spoiled())
    assert pictures == ["0", "2"] and engine.health.rejected == 1


def test_a_method_that_cannot_be_loaded_leaves_the_engine_with_the_old_one():
    class Unloadable(Processor):
        def select_method(self, name):
            raise RuntimeError("CUDA error: device-side assert")

    published = []
    engine = Engine(Unloadable(), published.append)
    engine.start()
    try:
        engine.select_method("sliding-window")
        engine.submit("frame", still_frame(0))
        assert engine.wait_until_done(PATIENCE_S)
        assert any(e.device_name == "RECON" for e in published)
    finally:
        engine.stop()


def test_a_heartbeat_that_cannot_be_sent_is_not_the_last():
    beats = []

    def publish(envelope):
        beats.append(envelope)
        if len(beats) == 1:
            raise OSError("no network")

    engine = Engine(Processor(), publish)
    engine.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while len(beats) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(beats) >= 2
    finally:
        engine.stop()


def test_a_wall_clock_that_jumps_does_not_change_the_latency(monkeypatch):
    processor = Processor(lambda: monkeypatch.setattr("time.time", lambda: 0.0))
    published = []
    engine = Engine(processor, published.append)
    engine.start()
    try:
        for index in range(3):
            engine.submit("frame", still_frame(index))
            assert engine.wait_until_done(PATIENCE_S)
    finally:
        engine.stop()
        monkeypatch.undo()
    latencies = [float(e.metadata["TR.Latency_ms"]) for e in published if e.device_name == "RECON"]
    assert len(latencies) == 3 and all(0.0 <= latency < 1e3 * PATIENCE_S for latency in latencies)
