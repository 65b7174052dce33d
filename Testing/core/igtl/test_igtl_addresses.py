"""Where a server listens, whom it lets in, and the log of what came."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path

import pytest
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.listen_address import ListenAddress
from TemporalReconLib.igtl.message_log import MessageLog
from TemporalReconLib.igtl.messages import StringMessage
from TemporalReconLib.igtl.server import IgtlServer
from waiting import wait_until


@pytest.mark.parametrize(
    ("host", "port", "allow", "expected"),
    [
        ("scanner", 18944, (), "expected an IP address of this machine"),
        ("127.0.0.1", 70_000, (), "expected 0 to 65535"),
        ("127.0.0.1", -1, (), "expected 0 to 65535"),
        ("0.0.0.0", 18944, ("10.0.0.0/33",), "expected for example 10.0.0.5"),
    ],
)
def test_an_address_that_is_none_is_refused_in_one_line(
    host: str, port: int, allow: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        ListenAddress.checked(host, port, allow)
    assert "\n" not in str(caught.value)


def test_a_peer_that_ipv6_writes_in_its_own_way_is_the_same_peer() -> None:
    address = ListenAddress.checked("0.0.0.0", 0, ("10.0.0.0/24",))
    assert address.allows("10.0.0.5") and address.allows("::ffff:10.0.0.5")
    assert not address.allows("10.0.1.5") and not address.allows("::ffff:10.0.1.5")
    assert ListenAddress.checked("::1", 0, ("::1",)).allows("::1%lo")
    assert not address.allows("fe80::1%eth0")


@pytest.mark.skipif(not socket.has_ipv6, reason="this computer has no IPv6")
def test_a_server_listens_by_ipv6_too() -> None:
    try:
        listener = ListenAddress.checked("::1", 0, ()).listen()
    except InputError:
        pytest.skip("this computer has no IPv6 loopback")
    with listener:
        assert listener.family == socket.AF_INET6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_stops_the_log_and_neither_stream_nor_server(caplog: pytest.LogCaptureFixture) -> None:
    received: list[Envelope] = []
    server = IgtlServer(port=0, on_message=received.append, message_log=Path("/dev/full"))
    with caplog.at_level(logging.ERROR), server, IgtlClient(port=server.port) as client:
        for number in range(3):
            client.send(Envelope(StringMessage(str(number)), "CMD"))
        wait_until(lambda: len(received) == 3)
        wait_until(lambda: server.counters.accepted == 3)
    assert [record.getMessage() for record in caplog.records if "message log" in record.getMessage()] == [
        "message log /dev/full stopped: [Errno 28] No space left on device"
    ]
    assert not server.is_running


@pytest.mark.skipif(sys.platform == "win32", reason="a folder opens otherwise there")
def test_a_log_that_cannot_be_written_is_told_before_anybody_connects_and_the_port_is_free_again(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = IgtlServer(port=port, message_log=tmp_path)
    with pytest.raises(InputError, match="choose another file"):
        server.start()
    assert not server.is_running
    with IgtlServer(port=port) as other:
        assert other.port == port


def test_a_closed_log_takes_no_more_and_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "messages.txt"
    log = MessageLog(path)
    log.append("KSPACE_IN")
    log.close()
    log.append("LATE")
    assert path.read_text(encoding="ascii") == "KSPACE_IN\n"
