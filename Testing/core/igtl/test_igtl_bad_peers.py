"""What hostile, broken and confused peers get, and that good ones notice nothing of it."""

from __future__ import annotations

import socket
import struct
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from fastcrc import crc64
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.codec import encode
from TemporalReconLib.igtl.connection import Limits
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import LinkLostError
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import StringMessage
from TemporalReconLib.igtl.server import IgtlServer
from waiting import wait_until

QUICK = Limits(header_s=0.3, body_idle_s=0.3)


def message(envelope: Envelope | None = None) -> bytearray:
    return bytearray(b"".join(encode(envelope or Envelope(StringMessage("good"), "CMD_GOOD"))))


def raw_message(type_name: str, body: bytes, name: bytes = b"Device", version: int = 1) -> bytes:
    crc = crc64.ecma_182(body)
    return struct.pack(">H12s20sIIQQ", version, type_name.encode(), name, 0, 0, len(body), crc) + body


def image_with(offset: int, layout: str, *values: float) -> bytes:
    content = bytearray(b"".join(ImageMessage(np.ones((2, 3, 4), np.float32), np.eye(4)).encode_content()))
    struct.pack_into(layout, content, offset, *values)
    return raw_message("IMAGE", bytes(content))


def is_closed_by_server(peer: socket.socket, timeout_s: float = 3.0) -> bool:
    peer.settimeout(timeout_s)
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.fixture
def server(received: list[Envelope]) -> Iterator[IgtlServer]:
    with IgtlServer(port=0, on_message=received.append, limits=QUICK) as running:
        yield running


@pytest.fixture
def peer(server: IgtlServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        yield sock


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "version"),
        (bytes.fromhex("1603010200010001fc0303") + bytes(200), "version"),
        (b"\0\x07" + bytes(message())[2:], "version"),
        (b"\xff" * 200, "version"),
        (struct.pack(">H12s20sIIQQ", 1, b"IMAGE", b"Big", 0, 0, 2**32, 0), "size"),
        (struct.pack(">H12s20sIIQQ", 2, b"TRANSFORM", b"Big", 0, 0, 2**20, 0), "size"),
        (struct.pack(">H12s20sIIQQ", 1, b"\x01\x02\x03", b"x", 0, 0, 4, 0) + b"abcd", "type"),
    ],
    ids=["http", "tls", "version 7", "garbage", "4 GB image", "1 MB transform", "binary type"],
)
def test_who_does_not_speak_openigtlink_is_disconnected(server, peer, sent, reason):
    peer.sendall(sent)
    assert is_closed_by_server(peer)
    wait_until(lambda: server.counters.clients == 0)
    assert server.counters.closed == {reason: 1}
    assert server.counters.accepted == 0


def test_two_bytes_of_http_are_enough_to_tell(server, peer):
    peer.sendall(b"GE")
    assert is_closed_by_server(peer, 0.25)


def test_a_header_that_drips_in_is_given_up(server, peer):
    started = time.monotonic()
    for byte in message()[:20]:
        try:
            peer.sendall(bytes([byte]))
        except OSError:
            break
        time.sleep(0.05)
    assert is_closed_by_server(peer)
    assert time.monotonic() - started < 2.0
    assert server.counters.closed == {"slow-header": 1}


def test_half_a_header_and_silence_are_given_up(server, peer):
    peer.sendall(bytes(message())[:30])
    assert is_closed_by_server(peer)
    assert server.counters.closed == {"slow-header": 1}


def test_half_a_body_and_silence_are_given_up(server, peer):
    peer.sendall(bytes(message())[:-5])
    assert is_closed_by_server(peer)
    assert server.counters.closed == {"idle-body": 1}


def test_a_slow_but_steady_body_is_read(server, peer, received):
    raw = bytes(message(Envelope(ImageMessage(np.ones((1, 4, 4), np.float32), np.eye(4)), "Slow")))
    peer.sendall(raw[:58])
    for start in range(58, len(raw), 20):
        time.sleep(0.1)
        peer.sendall(raw[start : start + 20])
    wait_until(lambda: len(received) == 1)


def test_a_header_split_in_two_is_read(peer, received):
    raw = bytes(message())
    peer.sendall(raw[:7])
    time.sleep(0.1)
    peer.sendall(raw[7:])
    wait_until(lambda: len(received) == 1)


