"""Slicer's end of the engine's port, against our server over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from TemporalReconLib.engine_client.image import age_on_arrival_s, number_of
from TemporalReconLib.engine_client.link import EngineLink
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.messages import PointElement, PointMessage, StringMessage, TransformMessage
from TemporalReconLib.igtl.server import IgtlServer
from waiting import wait_until


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def link(port: int) -> Iterator[EngineLink]:
    link = EngineLink(port=port)
    yield link
    link.close()


def target(x: float) -> Envelope:
    return Envelope(PointMessage((PointElement((x, 0.0, 0.0)),)), "TARGET")


def pose(x: float) -> Envelope:
    matrix = np.eye(4)
    matrix[0, 3] = x
    return Envelope(TransformMessage(matrix), "TipToRAS", metadata={"TR.FrameIndex": str(int(x))})


def test_the_newest_message_of_each_device_is_kept_and_all_are_counted(link: EngineLink, port: int) -> None:
    with IgtlServer(port) as server:
        wait_until(lambda: server.counters.clients == 1)
        assert link.newest("TipToRAS") is None
        assert link.silence_s("TipToRAS") is None
        for value in range(5):
            server.publish(pose(value))
            wait_until(lambda value=value: link.count("TipToRAS") == value + 1)
        server.publish(Envelope(StringMessage("hello"), "Greeting"))
        wait_until(lambda: link.newest("Greeting"))
        newest = link.newest("TipToRAS")
        assert newest is not None
        assert newest.metadata["TR.FrameIndex"] == "4"
        silence = link.silence_s("TipToRAS")
        assert silence is not None
        assert 0.0 <= silence < 5.0


def test_a_listener_gets_every_message_in_order(port: int) -> None:
    heard: list[str] = []
    link = EngineLink(port=port, listener=lambda envelope: heard.append(envelope.message.text))  # type: ignore[attr-defined]
    with IgtlServer(port) as server:
        wait_until(lambda: server.counters.clients == 1)
        for number in range(20):
            server.publish(Envelope(StringMessage(str(number)), "Count"))
        wait_until(lambda: len(heard) == 20)
    link.close()
    assert heard == [str(number) for number in range(20)]


def test_it_connects_before_and_after_the_engine_restarts(link: EngineLink, port: int) -> None:
    assert not link.is_connected
    with IgtlServer(port) as server:
        wait_until(lambda: link.is_connected)
        wait_until(lambda: server.counters.clients == 1)
    wait_until(lambda: not link.is_connected)
    with IgtlServer(port) as server:
        wait_until(lambda: link.is_connected)
        wait_until(lambda: server.counters.clients == 1)
        server.publish(pose(7))
        wait_until(lambda: link.newest("TipToRAS"))


def test_a_latched_target_reaches_the_engine_again_after_its_restart(link: EngineLink, port: int) -> None:
    received: list[float] = []

    def remember(envelope: Envelope) -> None:
        assert isinstance(envelope.message, PointMessage)
        received.append(envelope.message.points[0].position[0])

    link.send(target(1.0), latched=True)
    link.send(target(2.0), latched=True)
    with IgtlServer(port, on_message=remember):
        wait_until(lambda: received)
        assert received == [2.0], "a target that was replaced before it could be sent must not be sent"
    wait_until(lambda: not link.is_connected)
    with IgtlServer(port, on_message=remember):
        wait_until(lambda: len(received) == 2)
    assert received == [2.0, 2.0]


def test_sending_returns_at_once_without_an_engine(link: EngineLink) -> None:
    begin = time.monotonic()
    for value in range(100):
        link.send(target(value))
    assert time.monotonic() - begin < 0.2


def test_closing_ends_its_threads(port: int) -> None:
    before = threading.active_count()
    with IgtlServer(port) as server:
        link = EngineLink(port=port)
        wait_until(lambda: server.counters.clients == 1)
        begin = time.monotonic()
        link.close()
        assert time.monotonic() - begin < 0.2
    wait_until(lambda: threading.active_count() <= before)


@pytest.mark.parametrize(
    ("timestamp", "arrival", "latency_ms", "expected"),
    [
        (1000.0, 1000.25, "80", 0.25),
        (0.0, 1000.0, "80", 0.08),  # no time in the message
        (1005.0, 1000.0, "80", 0.08),  # the sender's clock is ahead
        (1000.0, 9000.0, None, 0.0),  # the clocks are not set alike
    ],
)
def test_the_age_of_a_picture_is_measured_where_the_clocks_allow(
    timestamp: float, arrival: float, latency_ms: str | None, expected: float
) -> None:
    metadata = {} if latency_ms is None else {"TR.Latency_ms": latency_ms}
    envelope = Envelope(StringMessage(""), "RECON", timestamp, metadata, arrival_time=arrival)
    assert age_on_arrival_s(envelope) == pytest.approx(expected)


@pytest.mark.parametrize("text", [None, "", "many", "nan", "inf"])
def test_metadata_that_are_no_finite_number_are_not_known(text: str | None) -> None:
    assert number_of(text) is None
