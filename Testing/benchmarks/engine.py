"""Frames per second, latency and memory of the live engine: its own process, k-space over a real socket.

Rate: the next frame is sent when the picture of the last one is there. Latency: frames come at the pace of the
scanner; from the last byte handed to the operating system to the decoded RECON in the receiver's hands. Memory:
resident set of the engine process while frames keep coming; a leak shows as a slope.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import kspace_envelope

N_COILS, N_SLICES, N_ROWS, N_COLUMNS = 8, 3, 256, 256
ACCELERATION = 16.0
METHODS = ("zero-filled", "sliding-window", "compressed-sensing", "temporal")
RECON_ONLY, WHOLE_WAY = "TemporalReconLib", "InstrumentTrackerLib"
N_DIFFERENT_FRAMES = 16
PATIENCE_S = 60.0


def kspace_envelopes() -> list[Envelope]:
    """Frames of ellipses in coil noise, each with its own mask; sent round and round."""
    row, column = np.mgrid[-1 : 1 : N_ROWS * 1j, -1 : 1 : N_COLUMNS * 1j]
    generator = np.random.default_rng(0)
    image = 1.0 * ((row / 0.8) ** 2 + (column / 0.7) ** 2 < 1) - 0.8 * ((row / 0.5) ** 2 + (column / 0.03) ** 2 < 1)
    angles = 2 * np.pi * np.arange(N_COILS) / N_COILS
    maps = np.array([np.exp(-((row - np.cos(a)) ** 2) - (column - np.sin(a)) ** 2 + 1j * a) for a in angles])
    kspace = np.repeat(image_to_kspace(maps * image)[:, None], N_SLICES, axis=1)
    envelopes = []
    for index in range(N_DIFFERENT_FRAMES):
        mask = sampling_mask("golden", N_ROWS, N_SLICES, ACCELERATION, index)
        noise = 0.01 * generator.normal(size=(*kspace.shape, 2)).astype(np.float32).view(np.complex64)[..., 0]
        data = np.where(mask[None, :, :, None], kspace + noise, 0).astype(np.complex64)
        envelopes.append(kspace_envelope(KSpaceFrame(data, mask, np.diag([1.0, 1.0, 4.0, 1.0]))))
    return envelopes


@contextmanager
def engine_process(package: str, method: str, options: list[str]) -> Iterator[tuple[psutil.Process, int]]:
    """A running engine and its port."""
    command = [sys.executable, "-m", package, "serve", "--port", "0", "--method", method, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            found = (re.match(r"listening on .*:(\d+)", line) for line in process.stdout)
            listening = next(filter(None, found), None)
            if listening is None:
                raise InputError(f"{package} serve --method {method} did not start; run it by hand to see why")
            yield psutil.Process(process.pid), int(listening[1])
        finally:
            process.terminate()


class Stream:
    """Sends frames and notes when each was sent and when its picture came."""

    def __init__(self, client: IgtlClient, envelopes: list[Envelope]) -> None:
        self.sent: dict[int, float] = {}
        self.received: dict[int, float] = {}
        self._client = client
        self._envelopes = envelopes
        self._count = 0
        self._arrived = threading.Condition()
        threading.Thread(target=self._receive, daemon=True).start()

    def send(self) -> int:
        """Send the next frame; returns its index."""
        index, now = self._count, time.time()
        self._count += 1
        envelope = self._envelopes[index % len(self._envelopes)]
        times = {"TR.AcqStartTime": f"{now:.6f}", "TR.AcqEndTime": f"{now:.6f}", "TR.FrameIndex": str(index)}
        self._client.send(replace(envelope, metadata={**envelope.metadata, **times}))
        self.sent[index] = time.perf_counter()
        return index

    def wait_for(self, index: int) -> None:
        """Wait until the picture of this frame or a newer one is there."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: max(self.received, default=-1) >= index, PATIENCE_S):
                raise InputError(f"no picture of frame {index} within {PATIENCE_S} s")

    def latencies_ms(self, first: int) -> np.ndarray:
        """Of all pictures from frame ``first`` on."""
        return np.array([1e3 * (self.received[n] - self.sent[n]) for n in self.received if n >= first])

    def _receive(self) -> None:
        while True:
            try:
                envelope = self._client.receive(timeout=PATIENCE_S)
            except InputError:
                return  # the measurement is over
            if envelope is not None and envelope.device_name == "RECON":
                with self._arrived:
                    self.received[int(envelope.metadata["TR.FrameIndex"])] = time.perf_counter()
                    self._arrived.notify_all()


