"""One-way latency and throughput of k-space over OpenIGTLink on loopback: our link against pyigtl, in one run.

Latency is from the call that sends to the moment the receiver holds the decoded pixels, one message at a time;
the rate is that of a sender that never pauses. For either link both ends live in this one process.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.server import IgtlServer

N_SLICES, N_ROWS, N_COLUMNS = 5, 256, 256


def kspace(n_coils: int) -> np.ndarray:
    shape = (N_SLICES, N_ROWS, N_COLUMNS, 2 * n_coils)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def percentiles(name: str, n_coils: int, latencies_s: list[float], frames_per_second: float | None) -> dict:
    values = np.array(latencies_s) * 1e3
    return {
        "link": name,
        "n_coils": n_coils,
        "megabytes": round(N_SLICES * N_ROWS * N_COLUMNS * 8 * n_coils / 1e6, 2),
        "n_messages": len(values),
        "median_ms": round(float(np.median(values)), 3) if len(values) else None,
        "p95_ms": round(float(np.percentile(values, 95)), 3) if len(values) else None,
        "frames_per_second": None if frames_per_second is None else round(frames_per_second, 1),
    }


def time_ours(n_coils: int, n_messages: int) -> dict:
    pixels = kspace(n_coils)
    arrivals: list[float] = []
    arrived = threading.Semaphore(0)

    def on_message(envelope: Envelope) -> None:
        arrivals.append(time.perf_counter())
        arrived.release()

    latencies = []
    with IgtlServer(port=0, on_message=on_message) as server, IgtlClient(port=server.port, timeout=60.0) as client:
        envelope = Envelope(ImageMessage(pixels, np.eye(4)), "KSPACE_IN", 1.0, {"TR.FrameIndex": "0"})
        for index in range(n_messages + 2):
            before = time.perf_counter()
            client.send(envelope)
            if not arrived.acquire(timeout=60.0):
                raise RuntimeError("our link lost a message")
            if index >= 2:  # the first ones pay for memory and TCP windows
                latencies.append(arrivals[-1] - before)
        before = time.perf_counter()
        for _ in range(n_messages):
            client.send(envelope)
        for _ in range(n_messages):
            if not arrived.acquire(timeout=60.0):
                raise RuntimeError("our link lost a message")
        rate = n_messages / (arrivals[-1] - before)
    return percentiles("ours", n_coils, latencies, rate)


def time_pyigtl(n_coils: int, n_messages: int) -> dict | None:
    """One message at a time only: pyigtl keeps just the newest message, so a burst has no rate to measure."""
    try:
        import pyigtl
    except ImportError:
        return None
    logging.getLogger("root").setLevel(logging.CRITICAL)
    pixels = kspace(n_coils)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = pyigtl.OpenIGTLinkServer(port=port, local_server=True)  # sets signal handlers: main thread only
    client = pyigtl.OpenIGTLinkClient("127.0.0.1", port)
    latencies: list[float] = []
    n_lost = 0
    for index in range(n_messages + 2):
        message = pyigtl.ImageMessage(pixels, np.eye(4), "ras", device_name="KSPACE_IN")
        before = time.perf_counter()
        client.send_message(message, wait=True)
        arrived = server.wait_for_message("KSPACE_IN", timeout=3.0)
        if arrived is None:
            n_lost += 1
            if n_lost == 3 and not latencies:
                break
        elif index >= 2:
            latencies.append(time.perf_counter() - before)
    client.stop()
    server.stop()
    return percentiles("pyigtl", n_coils, latencies, None) | {"lost": n_lost}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100, help="messages per link and size (default 100)")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    rows: list[dict] = []
    measures: list[Callable[[int, int], dict | None]] = [time_ours, time_pyigtl]
    for n_coils in (1, 16):
        n_messages = max(3, arguments.messages if n_coils == 1 else arguments.messages // 5)
        rows += [row for measure in measures if (row := measure(n_coils, n_messages)) is not None]
    sys.stdout.write(f"{'link':8}{'MB':>7}{'median ms':>12}{'p95 ms':>10}{'frames/s':>10}{'lost':>6}\n")
    for row in rows:
        cells = [row["median_ms"], row["p95_ms"], row["frames_per_second"], row.get("lost", 0)]
        text = ["-" if cell is None else str(cell) for cell in cells]
        sys.stdout.write(f"{row['link']:8}{row['megabytes']:7}{text[0]:>12}{text[1]:>10}{text[2]:>10}{text[3]:>6}\n")
    if arguments.output is not None:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
        arguments.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
