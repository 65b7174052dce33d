"""The engine behind a real socket."""

import json
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from engine_frames import still_frame, still_object
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import image_envelope, kspace_envelope
from TemporalReconLib.igtl.messages import PointElement, PointMessage, QueryMessage, StringMessage
from TemporalReconLib.igtl.server import IgtlServer

PATIENCE_S = 10.0


@contextmanager
def an_engine(method="sliding-window", **options):
    processor = ReconstructionProcessor(method, "cpu")
    serve = serving(processor, ServeOptions(port=0, **options))
    with serve as (server, engine), IgtlClient(port=server.port) as client:
        yield client, server, engine


def next_of(client, device_name, accept=lambda envelope: True):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        envelope = client.receive(timeout=0.2)
        if envelope is not None and envelope.device_name == device_name and accept(envelope):
            return envelope
    raise AssertionError(f"no {device_name} within {PATIENCE_S} s")


def answer_to(client, name, text):
    client.send(Envelope(StringMessage(text), f"CMD_{name}"))
    return json.loads(next_of(client, f"ACK_{name}").message.text)


def test_k_space_comes_back_as_the_picture_it_was_made_of():
    with an_engine() as (client, _, _):
        for index in range(4):
            client.send(kspace_envelope(still_frame(index)))
        recon = next_of(client, "RECON", lambda envelope: envelope.metadata["TR.FrameIndex"] == "3")
        np.testing.assert_allclose(recon.message.data, still_object(), atol=1e-4)
        np.testing.assert_allclose(recon.message.ijk_to_ras, still_frame(3).ijk_to_ras)
        assert recon.message.data.dtype == np.float32
        assert float(recon.metadata["TR.AcqEndTime"]) == 3.5
        assert 0.0 < float(recon.metadata["TR.Latency_ms"]) < PATIENCE_S * 1e3


def test_every_sample_is_used_even_when_pictures_are_skipped():
    """Frames that arrive in a burst share one picture; the sliding window proves that all lines were taken."""
    with an_engine() as (client, _, engine):
        for index in range(40):
            client.send(kspace_envelope(still_frame(index, acceleration=16)))
        recon = next_of(client, "RECON", lambda envelope: envelope.metadata["TR.FrameIndex"] == "39")
        np.testing.assert_allclose(recon.message.data, still_object(), atol=1e-4)
        assert engine.health.shown + engine.health.skipped == 40


def test_a_bad_frame_is_reported_and_the_next_one_is_shown():
    with an_engine() as (client, server, _):
        bad = kspace_envelope(still_frame(0))
        client.send(Envelope(bad.message, bad.device_name, bad.timestamp, {**bad.metadata, "TR.NumCoils": "7"}))
        client.send(kspace_envelope(still_frame(1)))
        assert next_of(client, "RECON").metadata["TR.FrameIndex"] == "1"
        assert sum(server.counters.dropped.values()) == 1


class ExplodingProcessor(ReconstructionProcessor):
    """A processor with a defect that shows on frame 1."""

    def produce(self):
        image, envelopes = super().produce()
        if image.index == 1:
            raise RuntimeError("CUDA out of memory")
        return image, envelopes


def test_a_defect_costs_its_frame_and_is_told_while_the_engine_lives_on():
    published = []
    engine = Engine(ExplodingProcessor("zero-filled", "cpu"), published.append)
    engine.start()
    try:
        for index in range(3):
            engine.submit("frame", still_frame(index))
            deadline = time.monotonic() + PATIENCE_S
            while engine.health.shown + engine.health.rejected <= index and time.monotonic() < deadline:
                time.sleep(0.005)
            if index == 1:
                assert (engine.health.state, engine.health.rejected) == ("failed", 1)
                assert "CUDA out of memory" in engine.status_envelope().message.text
        assert engine.health.state == "running"
        recon = [envelope.metadata["TR.FrameIndex"] for envelope in published if envelope.device_name == "RECON"]
        assert recon == ["0", "2"]
    finally:
        engine.stop()


def test_images_that_need_no_reconstruction_are_passed_on():
    image = ImageFrame(still_object(), np.diag([2.0, 2.0, 3.0, 1.0]), index=7)
    with an_engine() as (client, _, _):
        client.send(image_envelope(image))
        recon = next_of(client, "RECON")
        np.testing.assert_array_equal(recon.message.data, image.data)
        assert recon.metadata["TR.FrameIndex"] == "7"