def test_a_pause_between_messages_is_no_fault(server, peer, received):
    peer.sendall(bytes(message()))
    time.sleep(0.7)
    peer.sendall(bytes(message()))
    wait_until(lambda: len(received) == 2)


def test_a_large_size_costs_no_memory_before_its_bytes_come(server, peer):
    tracemalloc.start()
    try:
        peer.sendall(struct.pack(">H12s20sIIQQ", 1, b"IMAGE", b"Big", 0, 0, 250 * 2**20, 0) + bytes(1000))
        assert is_closed_by_server(peer)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert server.counters.closed == {"idle-body": 1}


def damaged() -> bytes:
    raw = message()
    raw[-1] ^= 1
    return bytes(raw)


def lying_metadata() -> bytes:
    body = struct.pack(">HHII", 12, 10, 2**31, 0) + b"\0\3\0\2hi"
    return raw_message("STRING", body, version=2)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (damaged(), "crc"),
        (image_with(12, ">f", float("nan")), "matrix"),
        (image_with(12, ">9f", *([0.0] * 9)), "matrix"),
        (image_with(6, ">3H", 0, 0, 0), "size"),
        (image_with(6, ">3H12f6H", *[9999] * 3, *np.eye(4)[:, :3].ravel(), 0, 0, 0, *[9999] * 3), "size"),
        (lying_metadata(), "metadata"),
        (raw_message("STRING", b"\0\3\0\2hi", b"CMD\x1b[2J"), "name"),
        (raw_message("STRING", b"\0\3\0\2hi", b""), "name"),
        (raw_message("TRANSFORM", np.eye(4, dtype=">f4")[:3].T.tobytes(), b"  "), "name"),
        (raw_message("STRING", b"\0\3\xff\xffhi"), "size"),
        (raw_message("VIDEO", bytes(3_000_000)), "type"),
        (raw_message("TRANSFORM", bytes(48)), "matrix"),
        (raw_message("TRANSFORM", bytes(40)), "size"),
    ],
    ids=[
        "damaged",
        "nan matrix",
        "singular matrix",
        "no pixels",
        "lying dimensions",
        "lying metadata",
        "escape in name",
        "no name",
        "blank name",
        "lying length",
        "unknown type",
        "zero transform",
        "short transform",
    ],
)
def test_a_bad_message_is_dropped_and_the_next_one_is_read(server, peer, received, bad, reason):
    peer.sendall(bad + bytes(message()))
    wait_until(lambda: server.counters.accepted == 1)
    assert [envelope.device_name for envelope in received] == ["CMD_GOOD"]
    assert server.counters.dropped == {reason: 1}
    assert server.counters.closed == {}
    assert server.counters.clients == 1


def test_a_flood_of_bad_messages_is_counted_and_does_not_flood_the_log(server, peer, caplog):
    damaged = message()
    damaged[-1] ^= 1
    peer.sendall(bytes(damaged) * 1234)
    wait_until(lambda: sum(server.counters.dropped.values()) == 1234)
    told = [record.getMessage() for record in caplog.records if "dropped" in record.getMessage()]
    assert len(told) == 9 + 9 + 9 + 1
    assert told[-1].endswith("(1000 so far)")


def test_good_clients_notice_nothing_of_bad_ones(server, received):
    with IgtlClient(port=server.port) as good:
        for sent in (b"GET / HTTP/1.0\r\n\r\n", damaged(), bytes(message())[:40], b"\xff" * 99):
            with socket.create_connection(("127.0.0.1", server.port)) as bad:
                bad.sendall(sent)
                good.send(Envelope(StringMessage("still here"), "CMD_PING"))
        wait_until(lambda: len(received) == 4)
        server.publish(Envelope(StringMessage("me too"), "ACK_PING"))
        assert good.receive(5.0).message == StringMessage("me too")


def test_a_peer_that_leaves_in_the_middle_of_a_message_is_forgotten(server, peer):
    peer.sendall(bytes(message())[:70])
    peer.close()
    wait_until(lambda: server.counters.clients == 0 and server.counters.closed == {"cut": 1})


def test_a_client_tells_a_web_server_from_an_openigtlink_server():
    with socket.create_server(("127.0.0.1", 0)) as web, IgtlClient(port=web.getsockname()[1]) as client:
        connection, _ = web.accept()
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(LinkLostError, match="not OpenIGTLink"):
            client.receive(5.0)
        assert not client.is_connected
        connection.close()
