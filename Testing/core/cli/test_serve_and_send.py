"""Engine and scanner as processes of their own, talking over a real socket."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from console import started
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.cli.serve import TELL_EVERY_S
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope

PATIENCE_S = 20.0


@contextmanager
def an_engine(program: str, folder: Path, *options: object) -> Iterator[tuple[subprocess.Popen, int]]:
    """``serve`` on a free port; yields the process and the port it tells."""
    arguments = ("serve", "--port", 0, "--method", "sliding-window", "--device", "cpu", *options)
    with started(program, *arguments, folder=folder) as engine:
        assert engine.stdout is not None
        address = next(line for line in engine.stdout if line.startswith(b"listening on ")).decode().split()[2]
        host, _, port = address.partition(":")
        assert host == "127.0.0.1"
        yield engine, int(port)


def next_of(client: IgtlClient, name: str, accept: Callable[[Envelope], bool] = lambda envelope: True) -> Envelope:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        envelope = client.receive(timeout=0.2)
        if envelope is not None and envelope.device_name == name and accept(envelope):
            return envelope
    raise AssertionError(f"no {name} within {PATIENCE_S} s")


def is_frame(index: int) -> Callable[[Envelope], bool]:
    return lambda envelope: envelope.metadata["TR.FrameIndex"] == str(index)


def end_of(process: subprocess.Popen) -> tuple[int, list[str]]:
    """Exit code and the lines on stderr without progress."""
    _, errors = process.communicate(timeout=PATIENCE_S)
    lines = [line for line in errors.decode().split("\n") if line and not line.startswith("\r")]
    return process.returncode, lines


def test_what_send_plays_comes_back_as_the_pictures_that_reconstruct_makes(console, case, tmp_path):
    log, offline = tmp_path / "messages.txt", tmp_path / "offline.seq.nrrd"
    options = ("--method", "sliding-window", "--device", "cpu")
    assert console.run("temporal-recon", "reconstruct", case.path, "--output", offline, *options).code == 0
    with (
        an_engine("temporal-recon", tmp_path, "--message-log", log) as (engine, port),
        IgtlClient(port=port) as client,
    ):
        sent = console.run("temporal-recon", "send", case.path, "--to", f"127.0.0.1:{port}", "--rate", 40)
        assert (sent.code, sent.lines, sent.out) == (0, [], "")
        recon = next_of(client, "RECON", is_frame(case.n_frames - 1))
        expected = open_series(offline).frame(case.n_frames - 1)
        np.testing.assert_allclose(recon.message.data, expected.data, rtol=1e-4, atol=1e-5 * expected.data.max())
        np.testing.assert_allclose(recon.message.ijk_to_ras, expected.ijk_to_ras, atol=1e-3)
        assert float(recon.metadata["TR.AcqEndTime"]) == pytest.approx(time.time(), abs=PATIENCE_S)
        assert recon.metadata["TR.Dropped"] == "0"

        begin = time.monotonic()
        engine.send_signal(signal.SIGTERM)
        code, lines = end_of(engine)
        assert time.monotonic() - begin < 2.0
        assert code == 0
        assert not any("Traceback" in line for line in lines)
        assert lines[-1] == "stopped"
    # The planning scan and every frame, in the order of arrival.
    assert log.read_text(encoding="ascii").splitlines() == ["KSPACE_IN"] * (1 + case.n_frames)


def test_the_tracker_sends_picture_labels_and_tip(console, case, tmp_path):
    with (
        an_engine("instrument-tracker", tmp_path, "--target", "-12,30,5", "--entry", "-4,-50,-60") as (engine, port),
        IgtlClient(port=port) as client,
    ):
        assert console.run("temporal-recon", "send", case.path, "--to", f"127.0.0.1:{port}", "--rate", 20).code == 0
        last = is_frame(case.n_frames - 1)
        found = {name: next_of(client, name, last) for name in ("RECON", "INSTRUMENT", "TipToRAS")}
        labels = found["INSTRUMENT"].message
        assert labels.data.dtype == np.uint8
        assert set(np.unique(labels.data)) <= {0, 1, 2}
        np.testing.assert_allclose(labels.ijk_to_ras, found["RECON"].message.ijk_to_ras, atol=1e-3)
        tip = found["TipToRAS"]
        has_numbers = tip.metadata["TR.State"] in ("tracked", "predicted")
        assert tip.metadata["TransformStatus"] == ("OK" if has_numbers else "INVALID")
        engine.send_signal(signal.SIGTERM)
        assert end_of(engine)[0] == 0


def test_a_killed_engine_ends_the_scanner_with_one_line(case, tmp_path):
    with an_engine("temporal-recon", tmp_path) as (engine, port), IgtlClient(port=port) as client:
        arguments = ("send", case.path, "--to", f"127.0.0.1:{port}", "--rate", 4)
        with started("temporal-recon", *arguments, folder=tmp_path) as scanner:
            next_of(client, "RECON")
            engine.kill()
            code, lines = end_of(scanner)
    assert code == 2
    assert len(lines) == 1
    assert f"127.0.0.1:{port}" in lines[0] and "gone" in lines[0]


def test_an_engine_that_is_stopped_while_a_scanner_plays_ends_in_time(case, tmp_path):
    with an_engine("instrument-tracker", tmp_path) as (engine, port), IgtlClient(port=port) as client:
        arguments = ("send", case.path, "--to", f"127.0.0.1:{port}", "--rate", 4)
        with started("temporal-recon", *arguments, folder=tmp_path):
            next_of(client, "RECON")
            begin = time.monotonic()
            engine.send_signal(signal.SIGTERM)
            code, lines = end_of(engine)
            assert time.monotonic() - begin < 2.0
    assert code == 0
    assert not any("Traceback" in line for line in lines)


def test_a_second_engine_on_the_same_port_is_refused_and_the_first_goes_on(console, tmp_path):
    with an_engine("temporal-recon", tmp_path) as (engine, port):
        second = console.run("temporal-recon", "serve", "--port", port)
        assert second.code == 2
        assert len(second.lines) == 1 and str(port) in second.lines[0]
        assert second.out == ""
        with IgtlClient(port=port) as client:
            assert next_of(client, "TemporalRecon").metadata["TR.State"] == "waiting"
        assert engine.poll() is None


def test_a_command_that_is_terminated_leaves_no_unfinished_file(tmp_path):
    arguments = ("simulate", "--output", "case.h5", "--frames", 5000, "--matrix", 64, "--slices", 1, "--coils", 1)
    with started("temporal-recon", *arguments, folder=tmp_path) as simulator:
        deadline = time.monotonic() + PATIENCE_S
        while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [path.name for path in tmp_path.iterdir()] == [f".{simulator.pid}.partial.case.h5"]
        simulator.send_signal(signal.SIGTERM)
        code, lines = end_of(simulator)
    assert (code, lines) == (130, ["temporal-recon: error: interrupted"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a POSIX notion")
def test_serve_tells_a_terminal_how_it_goes(console, case):
    ours, theirs = os.openpty()
    command = (sys.executable, "-m", "TemporalReconLib", "serve", "--port", "0", "--method", "sliding-window")
    engine = subprocess.Popen([*command, "--device", "cpu"], stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    try:
        with os.fdopen(ours, "rb") as terminal:
            address = next(line for line in terminal if line.startswith(b"listening on ")).decode().split()[2]
            assert console.run("temporal-recon", "send", case.path, "--to", address).code == 0
            told = next(line.decode() for line in terminal if b" frames in, " in line)
        assert re.match(r"(running|stalled): [1-9]\d* frames in, [1-9]\d* pictures out.*latency \d+ ms", told)
    finally:
        engine.kill()
        engine.wait()


def test_the_log_that_a_panel_keeps_is_spared_what_a_terminal_is_told(console, case, tmp_path):
    with an_engine("temporal-recon", tmp_path) as (engine, port):
        assert console.run("temporal-recon", "send", case.path, "--to", f"127.0.0.1:{port}").code == 0
        time.sleep(TELL_EVERY_S + 1.0)
        engine.send_signal(signal.SIGTERM)
        said, _ = engine.communicate(timeout=PATIENCE_S)
    assert b"frames in" not in said