def test_an_image_of_an_unexpected_name_is_dropped_and_counted():
    image = ImageFrame(still_object(), np.eye(4))
    with an_engine() as (client, server, _):
        client.send(replace(image_envelope(image), device_name="Somebody else"))
        client.send(image_envelope(image))
        next_of(client, "RECON")
        assert sum(server.counters.dropped.values()) == 1


def test_a_planning_scan_is_used_and_is_no_frame_of_the_series():
    with an_engine() as (client, _, engine):
        client.send(kspace_envelope(still_frame(0, acceleration=1), planning=True))
        client.send(kspace_envelope(still_frame(0, acceleration=16)))
        recon = next_of(client, "RECON")
        np.testing.assert_allclose(recon.message.data, still_object(), atol=1e-4)
        assert engine.health.shown == 1


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("1", '{"command": "reset"}', "reset"),
        ("RESET", "", "reset"),
        ("2", '"start"', "start"),
        ("3", "stop", "stop"),
        ("4", '{"method": "zero-filled"}', "method"),
        ("METHOD", "zero-filled", "method"),
        ("reset", "null", "reset"),
    ],
)
def test_commands_are_carried_out_and_answered(name, text, command):
    with an_engine() as (client, _, _):
        assert answer_to(client, name, text) == {"ok": True, "command": command}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"method": "magic"}', "unknown method 'magic'"),
        ('{"command": "explode"}', "unknown command 'explode'"),
        ("[1, 2]", "expected a JSON object"),
        ("[" * 3000, "expected"),
    ],
)
def test_commands_that_mean_nothing_are_refused_with_a_reason(text, why):
    with an_engine() as (client, _, _):
        answer = answer_to(client, "9", text)
        assert not answer["ok"] and why in answer["error"]


def test_stop_ignores_frames_until_start():
    with an_engine() as (client, _, _):
        assert answer_to(client, "STOP", "")["ok"]
        client.send(kspace_envelope(still_frame(0)))
        assert answer_to(client, "START", "")["ok"]
        client.send(kspace_envelope(still_frame(1)))
        assert next_of(client, "RECON").metadata["TR.FrameIndex"] == "1"


def test_a_new_method_serves_the_next_frame():
    with an_engine("zero-filled") as (client, _, _):
        client.send(kspace_envelope(still_frame(0)))
        aliased = next_of(client, "RECON").message.data
        assert answer_to(client, "M", '{"method": "sliding-window"}')["ok"]
        for index in range(1, 5):
            client.send(kspace_envelope(still_frame(index)))
        whole = next_of(client, "RECON", lambda envelope: envelope.metadata["TR.FrameIndex"] == "4").message.data
        assert np.abs(whole - still_object()).max() < 1e-4 < np.abs(aliased - still_object()).max()


def test_health_says_waiting_then_running_then_stalled():
    with an_engine() as (client, _, _):
        assert next_of(client, "TemporalRecon").metadata["TR.State"] == "waiting"
        client.send(kspace_envelope(still_frame(0)))
        next_of(client, "TemporalRecon", lambda envelope: envelope.metadata["TR.State"] == "running")
        stalled = next_of(client, "TemporalRecon", lambda envelope: envelope.metadata["TR.State"] == "stalled")
        assert "check the scanner's stream" in stalled.message.text


def test_status_and_capability_are_given_when_asked_for():
    with an_engine() as (client, _, _):
        client.send(Envelope(QueryMessage("GET_CAPABIL"), "any"))
        assert "IMAGE" in next_of(client, "TemporalRecon", lambda e: e.type_name == "CAPABILITY").message.types


def test_an_engine_that_only_reconstructs_refuses_a_target_and_stays_well():
    with an_engine() as (client, server, _):
        client.send(Envelope(PointMessage((PointElement((1.0, 2.0, 3.0)),)), "TARGET"))
        answer = answer_to(client, "T", '{"target": [1, 2, 3]}')
        assert not answer["ok"] and "only reconstructs" in answer["error"]
        assert server.counters.dropped == {"content": 1}
        assert counters_of(next_of(client, "TemporalRecon"))["rejected"] == 0


