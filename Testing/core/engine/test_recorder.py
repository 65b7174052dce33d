"""What came in is on disk afterwards, replays to the same pictures, and a bad disk stops nothing else."""

import json
import resource
import shutil
import time
from dataclasses import replace

import h5py
import ismrmrd
import nrrd
import numpy as np
import pytest
from engine_frames import moved, still_frame, still_object
from serve_process import next_of, serve_process
from TemporalReconLib.__main__ import main
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.engine.recorder import FrameRecord, Recorder
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.frames import image_envelope, kspace_envelope
from waiting import wait_until


def noisy_frame(index, **fields):
    """Every frame differs, so that a swapped or lost one shows."""
    frame = still_frame(index)
    noise = np.random.default_rng(index).normal(size=(*frame.data.shape, 2)).astype(np.float32).view(np.complex64)
    return replace(frame, data=frame.data + 0.05 * noise[..., 0] * frame.mask[None, :, :, None], **fields)


def record_of(frame, **fields):
    return FrameRecord(frame, arrival_time=100.0 + frame.index, **{"fate": "shown", "is_used": True, **fields})


def recorded(folder, records):
    """Files that a recorder leaves for these records, and the lines of its log."""
    recorder = Recorder(folder)
    recorder.start()
    for record in records:
        recorder.frame(record)
    recorder.stop()
    assert recorder.state.failure == ""
    return sorted(folder.glob("*.h5")), lines_of(folder)


