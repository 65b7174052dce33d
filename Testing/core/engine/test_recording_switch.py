"""The recording is switched off and on from a panel: new files each time, nothing lost, never a path from the wire."""

import json
import time

import numpy as np
import pytest
from engine_frames import still_frame
from serve_process import next_of, serve_process
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.engine.recorder import FrameRecord, Recorder
from TemporalReconLib.engine.replay import replay
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import kspace_envelope
from TemporalReconLib.igtl.messages import StringMessage
from TemporalReconLib.reconstruction.registry import make_reconstructor

PATIENCE_S = 30.0


def record_of(index):
    return FrameRecord(still_frame(index), arrival_time=100.0 + index, fate="shown", is_used=True)


def logs_of(folder):
    """Lines of every log, oldest log first."""
    return [[json.loads(line) for line in log.read_text().splitlines()] for log in sorted(folder.glob("*.jsonl"))]


def test_each_time_it_is_on_has_files_of_its_own_and_frames_before_the_switch_are_kept(tmp_path):
    recorder = Recorder(tmp_path)
    recorder.start()
    for index in range(6):
        if index in (2, 4):
            recorder.switch(index == 4)
        recorder.frame(record_of(index))
    recorder.stop(PATIENCE_S)
    first, second = logs_of(tmp_path)
    assert [line.get("index", line.get("event")) for line in first] == [0, 1, "recording off"]
    assert [line.get("index", line.get("event")) for line in second] == ["recording on", 4, 5]
    files = sorted(tmp_path.glob("*.h5"))
    assert [len(open_series(file)) for file in files] == [2, 2]
    np.testing.assert_array_equal(open_series(files[1]).frame(1).data, still_frame(5).data)
    for log, n_shown in zip(sorted(tmp_path.glob("*.jsonl")), (2, 2), strict=True):
        assert len(list(replay(log, make_reconstructor("zero-filled", "cpu")))) == n_shown


def test_switching_to_and_fro_at_once_names_no_file_twice(tmp_path):
    recorder = Recorder(tmp_path, is_on=False)
    recorder.start()
    for count in range(20):
        recorder.switch(count % 2 == 0)
    recorder.stop(PATIENCE_S)
    assert recorder.state.failure == ""
    assert len(logs_of(tmp_path)) == 10


def test_a_recording_that_stopped_is_tried_again_when_it_is_switched_on(tmp_path):
    recorder = Recorder(tmp_path / "inner", reserve_bytes=1 << 60)
    recorder.start()
    try:
        recorder.frame(record_of(0))
        wait_for(lambda: "nearly full" in recorder.state.failure)
        assert recorder.state.text.startswith("stopped: the disk is nearly full")
        recorder._disk._reserve_bytes = 0
        recorder.switch(True)
        recorder.frame(record_of(1))
        wait_for(lambda: recorder.state.written == 1)
        assert recorder.state.failure == ""
    finally:
        recorder.stop(PATIENCE_S)


def wait_for(is_so):
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answer_to(client, text, name="RECORD"):
    client.send(Envelope(StringMessage(text), f"CMD_{name}"))
    return json.loads(next_of(client, f"ACK_{name}").message.text)


def recording_begins_with(words):
    return lambda envelope: envelope.metadata.get("TR.Recording", "").startswith(words)


def test_an_engine_that_begins_paused_records_when_it_is_told_to(tmp_path):
    options = ("--method", "zero-filled", "--record", str(tmp_path), "--record-paused")
    with serve_process(*options) as serve, IgtlClient(port=serve.port) as client:
        status = next_of(client, "TemporalRecon", recording_begins_with("off, "))
        assert status.metadata["TR.Recording"].endswith(" GB free")
        client.send(kspace_envelope(still_frame(0)))
        assert answer_to(client, "true") == {"ok": True, "command": "record"}
        client.send(kspace_envelope(still_frame(1)))
        next_of(client, "TemporalRecon", recording_begins_with("on, 1 frames, 0."))
        assert answer_to(client, '{"record": false}', "2") == {"ok": True, "command": "record"}
        client.send(kspace_envelope(still_frame(2)))
        next_of(client, "TemporalRecon", recording_begins_with("off, "))
        assert serve.terminate() == 0
    (lines,) = logs_of(tmp_path)
    assert [line.get("index", line.get("event")) for line in lines] == ["recording on", 1, "recording off"]


@pytest.mark.parametrize("text", ["", '"/etc/passwd"', '{"record": "../elsewhere"}', "1", '{"record": {"on": true}}'])
def test_what_is_neither_true_nor_false_is_refused_and_writes_nothing(tmp_path, text):
    recorder_options = ("--method", "zero-filled", "--record", str(tmp_path / "inner"), "--record-paused")
    with serve_process(*recorder_options) as serve, IgtlClient(port=serve.port) as client:
        answer = answer_to(client, text)
        assert not answer["ok"]
        assert "record: expected true or false" in answer["error"] or "expected a JSON object" in answer["error"]
    assert list(tmp_path.iterdir()) == [tmp_path / "inner"]
    assert list((tmp_path / "inner").iterdir()) == []


def test_without_a_folder_the_command_is_refused_with_advice():
    with serve_process("--method", "zero-filled") as serve, IgtlClient(port=serve.port) as client:
        answer = answer_to(client, "true")
        assert answer == {
            "ok": False,
            "error": "recording: this engine was started without a folder; start it again with --record DIR",
        }
