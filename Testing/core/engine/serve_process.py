"""A real ``serve`` process for tests and benchmarks."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope

PATIENCE_S = 30.0


@dataclass
class ServeProcess:
    """The process and where it listens."""

    process: subprocess.Popen
    port: int

    def terminate(self) -> int:
        """SIGTERM, as Slicer and a terminal do; returns the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


def listening_port(process: subprocess.Popen) -> int:
    """Read what an engine says while it starts, up to the line that tells its port; fails if it ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        match = re.match(r"listening on .*:(\d+)", line)
        if match is not None:
            return int(match[1])
    raise RuntimeError(f"{' '.join(map(str, process.args))} did not start")


@contextmanager
def serve_process(
    *options: str, package: str = "TemporalReconLib", preexec: Callable[[], None] | None = None
) -> Iterator[ServeProcess]:
    """Start ``python -m PACKAGE serve --port 0 ...`` and wait until it listens; killed at the end if need be."""
    command = [sys.executable, "-m", package, "serve", "--port", "0", "--device", "cpu", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=preexec)
    try:
        yield ServeProcess(process, listening_port(process))
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def next_of(
    client: IgtlClient, device_name: str, accept: Callable[[Envelope], bool] = lambda envelope: True
) -> Envelope:
    """The next message of a device that is accepted; fails when none comes."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        envelope = client.receive(timeout=0.5)
        if envelope is not None and envelope.device_name == device_name and accept(envelope):
            return envelope
    raise AssertionError(f"no {device_name} within {PATIENCE_S} s")