def lines_of(folder):
    (log,) = folder.glob("*.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()]


def played(client, frames):
    """Pictures that come back when every frame waits for the one before."""
    pictures = []
    for frame in frames:
        client.send(kspace_envelope(frame))
        recon = next_of(client, "RECON", lambda e, n=frame.index: e.metadata["TR.FrameIndex"] == str(n))
        pictures.append(recon.message.data)
    return pictures


def reconstructed(path, output, method):
    """What ``temporal-recon reconstruct`` makes of a recording."""
    assert main(["reconstruct", str(path), "--output", str(output), "--method", method, "--device", "cpu"]) == 0
    return list(nrrd.read(str(output))[0].T)


@pytest.mark.parametrize("method", ["zero-filled", "sliding-window"])
def test_a_recording_replays_to_exactly_the_pictures_of_the_live_run(tmp_path, method):
    folder = tmp_path / "rec"
    with serve_process("--method", method, "--record", str(folder)) as serve, IgtlClient(port=serve.port) as client:
        client.send(kspace_envelope(still_frame(0, acceleration=1), planning=True))
        live = played(client, [noisy_frame(index) for index in range(6)])
        assert serve.terminate() == 0
    (path,) = folder.glob("*.h5")
    replayed = reconstructed(path, tmp_path / "out.seq.nrrd", method)
    assert len(replayed) == 6
    for picture, again in zip(live, replayed, strict=True):
        np.testing.assert_array_equal(np.squeeze(picture), np.squeeze(again.T if again.ndim == 2 else again))
    lines = lines_of(folder)
    assert [(line["index"], line["fate"], line["file"]) for line in lines] == [
        (index, "shown", path.name) for index in range(6)
    ]
    assert all(0.0 < line["latency_ms"] < 30e3 and line["arrival_time"] > 1.7e9 for line in lines)


def test_a_series_that_starts_again_is_recorded_with_the_planning_scan_it_still_uses(tmp_path):
    folder = tmp_path / "rec"
    with (
        serve_process("--method", "sliding-window", "--record", str(folder)) as serve,
        IgtlClient(port=serve.port) as client,
    ):
        client.send(kspace_envelope(still_frame(0, acceleration=1), planning=True))
        played(client, [noisy_frame(index) for index in range(3)])
        live = played(client, [noisy_frame(index) for index in range(2)])
        assert serve.terminate() == 0
    _, second = sorted(folder.glob("*.h5"))
    replayed = reconstructed(second, tmp_path / "out.seq.nrrd", "sliding-window")
    for picture, again in zip(live, replayed, strict=True):
        np.testing.assert_array_equal(np.squeeze(picture), np.squeeze(again))


def test_samples_mask_times_and_geometry_survive(tmp_path):
    frames = [moved(noisy_frame(index), [10.0, -20.0, 5.0]) for index in range(3)]
    (path,), _ = recorded(tmp_path, [record_of(frame) for frame in frames])
    for frame, again in zip(frames, open_series(path), strict=True):
        np.testing.assert_array_equal(again.data, frame.data)
        np.testing.assert_array_equal(again.mask, frame.mask)
        np.testing.assert_allclose(again.ijk_to_ras, frame.ijk_to_ras, atol=1e-4)
        assert again.acquisition_start_time == pytest.approx(frame.acquisition_start_time, abs=1e-5)


def test_a_repeated_frame_is_kept_beside_the_series(tmp_path):
    records = [record_of(noisy_frame(0)), record_of(noisy_frame(0), fate="repeated", is_used=False)]
    (path,), lines = recorded(tmp_path, [*records, record_of(noisy_frame(1))])
    assert len(open_series(path)) == 2
    with h5py.File(path) as file:
        assert set(file) == {"dataset", "dropped"}
    assert [(line["accepted"], line["group"]) for line in lines] == [
        (True, "dataset"),
        (False, "dropped"),
        (True, "dataset"),
    ]


@pytest.mark.parametrize(
    "successor",
    [
        record_of(noisy_frame(5), starts_series=True),
        record_of(moved(noisy_frame(5), [0, 0, 9.0])),
        record_of(noisy_frame(5, acquisition_start_time=-9.0)),
    ],
    ids=["restart", "moved slice", "clock set back"],
)
def test_a_new_series_has_a_file_of_its_own(tmp_path, successor):
    files, lines = recorded(tmp_path, [record_of(noisy_frame(0)), successor])
    assert [line["file"] for line in lines] == [file.name for file in files]
    assert [len(open_series(file)) for file in files] == [1, 1]


def test_nothing_in_a_file_name_comes_from_the_sender(tmp_path):
    folder = tmp_path / "inner"
    frame = noisy_frame(0, stream_id='../../evil\x01<&"')
    (path,), lines = recorded(folder, [record_of(frame)])
    assert path.name[0].isdigit() and "evil" not in path.name
    assert list(tmp_path.iterdir()) == [folder]
    assert len(open_series(path)) == 1
    assert lines[0]["stream"] == frame.stream_id


def test_images_are_kept_as_ismrmrd_images(tmp_path):
    images = [ImageFrame(still_object() * (index + 1), np.diag([1.5, 1.5, 3, 1]), index) for index in range(2)]
    (path,), _ = recorded(tmp_path, [record_of(image) for image in images])
    with ismrmrd.Dataset(str(path), mode="r") as dataset:
        assert dataset.number_of_images("images") == 2
        np.testing.assert_array_equal(np.squeeze(dataset.read_image("images", 1).data), images[1].data[0])


def test_a_slow_disk_costs_frames_that_are_counted_and_never_makes_the_engine_wait(tmp_path):
    frame = noisy_frame(0)
    recorder = Recorder(tmp_path, max_waiting_bytes=3 * frame.data.nbytes)  # not started: a disk that hangs
    begin = time.monotonic()
    for index in range(50):
        recorder.frame(record_of(noisy_frame(index)))
    assert time.monotonic() - begin < 5.0
    assert recorder.state.lost == 47
    assert "47 lost" in recorder.state.text


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_stops_the_recording_and_says_so_while_pictures_go_on(tmp_path):
    """The system refuses to let files grow beyond 100 kB, as a full disk would."""
    with (
        serve_process("--method", "zero-filled", "--record", str(tmp_path), preexec=limit_file_size) as serve,
        IgtlClient(port=serve.port) as client,
    ):
        assert len(played(client, [noisy_frame(index) for index in range(60)])) == 60
        status = next_of(client, "TemporalRecon", lambda e: "stopped" in e.metadata.get("TR.Recording", ""))
        assert "recording stopped: File too large" in status.message.text
        assert len(played(client, [noisy_frame(60)])) == 1
        assert serve.terminate() == 0


def test_a_folder_that_vanishes_is_told_with_advice_and_the_advice_helps(tmp_path):
    """Its path stays off the wire: it may name a patient."""
    folder = tmp_path / "Mrs Miller"
    recorder = Recorder(folder, max_file_bytes=1)  # every frame begins a file
    recorder.start()
    recorder.frame(record_of(noisy_frame(0)))
    wait_until(lambda: recorder.state.written == 1)
    shutil.rmtree(folder)
    recorder.frame(record_of(noisy_frame(1)))
    wait_until(lambda: recorder.state.failure)
    assert recorder.state.text == "stopped: the folder is gone; bring it back, then switch the recording off and on"
    recorder.switch(False)
    recorder.switch(True)
    wait_until(lambda: "the folder is gone" in recorder.state.failure)
    folder.mkdir()
    recorder.switch(False)
    recorder.switch(True)
    recorder.frame(record_of(noisy_frame(2)))
    recorder.stop()
    assert recorder.state.failure == ""
    assert [line.get("index", line.get("event")) for line in lines_of(folder)] == ["recording on", 2]


def test_what_was_written_can_be_read_even_if_the_engine_is_killed(tmp_path):
    with (
        serve_process("--method", "zero-filled", "--record", str(tmp_path)) as serve,
        IgtlClient(port=serve.port) as client,
    ):
        played(client, [noisy_frame(index) for index in range(4)])
        next_of(client, "TemporalRecon", lambda e: e.metadata["TR.Recording"].startswith("on, 4 frames, "))
        serve.process.kill()
        serve.process.wait()
    (path,) = tmp_path.glob("*.h5")
    np.testing.assert_array_equal(open_series(path).frame(3).data, noisy_frame(3).data)


def test_a_folder_that_cannot_be_made_is_refused_with_its_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--record .*file/rec: cannot be written"):
        Recorder(tmp_path / "file" / "rec")


def test_an_image_stream_is_recorded_by_the_engine_too(tmp_path):
    image = ImageFrame(still_object(), np.diag([2.0, 2.0, 3.0, 1.0]), index=7)
    with serve_process("--record", str(tmp_path)) as serve, IgtlClient(port=serve.port) as client:
        client.send(image_envelope(image))
        next_of(client, "RECON")
        assert serve.terminate() == 0
    assert [line["index"] for line in lines_of(tmp_path)] == [7]
    assert [path.name[-10:] for path in tmp_path.glob("*.h5")] == ["_images.h5"]
