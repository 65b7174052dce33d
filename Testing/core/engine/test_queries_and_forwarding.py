"""Peers that ask, peers that want less, and servers that come and go."""

import json
import socket
from contextlib import contextmanager

import numpy as np
import pytest
from engine_frames import still_frame, still_object
from serve_process import next_of
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.codec import encode
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import kspace_envelope
from TemporalReconLib.igtl.messages import QueryMessage, StringMessage
from TemporalReconLib.igtl.server import IgtlServer
from waiting import wait_until

PATIENCE_S = 30.0


@contextmanager
def an_engine(**options):
    with serving(ReconstructionProcessor("zero-filled", "cpu"), ServeOptions(port=0, **options)) as (server, engine):
        yield server, engine


def ask(client, query, device_name=""):
    client.send(Envelope(QueryMessage(query), device_name or "any"))


def test_the_newest_picture_health_and_abilities_are_given_when_asked_for():
    with an_engine() as (server, engine):
        engine.submit("frame", still_frame(3))
        wait_until(lambda: engine.health.shown == 1)
        with IgtlClient(port=server.port) as client:
            ask(client, "GET_IMAGE", "RECON")
            picture = next_of(client, "RECON")
            assert picture.metadata["TR.FrameIndex"] == "3"
            assert picture.message.data.shape == still_object().shape
            ask(client, "GET_STATUS")
            assert next_of(client, "TemporalRecon").type_name == "STATUS"
            ask(client, "GET_CAPABIL")
            types = next_of(client, "TemporalRecon", lambda e: e.type_name == "CAPABILITY").message.types
            assert {"IMAGE", "GET_IMAGE", "STP_STATUS"} <= set(types)


@pytest.mark.parametrize(("query", "name"), [("GET_IMAGE", "INSTRUMENT"), ("GET_TRANS", "TipToRAS"), ("GET_POLY", "x")])
def test_what_is_not_there_is_answered_as_not_found(query, name):
    with an_engine() as (server, _), IgtlClient(port=server.port) as client:
        ask(client, query, name)
        answer = next_of(client, name)
        assert (answer.type_name, answer.message.code) == ("STATUS", 4)
        assert name in answer.message.text


def test_a_client_that_stops_pictures_gets_health_and_answers_only_until_it_starts_them_again():
    with an_engine() as (server, _), IgtlClient(port=server.port) as client, IgtlClient(port=server.port) as other:
        wait_until(lambda: server.counters.clients == 2)
        ask(client, "STP_IMAGE", "RECON")
        answer = next_of(client, "RECON")
        assert (answer.type_name, answer.message.content) == ("RTS_IMAGE", b"\0")
        client.send(kspace_envelope(still_frame(0)))
        assert next_of(other, "RECON").metadata["TR.FrameIndex"] == "0"
        ask(client, "STT_IMAGE", "RECON")
        # Its next message under this name is the answer, not the picture of frame 0.
        assert next_of(client, "RECON").type_name == "RTS_IMAGE"
        client.send(kspace_envelope(still_frame(1)))
        assert next_of(client, "RECON").metadata["TR.FrameIndex"] == "1"


def test_a_type_that_is_not_served_is_refused():
    with an_engine() as (server, _), IgtlClient(port=server.port) as client:
        ask(client, "STT_TDATA", "Tools")
        answer = next_of(client, "Tools")
        assert (answer.type_name, answer.message.content) == ("RTS_TDATA", b"\1")


def test_a_server_that_is_restarted_gets_results_again_and_its_commands_are_carried_out():
    received = []
    with IgtlServer(port=0) as probe:
        port = probe.port
    with an_engine(forward=("localhost", port)) as (_, engine):
        for index in range(2):
            received.clear()
            with IgtlServer(port=port, on_message=received.append) as elsewhere:
                wait_until(lambda e=elsewhere: e.counters.clients == 1)
                elsewhere.publish(kspace_envelope(still_frame(index)))
                elsewhere.publish(Envelope(StringMessage('{"command": "start"}'), "CMD_1"))
                wait_until(
                    lambda i=index: (
                        [str(i)] == [e.metadata["TR.FrameIndex"] for e in received if e.device_name == "RECON"][-1:]
                    )
                )
                wait_until(lambda: any(e.device_name == "ACK_1" for e in received))
        answer = next(e for e in received if e.device_name == "ACK_1")
        assert json.loads(answer.message.text)["ok"]
        assert engine.health.arrived == 2


def test_many_viewers_one_that_never_reads_and_one_that_comes_and_goes_disturb_nobody():
    with (
        an_engine() as (server, engine),
        IgtlClient(port=server.port) as scanner,
        IgtlClient(port=server.port) as viewer,
    ):
        with IgtlClient(port=server.port):  # never reads
            for index in range(40):
                with IgtlClient(port=server.port) as restless:
                    scanner.send(kspace_envelope(still_frame(index)))
                    restless.receive(0.01)
            recon = next_of(viewer, "RECON", lambda e: e.metadata["TR.FrameIndex"] == "39")
        wait_until(lambda: engine.health.shown + engine.health.skipped == 40)
        assert engine.health.arrived == 40 and recon.metadata["TR.Dropped"] == "0"
        np.testing.assert_allclose(recon.message.ijk_to_ras, still_frame(0).ijk_to_ras, atol=1e-5)


def test_a_hundred_idle_connections_neither_disturb_the_stream_nor_stay_in_the_way():
    with an_engine() as (server, engine):
        with IgtlClient(port=server.port) as scanner:
            wait_until(lambda: server.counters.clients == 1)
            idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
            for index in range(5):
                scanner.send(kspace_envelope(still_frame(index)))
            assert next_of(scanner, "RECON", lambda e: e.metadata["TR.FrameIndex"] == "4")
            wait_until(lambda: server.counters.refused_clients == 97)
            for sock in idle:
                sock.close()
        wait_until(lambda: server.counters.clients == 0)
        with IgtlClient(port=server.port) as scanner:
            scanner.send(kspace_envelope(still_frame(5)))
            wait_until(lambda: engine.health.arrived == 6)


def test_of_a_stream_with_damaged_messages_every_good_one_is_used_and_every_bad_one_counted():

    with an_engine() as (server, engine), socket.create_connection(("127.0.0.1", server.port)) as sock:
        n_damaged = 0
        for index in range(200):
            raw = bytearray(b"".join(encode(kspace_envelope(still_frame(index)))))
            if index % 20 == 7:
                raw[-100] ^= 16
                n_damaged += 1
            sock.sendall(raw)
        wait_until(lambda: engine.health.shown + engine.health.skipped == 200 - n_damaged)
        assert server.counters.dropped == {"crc": n_damaged}
        counters = json.loads(engine.status_envelope().metadata["TR.Counters"])
        assert (counters["accepted"], counters["missing"], counters["rejected"]) == (190, 0, 10)


def test_a_scanner_killed_inside_a_message_is_followed_by_its_successor():

    with an_engine() as (server, engine):
        for index in range(3):
            raw = b"".join(encode(kspace_envelope(still_frame(index))))
            with socket.create_connection(("127.0.0.1", server.port)) as sock:
                sock.sendall(raw + raw[: len(raw) // 2])
            wait_until(lambda i=index: engine.health.shown + engine.health.skipped == i + 1)
        wait_until(lambda: server.counters.closed == {"cut": 3})
        assert engine._processor.counters.missing == 0
