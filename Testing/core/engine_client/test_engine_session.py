"""What the state line says: process and link summed up."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine_client import session as engine_session
from TemporalReconLib.engine_client.session import EngineSession, SessionState
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import recon_envelope
from TemporalReconLib.igtl.messages import StatusMessage
from TemporalReconLib.igtl.server import IgtlServer
from TemporalReconLib.requirements import missing_requirements
from waiting import wait_until


@pytest.fixture
def session(tmp_path: Path) -> Iterator[EngineSession]:
    """A session whose engine is a process that only sleeps; the tests play its port."""
    (tmp_path / "sleeping_engine.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    session = EngineSession("sleeping_engine", search_paths=[tmp_path])
    yield session
    session.stop(wait=True)


@pytest.fixture
def server() -> Iterator[IgtlServer]:
    with IgtlServer(0) as server:
        yield server


def picture(index: int = 0) -> Envelope:
    frame = ImageFrame(np.ones((1, 4, 4), np.float32), np.eye(4), index, latency_s=0.025)
    envelope = recon_envelope(frame)
    return replace(envelope, metadata={**envelope.metadata, "TR.Dropped": "3"})


def status(state: str, reason: str) -> Envelope:
    return Envelope(StatusMessage(2, f"{state}: {reason}"), "TemporalRecon", metadata={"TR.State": state})


def send_until_running(session: EngineSession, server: IgtlServer) -> None:
    """A connected session may not be accepted yet, and one picture is live for half a second only: more are sent."""

    def is_running() -> bool:
        server.publish(picture())
        return session.status.state is SessionState.RUNNING

    wait_until(is_running)


def test_states_follow_the_engine_from_start_to_stop(session: EngineSession, server: IgtlServer) -> None:
    assert session.status.state is SessionState.STOPPED
    session.start("127.0.0.1", server.port)
    wait_until(lambda: session.status.state is SessionState.WAITING)
    assert f"port {server.port}" in session.status.advice
    send_until_running(session, server)
    now = session.status
    assert now.n_frames >= 1
    assert now.n_dropped == 3
    assert now.latency_s == pytest.approx(0.025)
    wait_until(lambda: session.status.state is SessionState.STALLED)
    stalled = session.status
    assert stalled.silence_s is not None
    assert stalled.silence_s > 0.5
    assert "no picture for" in stalled.reason
    session.stop()
    assert session.status.state in (SessionState.STOPPING, SessionState.STOPPED)
    wait_until(lambda: session.status.state is SessionState.STOPPED)


def test_before_the_engine_opens_its_port_the_session_is_starting_and_a_long_start_says_so(
    session: EngineSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free_port = probe.getsockname()[1]
    session.start("127.0.0.1", free_port)
    assert session.status.state is SessionState.STARTING
    monkeypatch.setattr(engine_session, "SLOW_START_S", 0.0)
    assert "no answer for" in session.status.reason
    assert "log" in session.status.advice


def test_a_frame_the_engine_cannot_use_is_explained_in_its_own_words(
    session: EngineSession, server: IgtlServer
) -> None:
    session.start("127.0.0.1", server.port)
    wait_until(lambda: server.counters.clients == 1)
    server.publish(status("failed", "k-space frame 3 has no sampled line; check the mask"))
    wait_until(lambda: session.status.state is SessionState.STALLED)
    assert session.status.reason == "k-space frame 3 has no sampled line"
    assert session.status.advice == "Check the mask"


def test_an_engine_on_another_computer_is_joined_and_not_started(tmp_path: Path) -> None:
    session = EngineSession("no_such_engine")
    session.start("192.0.2.1", 18944)  # a documentation address: nobody answers
    assert session.process.process_id is None
    assert session.status.state is SessionState.STARTING
    begin = time.monotonic()
    session.stop()
    assert time.monotonic() - begin < 0.2, "closing must not wait for a connection attempt"
    assert session.status.state is SessionState.STOPPED


def test_a_lost_connection_is_named(session: EngineSession) -> None:
    with IgtlServer(0) as server:
        session.start("127.0.0.1", server.port)
        wait_until(lambda: server.counters.clients == 1)
        send_until_running(session, server)
    wait_until(lambda: session.status.state is SessionState.STALLED)
    assert "connection to the engine is lost" in session.status.reason


def test_requirements_name_what_is_missing_or_too_old(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(
        "# comment\nnumpy>=1.0\nnumpy>=999\n\nno-such-package-of-ours>=2\npytest  # any\n", encoding="utf-8"
    )
    assert missing_requirements(path) == ["numpy>=999", "no-such-package-of-ours>=2"]
    path.write_text("numpy==1.0\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"cannot read 'numpy==1\.0'"):
        missing_requirements(path)
