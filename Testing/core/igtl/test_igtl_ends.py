"""How links begin and end: twice, never, in the middle, and with a peer that is gone."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator

import numpy as np
import pytest
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.codec import encode
from TemporalReconLib.igtl.connection import Connection
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import LinkLostError
from TemporalReconLib.igtl.header import HEADER_SIZE
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import StatusMessage, StringMessage, TransformMessage
from TemporalReconLib.igtl.server import IgtlServer
from test_igtl_codec import with_crc
from test_igtl_server import image, text
from waiting import wait_until


def test_a_server_that_runs_is_not_started_twice_and_one_that_does_not_is_stopped_without_fault() -> None:
    server = IgtlServer(port=0)
    server.stop()
    assert not server.is_running
    with server:
        port = server.port
        server.start()
        assert (server.is_running, server.port, server.host) == (True, port, "127.0.0.1")
    assert not server.is_running


def test_a_client_that_was_never_connected_says_so() -> None:
    client = IgtlClient(port=1)
    client.finish()
    client.close()
    with pytest.raises(InputError, match="connect first"):
        client.send(text("start"))
    with pytest.raises(InputError, match="connect first"):
        client.receive(0.1)


def test_a_client_that_sends_to_a_server_that_is_gone_is_told(server: IgtlServer) -> None:
    with IgtlClient(port=server.port) as client:
        server.stop()

        def lost() -> bool:
            try:
                client.send(image(1.0))
            except LinkLostError as error:
                assert "is gone" in str(error)
                return True
            return False

        wait_until(lost)


def test_finishing_waits_until_the_last_frame_is_read_whatever_comes_back_meanwhile(
    server: IgtlServer, received: list[Envelope]
) -> None:
    with IgtlClient(port=server.port) as client:
        wait_until(lambda: server.counters.clients == 1)
        for number in range(20):
            client.send(image(float(number)))
            server.publish(text("answer"))
        client.finish()
    wait_until(lambda: len(received) == 20)
    assert received[-1].metadata == {"TR.FrameIndex": "19"}


def test_finishing_gives_up_a_peer_that_never_closes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = IgtlClient(port=listener.getsockname()[1])
        client.connect()
        peer, _ = listener.accept()
        with peer:
            begin = time.monotonic()
            client.finish(0.3)
            assert 0.2 < time.monotonic() - begin < 2.0


def test_one_client_can_leave_out_what_the_others_get(server: IgtlServer, received: list[Envelope]) -> None:
    def health(name: str) -> Envelope:
        return Envelope(StatusMessage(), name)

    with IgtlClient(port=server.port) as first, IgtlClient(port=server.port) as second:
        wait_until(lambda: server.counters.clients == 2)
        first.send(text("here I am"))
        wait_until(lambda: len(received) == 1)
        peer = received[0].peer
        server.mute("STATUS", True, peer)
        assert server.publish(health("WHILE_MUTED")) == 1
        assert server.publish(Envelope(TransformMessage(np.eye(4)), "TipToRAS")) == 2
        assert server.publish(health("ASKED_FOR"), peer=peer) == 1
        server.mute("STATUS", False, peer)
        assert server.publish(health("AFTERWARDS")) == 2
        assert [envelope.device_name for envelope in all_of(first)] == ["TipToRAS", "ASKED_FOR", "AFTERWARDS"]
        assert [envelope.device_name for envelope in all_of(second)] == ["WHILE_MUTED", "TipToRAS", "AFTERWARDS"]


def all_of(client: IgtlClient) -> Iterator[Envelope]:
    while (envelope := client.receive(0.3)) is not None:
        yield envelope


def test_pixels_in_the_wrong_byte_order_are_read_and_counted(server: IgtlServer, received: list[Envelope]) -> None:
    """Senders exist that write little-endian pixels and label them big-endian."""
    rows, columns = np.mgrid[0:64, 0:64]
    pixels = (100.0 + rows + columns).astype("<f4")[None]
    raw = bytearray(sent(Envelope(ImageMessage(pixels, np.eye(4)), "MR Image"), legacy=True))
    assert raw.endswith(pixels.tobytes())
    raw[HEADER_SIZE + 4] = 1  # the label of the byte order: big-endian
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(with_crc(raw))
        wait_until(lambda: len(received) == 1)
    np.testing.assert_array_equal(received[0].message.data, pixels)
    assert server.counters.byte_order_corrected == 1


def sent(envelope: Envelope, legacy: bool = False) -> bytes:
    return b"".join(bytes(buffer) for buffer in encode(envelope, legacy))


def test_a_connection_that_is_reset_has_departed_and_a_silent_one_has_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        connection = Connection(accepted)
        assert not connection.has_departed()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()  # resets
        wait_until(connection.has_departed)
        connection.close()
        assert connection.has_departed()


def test_a_server_without_free_file_descriptors_goes_on_when_there_are_some_again(
    server: IgtlServer, received: list[Envelope]
) -> None:
    resource = pytest.importorskip("resource", reason="needs POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as waiting:
        first_free = os.dup(waiting.fileno())
        os.close(first_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, hard))
        try:
            waiting.connect(("127.0.0.1", server.port))
            time.sleep(0.3)
            assert server.counters.clients == 0
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        waiting.sendall(sent(text("late")))
        wait_until(lambda: len(received) == 1)
    assert received[0].message == StringMessage("late")