def measure(package: str, method: str, envelopes: list[Envelope], arguments: argparse.Namespace) -> dict:
    """Rate, then latency at the scanner's pace."""
    with engine_process(package, method, arguments.engine_option) as (process, port), IgtlClient(port=port) as client:
        stream = Stream(client, envelopes)
        for _ in range(N_DIFFERENT_FRAMES):  # until every line is known and all memory is there
            stream.wait_for(stream.send())
        begin = time.perf_counter()
        for _ in range(arguments.timing_frames):
            stream.wait_for(stream.send())
        rate = arguments.timing_frames / (time.perf_counter() - begin)
        first = len(stream.sent)
        begin = time.perf_counter()
        for count in range(arguments.timing_frames):
            time.sleep(max(0.0, begin + count / arguments.rate - time.perf_counter()))
            newest = stream.send()
        stream.wait_for(newest)
        latencies = stream.latencies_ms(first)
        return {
            "engine": "tracking" if package == WHOLE_WAY else "reconstruction",
            "method": method,
            "frames_per_second": round(rate, 1),
            "latency_median_ms": round(float(np.median(latencies)), 1),
            "latency_p95_ms": round(float(np.percentile(latencies, 95)), 1),
            "pictures": f"{len(latencies)}/{arguments.timing_frames}",
            "rss_mb": round(process.memory_info().rss / 1e6, 1),
        }


def measure_memory(method: str, envelopes: list[Envelope], arguments: argparse.Namespace) -> dict:
    """Resident memory over a long run; the slope leaves out the first tenth, in which buffers find their size."""
    marks = sorted({min(mark, arguments.frames) for mark in (100, 500, 1000, arguments.frames)})
    options = arguments.engine_option
    with engine_process(RECON_ONLY, method, options) as (process, port), IgtlClient(port=port) as client:
        stream = Stream(client, envelopes)
        resident_mb = []
        for _ in range(arguments.frames):
            stream.wait_for(stream.send())
            resident_mb.append(process.memory_info().rss / 1e6)
    counts = np.arange(arguments.frames)[arguments.frames // 10 :]
    slope = float(np.polyfit(counts, resident_mb[arguments.frames // 10 :], 1)[0])
    return {
        "method": method,
        "n_frames": arguments.frames,
        "rss_mb": {str(mark): round(resident_mb[mark - 1], 1) for mark in marks},
        "slope_mb_per_1000_frames": round(1000 * slope, 2),
    }


def print_report(rows: list[dict], memory: dict, arguments: argparse.Namespace) -> None:
    write = sys.stdout.write
    write(
        f"{N_COILS} coils, {N_SLICES} x {N_ROWS} x {N_COLUMNS}, R = {ACCELERATION:.0f}; latency at "
        f"{arguments.rate:g} frames/s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )
    write(f"{'engine':16}{'method':20}{'frames/s':>10}{'median ms':>11}{'p95 ms':>9}{'pictures':>10}{'RSS MB':>9}\n")
    for row in rows:
        write(
            f"{row['engine']:16}{row['method']:20}{row['frames_per_second']:>10}{row['latency_median_ms']:>11}"
            f"{row['latency_p95_ms']:>9}{row['pictures']:>10}{row['rss_mb']:>9}\n"
        )
    marks = ", ".join(f"{mark} MB after {count}" for count, mark in memory["rss_mb"].items())
    write(f"memory, {memory['method']}: {marks}; {memory['slope_mb_per_1000_frames']} MB per 1000 frames\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000, help="frames of the memory measurement (%(default)s)")
    parser.add_argument("--timing-frames", type=int, default=60, help="frames per timing (%(default)s)")
    parser.add_argument("--rate", type=float, default=4.0, help="frames/s of the scanner for latencies (%(default)s)")
    parser.add_argument("--methods", nargs="*", default=METHODS, help="(%(default)s)")
    parser.add_argument("--engine-option", action="append", default=[], help="passed to serve, e.g. --device=cpu")
    parser.add_argument("--skip-tracking", action="store_true", help="measure reconstruction only")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    envelopes = kspace_envelopes()
    rows = [measure(RECON_ONLY, method, envelopes, arguments) for method in arguments.methods]
    if not arguments.skip_tracking:
        rows += [measure(WHOLE_WAY, method, envelopes, arguments) for method in arguments.methods]
    memory = measure_memory("sliding-window", envelopes, arguments)
    print_report(rows, memory, arguments)
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
        figures = {"machine": machine, "rows": rows, "memory": memory}
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
