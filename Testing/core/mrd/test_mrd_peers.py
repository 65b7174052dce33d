"""Both ends of an MRD stream when the other one is slow, leaves, or was never welcome."""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.errors import LinkLostError
from TemporalReconLib.mrd import connection as wire
from TemporalReconLib.mrd.client import send_mrd
from TemporalReconLib.mrd.image_message import mrd_images
from TemporalReconLib.mrd.server import MrdServer

sys.path.insert(0, str(Path(__file__).parents[1] / "acquisition"))
from mrd_files import all_lines, header_xml, images, write_mrd
from waiting import wait_until

N_FRAMES = 3


@pytest.fixture
def a_file(tmp_path: Path) -> Path:
    return write_mrd(tmp_path / "case.h5", all_lines(N_FRAMES), images(N_FRAMES))


@contextmanager
def a_reconstruction(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Port of somebody else's MRD server, which treats its one client so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                answer(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(10)


def read_until_close(sock: socket.socket) -> None:
    connection = wire.MrdConnection(sock)
    while (message := connection.read()) is not None and message.id != wire.CLOSE:
        pass


def leave_by_reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_frames_are_sent_at_the_pace_that_is_asked_for(a_file: Path) -> None:
    times: list[float] = []
    with MrdServer(port=0, on_frame=lambda frame: times.append(time.monotonic())) as server:
        assert send_mrd(a_file, port=server.port, frame_interval_s=0.2).is_closed_properly
    assert len(times) == N_FRAMES
    assert times[-1] - times[0] > 0.15  # the second frame is whole when the third begins, the third with the end


def test_a_server_that_leaves_while_lines_are_sent_is_a_lost_link(a_file: Path) -> None:
    def answer(sock: socket.socket) -> None:
        sock.recv(1)
        leave_by_reset(sock)

    with (
        a_reconstruction(answer) as port,
        pytest.raises(LinkLostError, match=rf"MRD server at 127\.0\.0\.1:{port} left"),
    ):
        send_mrd(a_file, port=port, frame_interval_s=0.3)


@pytest.mark.parametrize("content", ["text", "HDF5 of something else"])
def test_a_file_that_is_no_mrd_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.h5"
    if content == "text":
        path.write_text("no HDF5 at all", encoding="utf-8")
    else:
        with h5py.File(path, "w") as file:
            file["other"] = [1.0]
    with (
        MrdServer(port=0, on_frame=lambda frame: None) as server,
        pytest.raises(InputError, match=r"notes\.h5: cannot be read as ISMRMRD"),
    ):
        send_mrd(path, port=server.port)


def test_what_a_server_says_is_kept_and_what_it_garbles_ends_the_reply(a_file: Path) -> None:
    def answer(sock: socket.socket) -> None:
        sock.sendall(wire.encode_config_file("default") + wire.encode_text(wire.TEXT, b"two coils are silent"))
        sock.sendall(struct.pack("<H", 999))
        read_until_close(sock)

    with a_reconstruction(answer) as port:
        reply = send_mrd(a_file, port=port)
    assert reply.texts[0] == "two coils are silent"
    assert reply.texts[1].startswith("connection lost: MRD message id 999")
    assert not reply.is_closed_properly


def test_a_server_that_only_leaves_has_not_closed_properly(a_file: Path) -> None:
    with a_reconstruction(read_until_close) as port:
        reply = send_mrd(a_file, port=port)
    assert (reply.images, reply.texts, reply.is_closed_properly) == ([], [], False)


def test_nobody_reads_from_a_closed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as theirs:
        connection = wire.MrdConnection(listener.accept()[0])
        theirs.sendall(wire.encode_close())
        connection.close()
        assert connection.read() is None


def test_a_scanner_that_is_not_allowed_is_sent_away_and_counted(a_file: Path) -> None:
    with MrdServer(port=0, allow=["127.0.0.2"], on_frame=lambda frame: None) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
            assert sock.recv(1) == b""
        counters = server.counters()
        assert (counters.refused_clients, counters.accepted) == (1, 0)


def test_a_scanner_whose_connection_breaks_is_counted_and_the_next_is_served(a_file: Path) -> None:
    with MrdServer(port=0, on_frame=lambda frame: None) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            leave_by_reset(sock)
            sock.sendall(wire.encode_text(wire.HEADER, header_xml().encode()))
            wait_until(lambda: server.counters().clients == 1)
        wait_until(lambda: server.counters().closed == {"broken": 1})
        assert send_mrd(a_file, port=server.port).is_closed_properly


def test_images_are_not_taken_and_the_scanner_is_told() -> None:
    picture = ImageFrame(np.ones((1, 4, 4), dtype=np.float32), np.eye(4))
    with (
        MrdServer(port=0, on_frame=lambda frame: None) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock,
    ):
        sock.sendall(wire.encode_image(mrd_images(picture)[0]) + wire.encode_close())
        message = wire.MrdConnection(sock).read()
    assert message is not None
    assert b"send raw lines" in message.text


def test_a_server_stops_before_it_starts_and_while_a_scanner_is_silent() -> None:
    MrdServer(port=0, on_frame=lambda frame: None).stop()
    server = MrdServer(port=0, on_frame=lambda frame: None)
    server.start()
    assert not server.has_clock
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        wait_until(lambda: server.counters().clients == 1)
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 5
        read_until_close(sock)
