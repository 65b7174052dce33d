"""Server and client on loopback: many clients, slow clients, restarts."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.connection import Limits
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import LinkLostError, MessageError
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import StatusMessage, StringMessage, TransformMessage
from TemporalReconLib.igtl.outbox import Outbox
from TemporalReconLib.igtl.server import IgtlServer
from waiting import wait_until


def text(value: str, name: str = "CMD") -> Envelope:
    return Envelope(StringMessage(value), name)


def image(value: float, size: int = 256, name: str = "RECON") -> Envelope:
    pixels = np.full((5, size, size), value, np.float32)
    return Envelope(ImageMessage(pixels, np.eye(4)), name, 1.0, {"TR.FrameIndex": str(int(value))})


@pytest.fixture
def client(server: IgtlServer) -> Iterator[IgtlClient]:
    with IgtlClient(port=server.port) as connected:
        wait_until(lambda: server.counters.clients == 1)
        yield connected


def test_messages_travel_both_ways(server, client, received):
    client.send(image(3.0))
    wait_until(lambda: len(received) == 1)
    np.testing.assert_array_equal(received[0].message.data, 3.0)
    assert received[0].metadata == {"TR.FrameIndex": "3"}
    assert abs(received[0].arrival_time - time.time()) < 5.0
    assert server.publish(text("done", "ACK_START")) == 1
    answer = client.receive(5.0)
    assert (answer.message, answer.device_name) == (StringMessage("done"), "ACK_START")
    assert server.counters.accepted == 1


def test_an_image_larger_than_any_socket_buffer_arrives_whole(client, received):
    pixels = np.random.default_rng(0).normal(size=(5, 256, 256, 16)).astype(np.float32)
    client.send(Envelope(ImageMessage(pixels, np.eye(4)), "KSPACE_IN"))
    wait_until(lambda: len(received) == 1)
    np.testing.assert_array_equal(received[0].message.data, pixels)


def test_an_answer_can_go_to_one_client_only(server, client, received):
    with IgtlClient(port=server.port) as other:
        wait_until(lambda: server.counters.clients == 2)
        client.send(text("{}", "CMD_START"))
        wait_until(lambda: len(received) == 1)
        assert server.publish(text("ok", "ACK_START"), peer=received[0].peer) == 1
        assert client.receive(5.0).message == StringMessage("ok")
        assert other.receive(0.1) is None


def test_a_message_the_consumer_refuses_is_counted_and_the_link_stays(received):
    def consume(envelope: Envelope) -> None:
        if envelope.message.text == "bad":
            raise MessageError("metadata", "no such frame")
        if envelope.message.text == "bug":
            raise ZeroDivisionError
        received.append(envelope)

    with IgtlServer(port=0, on_message=consume) as server, IgtlClient(port=server.port) as client:
        for value in ("bad", "bug", "good"):
            client.send(text(value))
        wait_until(lambda: server.counters.accepted == 1)
        assert server.counters.dropped == {"metadata": 1, "consumer": 1}
        assert server.counters.clients == 1


def test_a_fifth_client_is_refused_until_one_leaves(server):
    clients = [IgtlClient(port=server.port) for _ in range(4)]
    for connected in clients:
        connected.connect()
    wait_until(lambda: server.counters.clients == 4)
    with IgtlClient(port=server.port) as fifth, pytest.raises(LinkLostError, match="is gone"):
        fifth.receive(5.0)
    assert server.counters.refused_clients == 1
    assert server.publish(text("x")) == 4
    clients[0].close()
    wait_until(lambda: server.counters.clients == 3)
    with IgtlClient(port=server.port) as late:
        wait_until(lambda: server.counters.clients == 4)
        server.publish(text("welcome"))
        assert late.receive(5.0).message == StringMessage("welcome")
    for connected in clients:
        connected.close()


def test_a_client_that_never_reads_delays_nobody_and_is_dropped():
    with (
        IgtlServer(port=0, limits=Limits(send_idle_s=1.0)) as server,
        socket.create_connection(("127.0.0.1", server.port)),
        IgtlClient(port=server.port) as good,
    ):
        wait_until(lambda: server.counters.clients == 2)
        indices: list[int] = []

        def receive() -> None:
            while indices[-1:] != [199] and (envelope := good.receive(5.0)) is not None:
                indices.append(int(envelope.metadata["TR.FrameIndex"]))

        reader = threading.Thread(target=receive)
        reader.start()
        costs = []
        for index in range(200):
            picture = image(index)
            before = time.thread_time()
            server.publish(picture)
            costs.append(time.thread_time() - before)
            time.sleep(0.005)
        reader.join(10.0)
        # Processor time, and of the slowest ten times as much: a busy machine must not fail the test.
        assert np.median(costs) < 0.005
        assert max(costs) < 0.05
        assert indices[-1] == 199
        assert indices == sorted(indices)
        assert len(indices) > 1
        assert server.counters.skipped_sends > 0
        wait_until(lambda: server.counters.closed == {"not-reading": 1})
        assert server.counters.clients == 1


def test_a_scanner_that_only_sends_keeps_its_link():
    """It may never read and may pause longer than a viewer may be deaf; its next frame must still arrive."""
    received: list[str] = []
    with (
        IgtlServer(
            port=0, limits=Limits(send_idle_s=0.3), on_message=lambda e: received.append(e.message.text)
        ) as server,
        IgtlClient(port=server.port) as scanner,
    ):
        scanner.send(text("frame 1"))
        wait_until(lambda: received == ["frame 1"])
        for index in range(100):  # far more than the socket's buffers hold
            server.publish(image(index))
            time.sleep(0.01)
        assert server.counters.skipped_sends > 10, "the scanner's buffers never filled, so nothing was proven"
        scanner.send(text("frame 2"))
        wait_until(lambda: received == ["frame 1", "frame 2"])
        assert server.counters.closed == {}


def test_publishing_never_waits_for_a_client_that_does_not_read():
    with IgtlServer(port=0) as server, socket.create_connection(("127.0.0.1", server.port)):
        wait_until(lambda: server.counters.clients == 1)
        picture = image(1.0)
        before = time.monotonic()
        for _ in range(200):
            server.publish(picture)
        assert time.monotonic() - before < 200 * 0.005


def test_only_the_newest_picture_waits_and_text_keeps_its_order():
    outbox = Outbox(max_waiting=4)
    assert outbox.put("IMAGE", "RECON", [b"picture 1"]) == 0
    assert outbox.put("STRING", "ACK", [b"first"]) == 0
    assert outbox.put("IMAGE", "INSTRUMENT", [b"mask 1"]) == 0
    assert outbox.put("IMAGE", "RECON", [b"picture 2"]) == 1
    assert outbox.put("STRING", "ACK", [b"second"]) == 0
    assert outbox.put("STRING", "ACK", [b"third"]) == 1  # full: the oldest goes
    assert [outbox.take() for _ in range(4)] == [[b"first"], [b"mask 1"], [b"second"], [b"third"]]
    outbox.close()
    assert outbox.take() is None


def test_transforms_and_health_are_replaced_but_commands_are_not(server, client):
    for index in range(3):
        server.publish(text(str(index)))
    assert [client.receive(5.0).message.text for _ in range(3)] == ["0", "1", "2"]
    server.publish(Envelope(TransformMessage(np.eye(4)), "TipToRAS"))
    server.publish(Envelope(StatusMessage(1, "running"), "TemporalRecon"))
    assert {client.receive(5.0).type_name for _ in range(2)} == {"TRANSFORM", "STATUS"}


def test_a_server_can_be_restarted_on_its_port_and_clients_come_back(received):
    server = IgtlServer(port=0, on_message=received.append)
    server.start()
    port = server.port
    client = IgtlClient(port=port)
    client.connect()
    wait_until(lambda: server.counters.clients == 1)
    before = time.monotonic()
    server.stop()
    assert time.monotonic() - before < 2.0
    with pytest.raises(LinkLostError, match=f"127.0.0.1:{port} is gone"):
        client.receive(5.0)
    with pytest.raises(LinkLostError, match="no OpenIGTLink server"):
        client.connect()
    with IgtlServer(port=port, on_message=received.append) as again:
        client.connect()
        client.send(text("back"))
        wait_until(lambda: len(received) == 1)
        assert again.port == port
        client.close()


def test_stopping_with_clients_in_the_middle_of_messages_is_quick():
    server = IgtlServer(port=0)
    server.start()
    sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    sockets[0].sendall(b"\0\2IMAGE")
    wait_until(lambda: server.counters.clients == 4)
    for _ in range(5):
        server.publish(image(1.0))
    before = time.monotonic()
    server.stop()
    assert time.monotonic() - before < 2.0
    wait_until(lambda: not any(thread.name.startswith("igtl-") for thread in threading.enumerate()), 10.0)
    for sock in sockets:
        sock.close()


def test_a_taken_port_is_reported_in_one_line(server):
    with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1:{server.port}") as caught:
        IgtlServer(port=server.port).start()
    assert "\n" not in str(caught.value)


def test_an_address_of_another_machine_is_not_taken_for_a_used_port():
    with pytest.raises(InputError, match=r"203\.0\.113\.7 is not an address of this machine") as caught:
        IgtlServer(port=0, host="203.0.113.7", allow=("203.0.113.0/24",)).start()
    assert "another program" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "allow", "expected"),
    [
        ("0.0.0.0", (), "list of allowed peers"),
        ("192.168.1.7", (), "list of allowed peers"),
        ("127.0.0.1", ("10.0.0.5",), "name the address"),
        ("scanner", ("10.0.0.5",), "IP address"),
        ("0.0.0.0", ("everybody",), "allowed peers"),
    ],
)
def test_listening_beyond_this_machine_needs_an_address_and_allowed_peers(host, allow, expected):
    with pytest.raises(InputError, match=expected):
        IgtlServer(port=0, host=host, allow=allow)


def test_only_allowed_peers_get_in():
    with IgtlServer(port=0, host="0.0.0.0", allow=("10.1.2.0/24",)) as server:
        with IgtlClient(port=server.port) as client, pytest.raises(LinkLostError):
            client.receive(5.0)
        assert server.counters.refused_clients == 1
    with (
        IgtlServer(port=0, host="0.0.0.0", allow=("10.1.2.0/24", "127.0.0.1")) as server,
        IgtlClient(port=server.port) as client,
    ):
        wait_until(lambda: server.counters.clients == 1)
        server.publish(text("hello"))
        assert client.receive(5.0).message == StringMessage("hello")


def test_the_message_log_holds_the_name_of_every_accepted_message(tmp_path: Path):
    log = tmp_path / "messages.txt"
    with IgtlServer(port=0, message_log=log) as server, IgtlClient(port=server.port) as client:
        client.send(text("a", "CMD_START"))
        client.send(image(1.0, 8, "KSPACE_IN"))
        client.send(image(2.0, 8, "KSPACE_IN"))
        wait_until(lambda: server.counters.accepted == 3)
        assert log.read_text().splitlines() == ["CMD_START", "KSPACE_IN", "KSPACE_IN"]
    with pytest.raises(InputError, match="cannot be written"):
        IgtlServer(port=0, message_log=tmp_path / "missing" / "log.txt").start()


def test_a_query_without_a_name_is_answered_and_leaves_no_line_in_the_message_log(tmp_path: Path):
    log, received = tmp_path / "messages.txt", []
    with (
        IgtlServer(port=0, message_log=log, on_message=received.append) as server,
        socket.create_connection(("127.0.0.1", server.port)) as peer,
    ):
        peer.sendall(struct.pack(">H12s20sIIQQ", 1, b"GET_CAPABIL", b"", 0, 0, 0, 0))
        wait_until(lambda: server.counters.accepted == 1)
        assert received[0].type_name == "GET_CAPABIL"
        assert log.read_text() == ""


def test_a_client_says_in_one_line_that_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionError, match=f"no OpenIGTLink server at 127.0.0.1:{port}") as caught:
        IgtlClient(port=port).connect()
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="connect first"):
        IgtlClient(port=port).send(text("x"))


def test_a_legacy_server_sends_version_1_headers():
    with IgtlServer(port=0, legacy_v1=True) as server, socket.create_connection(("127.0.0.1", server.port)) as peer:
        wait_until(lambda: server.counters.clients == 1)
        server.publish(image(1.0, 2))
        peer.settimeout(5.0)
        header = peer.recv(58, socket.MSG_WAITALL)
        assert header[:2] == b"\0\1"
        assert int.from_bytes(header[42:50], "big") == 72 + 5 * 2 * 2 * 4


def test_clients_that_reset_their_connection_leave_no_thread_that_reads_from_a_later_one(received):
    """The number of a closed socket is the next one's: whoever still waits on it takes the next client's bytes."""

    def receivers():
        return {thread for thread in threading.enumerate() if thread.name.startswith("igtl-receive")}

    others = receivers()
    with IgtlServer(port=0, on_message=received.append) as server, IgtlClient(port=server.port) as source:
        for index in range(40):
            with IgtlClient(port=server.port) as restless:
                server.publish(image(1.0))
                source.send(text(str(index)))
                with contextlib.suppress(TimeoutError):
                    restless.receive(0.01)
        wait_until(lambda: len(received) == 40)
        source.close()
        wait_until(lambda: server.counters.clients == 0)
        wait_until(lambda: not receivers() - others)
