"""When memory runs out the frame is tried again with less, and the user is told what works instead."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from engine_frames import still_frame, still_object
from late_method import TwoFramesLate
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.engine import health as health_module
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.memory_fallback import MemoryFallback, is_out_of_memory
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.slice_by_slice import SliceBySlice
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.reconstruction.sliding_window import SlidingWindow
from TemporalReconLib.reconstruction.zero_filled import ZeroFilled

PATIENCE_S = 30.0
GEOMETRY = np.array([[0, -1.5, 0, 10], [1.25, 0, 0, -20], [0, 0, 3.6, 30], [0, 0, 0, 1.0]])


@pytest.fixture(autouse=True)
def still_clock(monkeypatch):
    """On a busy machine a second without a frame would be called a stall."""

    class Clock:
        monotonic = staticmethod(lambda: 1000.0)

    monkeypatch.setattr(health_module, "time", Clock)


def stack_of(n_slices):
    """Slices that differ, (slice, row, col)."""
    return np.concatenate([still_object() * (1 + k) for k in range(n_slices)])


def stack_frame(index, n_slices=3, slices=None):
    mask = sampling_mask("golden", 32, n_slices, 4.0, index)
    if slices is not None:
        mask[[k for k in range(n_slices) if k not in slices]] = False
    kspace = image_to_kspace(stack_of(n_slices))[None] * mask[None, :, :, None]
    return KSpaceFrame(kspace.astype(np.complex64), mask, GEOMETRY, index, index, index + 0.5)


class Hungry(ZeroFilled):
    """Runs out of memory where it holds more slices than ``room``, or for the first ``n_failures`` frames."""

    def __init__(self, room=99, n_failures=0, at="reconstruct"):
        super().__init__(torch.device("cpu"))
        self.room, self.n_failures, self.at = room, n_failures, at

    def _fail(self, where, n_slices):
        if where == self.at and (n_slices > self.room or self.n_failures > 0):
            self.n_failures -= 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    def _ingest_lines(self, frame):
        self._fail("ingest", frame.image_shape[0])
        super()._ingest_lines(frame)

    def _image(self):
        self._fail("reconstruct", self._lines.shape[1])
        return super()._image()


def engine_with(reconstructor, make):
    processor = ReconstructionProcessor("zero-filled", "cpu")
    processor.pipeline.replace_reconstructor(reconstructor)
    published = []
    return Engine(processor, published.append, fallback=MemoryFallback(processor.pipeline, make=make)), published


def pictures_of(engine, published, frames):
    engine.start()
    try:
        for frame in frames:
            engine.submit("frame", frame)
            assert engine.wait_until_done(PATIENCE_S)
        return [envelope.message.data for envelope in published if envelope.device_name == "RECON"]
    finally:
        engine.stop()


@pytest.mark.parametrize("at", ["ingest", "reconstruct"])
@pytest.mark.parametrize(
    ("first", "others", "what"),
    [
        (lambda: Hungry(n_failures=1), 99, "zero-filled, started afresh"),
        (lambda: Hungry(room=1), 1, "zero-filled, one slice after the other"),
        (lambda: Hungry(room=0), 0, "method sliding-window on the CPU"),
    ],
    ids=["freed", "slices in turns", "another method"],
)
def test_no_frame_is_lost_and_the_fallback_is_told(first, others, what, at):
    reconstructor = first()
    reconstructor.at = at

    def make(name, device, weights):
        assert device == "cpu"
        return SlidingWindow(torch.device("cpu")) if name == "sliding-window" else Hungry(room=others, at=at)

    engine, published = engine_with(reconstructor, make)
    pictures = pictures_of(engine, published, [stack_frame(index) for index in range(3)])
    assert len(pictures) == 3
    expected = make_reconstructor("zero-filled", "cpu")
    expected.ingest(stack_frame(0))
    np.testing.assert_allclose(pictures[0], expected.reconstruct().data, atol=1e-5)
    assert engine.health.rejected == 0
    assert (engine.health.state, engine.health.reason) == ("running", f"out of memory, now {what}")
    assert engine._processor.counters.accepted == 3


def test_when_nothing_fits_frames_are_lost_and_counted_and_the_engine_lives():
    engine, published = engine_with(Hungry(room=0), lambda *_: Hungry(room=0))
    assert pictures_of(engine, published, [stack_frame(index) for index in range(2)]) == []
    assert (engine.health.state, engine.health.rejected) == ("failed", 2)
    assert "out of memory" in engine.health.reason


def test_on_a_gpu_the_cpu_comes_before_another_method():
    processor = ReconstructionProcessor("zero-filled", "cpu")
    on_gpu = Hungry()
    processor.pipeline.replace_reconstructor(on_gpu)
    processor.ingest(stack_frame(0))
    on_gpu.device = torch.device("cuda:0")
    on_gpu.ingest = lambda frame: None  # there is no GPU here
    asked = []

    def make(name, device, weights):
        asked.append((name, device))
        return ZeroFilled(torch.device("cpu"))

    fallback = MemoryFallback(processor.pipeline, make=make)
    said = []
    while (step := fallback.step_down()) is not None:
        said.append(step)
    assert asked[0] == ("zero-filled", "cuda:0") and asked[-2:] == [("zero-filled", "cpu"), ("sliding-window", "cpu")]
    assert said == [
        "zero-filled, started afresh",
        "zero-filled, one slice after the other",
        "zero-filled on the CPU, which is slow",
        "method sliding-window on the CPU",
    ]


@pytest.mark.parametrize("method", ["zero-filled", "sliding-window"])
def test_one_slice_after_the_other_gives_the_same_pictures(method):
    whole, parts = make_reconstructor(method, "cpu"), SliceBySlice(lambda: make_reconstructor(method, "cpu"))
    for index in range(4):
        for reconstructor in (whole, parts):
            reconstructor.ingest(stack_frame(index))
        expected, image = whole.reconstruct(), parts.reconstruct()
        np.testing.assert_allclose(image.data, expected.data, atol=1e-5)
        np.testing.assert_allclose(image.complex_data, expected.complex_data, atol=1e-5)
        np.testing.assert_allclose(image.ijk_to_ras, GEOMETRY)
        assert (image.index, image.acceleration) == (expected.index, pytest.approx(expected.acceleration))


class Uncertain:
    """Says of every picture that it errs by a tenth of itself."""

    def __init__(self):
        self._method = make_reconstructor("zero-filled", "cpu")

    def __getattr__(self, name):
        return getattr(self._method, name)

    def reconstruct(self):
        image = self._method.reconstruct()
        return replace(image, uncertainty=0.1 * image.data)


def test_what_a_method_says_of_its_errors_is_joined_like_its_pictures():
    parts = SliceBySlice(Uncertain)
    parts.ingest(stack_frame(0))
    image = parts.reconstruct()
    np.testing.assert_array_equal(image.uncertainty, np.float32(0.1) * image.data)
    late = SliceBySlice(Uncertain)
    late.ingest(stack_frame(0, slices=[1]))
    assert late.reconstruct().uncertainty is None, "nothing is known of slices that were not sampled yet"


def test_slices_that_were_not_sampled_yet_are_black_and_old_ones_stay():
    parts = SliceBySlice(lambda: make_reconstructor("zero-filled", "cpu"))
    parts.ingest(stack_frame(0, slices=[1]))
    first = parts.reconstruct()
    assert first.data[1].max() > 0.5 and not first.data[[0, 2]].any()
    parts.ingest(stack_frame(1, slices=[0]))
    second = parts.reconstruct()
    assert second.index == 1 and second.data[0].max() > 0.2
    np.testing.assert_array_equal(second.data[1], first.data[1])


def test_a_planning_scan_and_a_delay_work_slice_by_slice():
    parts = SliceBySlice(lambda: make_reconstructor("sliding-window", "cpu"))
    full = KSpaceFrame(image_to_kspace(stack_of(3))[None].astype(np.complex64), np.ones((3, 32), dtype=bool), GEOMETRY)
    parts.set_planning(full)
    parts.ingest(stack_frame(0))
    np.testing.assert_allclose(parts.reconstruct().data, stack_of(3), atol=1e-4)
    late = SliceBySlice(TwoFramesLate)
    for index in range(4):
        late.ingest(stack_frame(index))
    assert late.reconstruct().index == 1
    assert [image.index for image in late.finish()] == [2, 3]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_running_out_of_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) == expected


def test_choosing_another_method_ends_the_fallback():
    engine, _ = engine_with(Hungry(n_failures=1), lambda *_: ZeroFilled(torch.device("cpu")))
    engine.start()
    try:
        engine.submit("frame", still_frame(0))
        engine.select_method("sliding-window")
        engine.submit("frame", still_frame(1))
        assert engine.wait_until_done(PATIENCE_S)
        assert (engine.health.state, engine.health.reason) == ("running", "")
    finally:
        engine.stop()
