"""The tracking engine behind a real socket: targets in, no numbers without an instrument."""

import json
import time

import numpy as np
import pytest
from InstrumentTrackerLib.guidance.processor import GuidanceProcessor
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import image_envelope, transform_is_valid
from TemporalReconLib.igtl.messages import PointElement, PointMessage, StringMessage, TransformMessage


@pytest.fixture
def a_processor():
    return GuidanceProcessor("zero-filled", "cpu")


@pytest.fixture
def a_client(a_processor):
    with serving(a_processor, ServeOptions(port=0)) as (server, _), IgtlClient(port=server.port) as client:
        yield client


def answer_to(client, text):
    client.send(Envelope(StringMessage(text), "CMD_1"))
    while (envelope := client.receive(10.0)) is not None:
        if envelope.device_name == "ACK_1":
            return json.loads(envelope.message.text)
    raise AssertionError("no answer")


def targets_at(processor, position):
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        target = processor.tracking.target
        if target is not None and np.allclose(target.position, position):
            return True
        time.sleep(0.01)
    return False


def test_targets_arrive_as_point_transform_and_command(a_client, a_processor):
    a_client.send(Envelope(PointMessage((PointElement((1.0, -2.0, 3.0)),)), "TARGET"))
    assert targets_at(a_processor, [1.0, -2.0, 3.0])
    matrix = np.eye(4)
    matrix[:3, 3] = [4.0, 5.0, -6.0]
    a_client.send(Envelope(TransformMessage(matrix), "TARGET_2"))
    assert targets_at(a_processor, [4.0, 5.0, -6.0])
    assert answer_to(a_client, '{"target": [7, 8, 9]}')["ok"]
    assert targets_at(a_processor, [7.0, 8.0, 9.0])


@pytest.mark.parametrize("text", ['{"target": [NaN, 2, 3]}', '{"target": [1e400, 2, 3]}', '{"target": [1, 2]}'])
def test_a_target_that_is_no_point_is_refused_when_it_is_given(a_client, a_processor, text):
    answer = answer_to(a_client, text)
    assert not answer["ok"] and "target: expected" in answer["error"]
    assert a_processor.tracking.target is None


def test_a_picture_without_instrument_gives_all_messages_and_no_number(a_client):
    noise = np.random.default_rng(0).rayleigh(1.0, (1, 64, 64)).astype(np.float32)
    a_client.send(image_envelope(ImageFrame(noise, np.diag([1.1, 1.1, 3.0, 1.0]), index=2)))
    got = {}
    while "TipToRAS" not in got and (envelope := a_client.receive(10.0)) is not None:
        got[envelope.device_name] = envelope
    assert not got["INSTRUMENT"].message.data.any()
    for name in ("TipToRAS", "GuideTipToRAS"):
        assert not transform_is_valid(got[name])
        assert got[name].metadata["TR.FrameIndex"] == "2" and got[name].metadata["TR.State"] == "absent"
        assert "TR.TipKind" not in got[name].metadata and "TR.AcqEndTime" in got[name].metadata
