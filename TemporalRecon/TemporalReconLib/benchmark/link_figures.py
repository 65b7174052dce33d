"""Time of k-space on its way over OpenIGTLink, for our link and for others on the same machine in one run.

Latency is from the call that sends to the moment the receiver holds the decoded pixels, one message at a time; the
rate is that of a sender that never pauses. Both ends of a link live in one process, on loopback.
"""

from __future__ import annotations

import importlib
import logging
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.device_names import KSPACE_DEVICE
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.server import IgtlServer

N_SLICES, N_ROWS, N_COLUMNS = 5, 256, 256
PATIENCE_S = 60.0
_WARM_UP = 2
_CPP_SOURCE = Path(__file__).with_name("link_cpp_peer.cxx")
_CPP_INCLUDE = Path("/usr/include/openigtlink")


@dataclass(frozen=True)
class LinkFigures:
    """One row: milliseconds of single messages, frames per second without a pause (None where none can be told)."""

    link: str
    n_coils: int
    median_ms: float
    p95_ms: float
    frames_per_second: float | None = None
    n_lost: int = 0

    @property
    def megabytes(self) -> float:
        return N_SLICES * N_ROWS * N_COLUMNS * 8 * self.n_coils / 1e6

    def as_row(self) -> dict[str, Any]:
        return {**asdict(self), "megabytes": self.megabytes}


def kspace(n_coils: int) -> NDArray[np.float32]:
    """(slice, ky, kx, 2 per coil) of noise."""
    shape = (N_SLICES, N_ROWS, N_COLUMNS, 2 * n_coils)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def figures_of(link: str, n_coils: int, latencies_s: list[float], rate: float | None, n_lost: int = 0) -> LinkFigures:
    values = 1e3 * np.array(latencies_s or [np.nan])
    return LinkFigures(link, n_coils, float(np.median(values)), float(np.percentile(values, 95)), rate, n_lost)


def measure_ours(n_coils: int, n_messages: int) -> LinkFigures:
    """Our server and client."""
    arrivals: list[float] = []
    arrived = threading.Semaphore(0)

    def on_message(envelope: Envelope) -> None:
        arrivals.append(time.perf_counter())
        arrived.release()

    def wait() -> None:
        if not arrived.acquire(timeout=PATIENCE_S):
            raise InputError(f"our link lost a message of {n_coils} coils")

    latencies = []
    with (
        IgtlServer(port=0, on_message=on_message) as server,
        IgtlClient(port=server.port, timeout=PATIENCE_S) as client,
    ):
        envelope = Envelope(ImageMessage(kspace(n_coils), np.eye(4)), KSPACE_DEVICE, 1.0, {"TR.FrameIndex": "0"})
        for index in range(n_messages + _WARM_UP):
            before = time.perf_counter()
            client.send(envelope)
            wait()
            if index >= _WARM_UP:  # the first ones pay for memory and TCP windows
                latencies.append(arrivals[-1] - before)
        before = time.perf_counter()
        for _ in range(n_messages):
            client.send(envelope)
        for _ in range(n_messages):
            wait()
        rate = n_messages / (arrivals[-1] - before)
    return figures_of("ours", n_coils, latencies, rate)


def measure_pyigtl(n_coils: int, n_messages: int) -> LinkFigures | None:
    """pyigtl, one message at a time: it keeps just the newest, so a burst has no rate. None where it is missing."""
    try:
        pyigtl = importlib.import_module("pyigtl")
    except ImportError:
        return None
    logging.getLogger("root").setLevel(logging.CRITICAL)
    pixels = kspace(n_coils)
    port = _free_port()
    server = pyigtl.OpenIGTLinkServer(port=port, local_server=True)  # sets signal handlers: main thread only
    client = pyigtl.OpenIGTLinkClient("127.0.0.1", port)
    latencies: list[float] = []
    n_lost = 0
    for index in range(n_messages + _WARM_UP):
        message = pyigtl.ImageMessage(pixels, np.eye(4), "ras", device_name=KSPACE_DEVICE)
        before = time.perf_counter()
        client.send_message(message, wait=True)
        if server.wait_for_message(KSPACE_DEVICE, timeout=3.0) is None:
            n_lost += 1
            if n_lost == 3 and not latencies:
                break
        elif index >= _WARM_UP:
            latencies.append(time.perf_counter() - before)
    client.stop()
    server.stop()
    return figures_of("pyigtl", n_coils, latencies, None, n_lost)


def measure_cpp(n_coils: int, n_messages: int) -> LinkFigures | None:
    """The C++ library, built here; None where compiler or library is missing."""
    if shutil.which("g++") is None or not _CPP_INCLUDE.is_dir():
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "link_cpp_peer"
        build = ["g++", "-O2", "-std=c++14", f"-I{_CPP_INCLUDE}", str(_CPP_SOURCE), "-o", str(program)]
        done = subprocess.run(
            [*build, "-lOpenIGTLink", "-lpthread"], capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode != 0:
            raise InputError(f"the C++ peer cannot be built: {done.stderr.strip().splitlines()[0]}")
        numbers = [str(_free_port()), str(2 * n_coils), str(n_messages)]
        done = subprocess.run([str(program), *numbers], capture_output=True, text=True, check=False, timeout=600)
    *latencies, last = done.stdout.splitlines() or [""]
    if done.returncode != 0 or not last.startswith("rate "):
        raise InputError(f"the C++ peer ended with code {done.returncode}")
    return figures_of("C++", n_coils, [1e-3 * float(line) for line in latencies], float(last.split()[1]))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