def counters_of(status):
    return json.loads(status.metadata["TR.Counters"])


def test_a_frame_that_cannot_be_decoded_is_counted_and_its_reason_told():
    with an_engine() as (client, _, _):
        bad = kspace_envelope(still_frame(0))
        client.send(Envelope(bad.message, bad.device_name, bad.timestamp, {**bad.metadata, "TR.NumCoils": "7"}))
        status = next_of(client, "TemporalRecon", lambda envelope: envelope.metadata["TR.State"] == "failed")
        assert "TR.NumCoils 7" in status.message.text
        assert counters_of(status)["rejected"] == 1
        assert counters_of(status)["messages_dropped"] == {"metadata": 1}
        client.send(kspace_envelope(still_frame(1)))
        assert next_of(client, "RECON").metadata["TR.Dropped"] == "1"


def test_a_frame_without_a_time_is_flagged():
    with an_engine() as (client, _, _):
        known, unknown = kspace_envelope(still_frame(1)), kspace_envelope(still_frame(2))
        client.send(known)
        assert "TR.TimeSource" not in next_of(client, "RECON").metadata
        timeless = {key: value for key, value in unknown.metadata.items() if not key.startswith("TR.Acq")}
        client.send(Envelope(unknown.message, unknown.device_name, 0.0, timeless))
        recon = next_of(client, "RECON")
        assert recon.metadata["TR.TimeSource"] == "arrival"
        assert abs(recon.timestamp - time.time()) < PATIENCE_S


def test_every_output_says_what_the_contract_names():
    with an_engine() as (client, _, _):
        client.send(kspace_envelope(still_frame(0)))
        metadata = next_of(client, "RECON").metadata
        for key in ("StreamID", "FrameIndex", "AcqStartTime", "AcqEndTime", "Latency_ms", "Quality", "Dropped"):
            assert f"TR.{key}" in metadata
        assert metadata["TR.State"] == "running" and metadata["TR.Confidence"] == "nan"


def test_stop_is_told_and_ignored_frames_are_no_loss():
    with an_engine() as (client, _, _):
        client.send(kspace_envelope(still_frame(0)))
        next_of(client, "RECON")
        assert answer_to(client, "STOP", "")["ok"]
        client.send(kspace_envelope(still_frame(1)))
        status = next_of(client, "TemporalRecon", lambda envelope: envelope.metadata["TR.State"] == "stopped")
        assert "CMD_START" in status.message.text
        assert answer_to(client, "START", "")["ok"]
        client.send(kspace_envelope(still_frame(5)))
        assert next_of(client, "RECON").metadata["TR.Dropped"] == "0"
        # The status that says "running" may have come before the picture, and the next one says "stalled".
        status = next_of(client, "TemporalRecon", lambda envelope: envelope.metadata["TR.State"] != "stopped")
        assert counters_of(status)["missing"] == 0


def test_results_are_forwarded_to_a_server_that_starts_late():
    received = []
    with IgtlServer(port=0) as probe:
        port = probe.port
    with an_engine(forward=("127.0.0.1", port)) as (client, _, _):
        client.send(kspace_envelope(still_frame(0)))
        next_of(client, "RECON")
        with IgtlServer(port=port, on_message=received.append):
            deadline = time.monotonic() + PATIENCE_S
            while not any(e.device_name == "RECON" for e in received) and time.monotonic() < deadline:
                time.sleep(0.02)
    assert any(envelope.device_name == "RECON" for envelope in received)


def test_a_sender_that_never_reads_loses_no_frame_when_it_leaves():
    """Pictures that wait unread in its socket must not tear the connection down under its last frames."""
    with serving(ReconstructionProcessor("zero-filled", "cpu"), ServeOptions(port=0)) as (server, engine):
        for round_number in range(5):
            with IgtlClient(port=server.port) as sender:
                for index in range(20):
                    sender.send(kspace_envelope(still_frame(20 * round_number + index)))
                sender.finish()
        deadline = time.monotonic() + PATIENCE_S
        while engine.health.shown + engine.health.skipped < 100 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert engine.health.shown + engine.health.skipped == 100
