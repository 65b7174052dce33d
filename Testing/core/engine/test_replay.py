"""A recording tells the whole run again: over several files, with every frame's fate, and without a full disk."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from engine_frames import moved, still_frame
from serve_process import listening_port
from TemporalReconLib.__main__ import main
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.engine.disk_space import DiskSpace
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.frame_results import results_of
from TemporalReconLib.engine.offline import SeriesOptions, open_for_playing
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.recorder import FrameRecord, Recorder
from TemporalReconLib.engine.replay import replay
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.frames import recon_envelope, transform_envelope
from TemporalReconLib.reconstruction.registry import make_reconstructor

PATIENCE_S = 30.0


def noisy_frame(index, seed=0, **fields):
    frame = still_frame(index, **fields)
    noise = np.random.default_rng([seed, index]).normal(size=(*frame.data.shape, 2)).astype(np.float32)
    return replace(frame, data=frame.data + 0.05 * noise.view(np.complex64)[..., 0] * frame.mask[None, :, :, None])


def live_run(folder, method, bursts, planning=None, **options):
    """Pictures of a recorded run; every burst of frames shares one picture."""
    recorder = Recorder(folder, **options)
    recorder.start()
    published = []
    engine = Engine(ReconstructionProcessor(method, "cpu"), published.append, recorder=recorder)
    if planning is not None:
        engine.submit("planning", planning)
    for burst in bursts:  # queued before the worker starts: one burst is one batch
        for frame in burst:
            engine.submit("frame", frame)
        if not engine._threads:
            engine.start()
        assert engine.wait_until_done(PATIENCE_S)
    engine.stop(PATIENCE_S)
    recorder.stop(PATIENCE_S)
    assert recorder.state.failure == ""
    (log,) = folder.glob("*.jsonl")
    return [envelope.message.data for envelope in published if envelope.device_name == "RECON"], log


@pytest.mark.parametrize("method", ["sliding-window", "compressed-sensing"])
def test_skipped_pictures_repeats_restarts_and_several_files_replay_bit_for_bit(tmp_path, method):
    bursts = [
        [noisy_frame(0), noisy_frame(1), noisy_frame(2)],
        [noisy_frame(3)],
        [noisy_frame(3, seed=1)],  # a repeat
        [noisy_frame(6)],
        [moved(noisy_frame(7), [0.0, 0.0, 4.0])],
        [moved(noisy_frame(8), [0.0, 0.0, 4.0])],
    ]
    size = 2 * noisy_frame(0).data.nbytes
    live, log = live_run(tmp_path, method, bursts, still_frame(0, acceleration=1.0), max_file_bytes=size)
    assert len(list(tmp_path.glob("*.h5"))) >= 5
    again = list(replay(log, make_reconstructor(method, "cpu")))
    assert len(again) == len(live) >= 5
    for picture, image in zip(live, again, strict=True):
        np.testing.assert_array_equal(image.data, picture)


def test_a_file_that_grew_too_large_is_followed_by_the_next_with_the_planning_scan(tmp_path):
    frames = [[noisy_frame(index)] for index in range(6)]
    _, log = live_run(tmp_path, "zero-filled", frames, still_frame(0, acceleration=1.0), max_file_bytes=1)
    files = sorted(tmp_path.glob("*.h5"))
    assert len(files) == 6
    for index, path in enumerate(files):
        series = open_series(path)
        np.testing.assert_array_equal(series.frame(0).data, noisy_frame(index).data)
        assert series.planning is not None
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["starts_series"] for line in lines] == [True] + 5 * [False]


def test_frames_of_another_stream_are_kept_beside_the_series_that_goes_on(tmp_path):
    other = replace(noisy_frame(9, seed=2), stream_id="other", ijk_to_ras=np.diag([2.0, 2.0, 5.0, 1.0]))
    recorder = Recorder(tmp_path)
    recorder.start()
    for index in range(3):
        recorder.frame(FrameRecord(noisy_frame(index), 100.0 + index, "shown", is_used=True))
        recorder.frame(FrameRecord(replace(other, index=index), 100.0 + index, "foreign", is_used=False))
    recorder.stop(PATIENCE_S)
    series, unused = sorted(tmp_path.glob("*.h5"))
    assert len(open_series(series)) == 3
    lines = [json.loads(line) for line in next(tmp_path.glob("*.jsonl")).read_text().splitlines()]
    assert {line["file"] for line in lines if line["fate"] == "foreign"} == {unused.name}
    assert unused.name.endswith("_unused.h5")


def test_a_nearly_full_disk_stops_the_recording_with_its_reason(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    recorder = Recorder(tmp_path, reserve_bytes=2 * free)
    recorder.start()
    recorder.frame(FrameRecord(noisy_frame(0), 100.0, "shown", is_used=True))
    deadline = time.monotonic() + PATIENCE_S
    while not recorder.state.failure and time.monotonic() < deadline:
        time.sleep(0.01)
    assert recorder.state.text.startswith("stopped: the disk is nearly full")
    assert "free some and start again" in recorder.state.text
    recorder.stop(PATIENCE_S)
    assert list(tmp_path.glob("*.h5")) == []


def test_it_warns_before_the_disk_is_full(tmp_path, monkeypatch):
    now, free = [100.0], [10_000_000_000]
    monkeypatch.setattr("TemporalReconLib.engine.disk_space.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(
        "TemporalReconLib.engine.disk_space.shutil", SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=free[0]))
    )
    disk = DiskSpace(tmp_path, reserve_bytes=1_000_000_000)
    warnings = []
    for _ in range(80):  # 100 MB/s
        disk.require(100_000_000)
        warnings.append(disk.warning)
        now[0] += 1.0
        free[0] -= 100_000_000
    assert warnings[3] == ""
    assert warnings[10] == "disk full in about 1 min"
    with pytest.raises(InputError, match=r"nearly full, 1.\d GB left"):
        for _ in range(20):
            disk.require(100_000_000)
            now[0] += 1.0
            free[0] -= 100_000_000


def test_the_last_line_of_a_killed_log_is_passed_over_and_other_text_is_refused(tmp_path):
    live, log = live_run(tmp_path, "zero-filled", [[noisy_frame(0)], [noisy_frame(1)]])
    whole = log.read_text()
    log.write_text(whole + whole.splitlines()[0][:50])
    assert len(list(replay(log, make_reconstructor("zero-filled", "cpu")))) == len(live) == 2
    log.write_text("no log\n" + whole)
    with pytest.raises(InputError, match="line 1 is not of a recording's log"):
        list(replay(log, make_reconstructor("zero-filled", "cpu")))


def test_the_log_keeps_what_was_found_in_every_picture():
    pose = np.eye(4)
    pose[:3, 3] = [1.0, -2.0, 3.5]
    image = ImageFrame(np.ones((1, 4, 4), np.float32), np.eye(4), 7, quality=0.75, method="temporal")
    envelopes = [
        recon_envelope(image),
        transform_envelope(pose, "TipToRAS", state="tracked", confidence=0.9),
        transform_envelope(None, "GuideTipToRAS", state="lost"),
    ]
    results = json.loads(json.dumps(results_of(image, envelopes)))
    assert (results["index"], results["method"], results["quality"]) == (7, "temporal", 0.75)
    assert np.array(results["poses"]["TipToRAS"]["matrix"])[:3, 3].tolist() == [1.0, -2.0, 3.5]
    assert results["poses"]["TipToRAS"]["TR.State"] == "tracked"
    assert results["poses"]["GuideTipToRAS"]["matrix"] is None


HANGING = """
import sys, time
from TemporalReconLib.cli.serve import serve_until_interrupted
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions

class Hanging(ReconstructionProcessor):
    is_warm = False

    def renew(self):
        self.is_warm = True
        super().renew()

    def produce(self):
        if not self.is_warm:
            return super().produce()
        sys.stdout.write("hanging\\n")
        sys.stdout.flush()
        time.sleep(300)

from pathlib import Path
from TemporalReconLib.cli.runner import _terminate_as_interrupt
_terminate_as_interrupt()
options = ServeOptions(port=0, record=Path(sys.argv[1]))
sys.exit(serve_until_interrupted(Hanging("zero-filled", "cpu"), options, []))
"""


def test_sigterm_ends_an_engine_whose_device_hangs(tmp_path):
    from TemporalReconLib.igtl.client import IgtlClient
    from TemporalReconLib.igtl.frames import kspace_envelope

    command = [sys.executable, "-c", HANGING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            with IgtlClient(port=listening_port(process)) as client:
                client.send(kspace_envelope(still_frame(0)))
                assert process.stdout.readline() == "hanging\n"
                begin = time.monotonic()
                process.terminate()
                # Two seconds on an idle machine.
                assert process.wait(10.0) == 0
                assert time.monotonic() - begin < 10.0
        finally:
            process.kill()


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["the same grid", "resampled"])
def test_a_planning_image_is_kept_and_replays_bit_for_bit(tmp_path, is_elsewhere):
    scan = np.random.default_rng(3).uniform(0.5, 1.5, (5, 64, 64) if is_elsewhere else still_frame(0).image_shape)
    geometry = np.diag([1.5, 1.5, 3.0, 1.0])
    if is_elsewhere:
        geometry[:3, 3] = [-20.3, -15.1, -6.2]
    planning = ImageFrame(scan.astype(np.float32), geometry)
    bursts = [[noisy_frame(index)] for index in range(3)]
    live, log = live_run(tmp_path, "compressed-sensing", bursts, planning, max_file_bytes=1)
    without, _ = live_run(tmp_path / "without", "compressed-sensing", bursts)
    assert not np.array_equal(live, without)
    assert len(list(tmp_path.glob("*_planning_images.h5"))) == 1
    again = list(replay(log, make_reconstructor("compressed-sensing", "cpu")))
    np.testing.assert_array_equal([image.data for image in again], live)


def run_reconstruct(source, output, *options):
    return main(["reconstruct", str(source), "--output", str(output), "--device", "cpu", *options])


def test_reconstruct_takes_a_recording_or_its_folder_and_makes_the_live_pictures(tmp_path):
    bursts = [[noisy_frame(0), noisy_frame(1)], [noisy_frame(2)], [noisy_frame(2, seed=1)], [noisy_frame(5)]]
    folder = tmp_path / "rec"
    live, log = live_run(folder, "sliding-window", bursts, still_frame(0, acceleration=1.0), max_file_bytes=1)
    for source in (log, folder):
        assert run_reconstruct(source, tmp_path / "out.seq.nrrd", "--method", "sliding-window") == 0
        again = open_series(tmp_path / "out.seq.nrrd")
        assert len(again) == len(live) == 3
        for picture, image in zip(live, again, strict=True):
            np.testing.assert_array_equal(image.data, picture)


def test_a_recording_is_played_as_it_was(tmp_path, capsys):
    folder = tmp_path / "rec"
    live_run(folder, "zero-filled", [[noisy_frame(0)]])
    assert run_reconstruct(folder, tmp_path / "out.seq.nrrd", "--acceleration", "8") == 2
    assert "a recording is played as it was; leave --acceleration" in capsys.readouterr().err
    (folder / "20200101T000000_000Z.jsonl").write_text("")
    assert run_reconstruct(folder, tmp_path / "out.seq.nrrd") == 2
    assert "2 recordings; give the log of one" in capsys.readouterr().err
    assert run_reconstruct(folder / "20200101T000000_000Z.jsonl", tmp_path / "out.seq.nrrd") == 2
    assert "holds no frame that was used" in capsys.readouterr().err


def test_a_recording_opens_as_one_series_with_what_came_in(tmp_path):
    frames = [noisy_frame(0), noisy_frame(1), noisy_frame(1, seed=1), moved(noisy_frame(4), [0, 0, 4.0])]
    planning = still_frame(0, acceleration=1.0)
    _, log = live_run(tmp_path, "zero-filled", [[frame] for frame in frames], planning)
    opened = open_for_playing(log, SeriesOptions())
    np.testing.assert_array_equal(opened.planning.data, planning.data)
    assert opened.series.frame_interval_s == 1.0
    used = [frames[0], frames[1], frames[3]]  # the repeat was not
    for frame, again in zip(used, opened.frames(), strict=True):
        np.testing.assert_array_equal(again.data, frame.data)
        np.testing.assert_allclose(again.ijk_to_ras, frame.ijk_to_ras, atol=1e-4)
        assert (again.index, again.stream_id) == (frame.index, frame.stream_id)
        assert again.acquisition_start_time == frame.acquisition_start_time
