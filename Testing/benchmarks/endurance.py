"""A day of frames in minutes: memory and descriptors stay flat, nothing is lost, and the counters add up.

One engine process with its recorder off; small frames come as fast as it takes them, a viewer reads, another comes
and goes, and every two hundredth message is damaged on the way.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.codec import encode
from TemporalReconLib.igtl.frames import kspace_envelope

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "engine"))
from serve_process import serve_process

DAMAGED_EVERY = 200
ROWS, COLUMNS = 16, 8

# A leak of a picture's size per hundred frames would exceed this within 10,000 frames; viewers come and go.
MAX_GROWTH_MB, MAX_NEW_DESCRIPTORS = 20.0, 4


def an_envelope():
    mask = sampling_mask("golden", ROWS, 1, 4.0, 0)
    data = np.where(mask[None, :, :, None], 1.0, 0.0) * np.ones((1, 1, ROWS, COLUMNS))
    return kspace_envelope(KSpaceFrame(data.astype(np.complex64), mask, np.diag([1.0, 1.0, 4.0, 1.0])))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    stop = threading.Event()
    with serve_process("--method", "sliding-window") as serve, IgtlClient(port=serve.port) as viewer:
        process = psutil.Process(serve.process.pid)
        newest: dict[str, int] = {}
        threading.Thread(target=_watch, args=(viewer, newest, stop), daemon=True).start()
        threading.Thread(target=_come_and_go, args=(serve.port, stop), daemon=True).start()
        begin, marks, n_damaged = time.monotonic(), [], 0
        envelope = an_envelope()
        with socket.create_connection(("127.0.0.1", serve.port)) as scanner:
            for index in range(arguments.frames):
                metadata = {**envelope.metadata, "TR.FrameIndex": str(index)}
                raw = bytearray(b"".join(encode(replace(envelope, metadata=metadata))))
                if index % DAMAGED_EVERY == 77:
                    raw[200] ^= 1
                    n_damaged += 1
                scanner.sendall(raw)
                if index % max(1, arguments.frames // 20) == 0:
                    marks.append((index, process.memory_info().rss / 1e6, process.num_fds()))
            while (
                newest.get("shown", 0) + newest.get("skipped", 0) + n_damaged < arguments.frames
                and time.monotonic() - begin < 3600
            ):
                time.sleep(0.2)
        marks.append((arguments.frames, process.memory_info().rss / 1e6, process.num_fds()))
        stop.set()
    later = marks[len(marks) // 4 :]
    growth = later[-1][1] - later[0][1]
    figures = {
        "frames": arguments.frames,
        "seconds": round(time.monotonic() - begin, 1),
        "load": os.getloadavg()[0],
        "damaged": n_damaged,
        "counters": newest,
        "rss_mb": [round(mark[1], 1) for mark in marks],
        "descriptors": [mark[2] for mark in marks],
        "growth_mb_after_a_quarter": round(growth, 1),
        "is_flat": growth < MAX_GROWTH_MB and later[-1][2] <= later[0][2] + MAX_NEW_DESCRIPTORS,
        "adds_up": newest.get("accepted")
        == arguments.frames - n_damaged
        == newest.get("shown", 0) + newest.get("skipped", 0)
        and (newest.get("missing"), newest.get("rejected")) == (0, n_damaged),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["adds_up"] and figures["is_flat"] else 1


def _watch(viewer: IgtlClient, newest: dict[str, int], stop: threading.Event) -> None:
    while not stop.is_set():
        envelope = viewer.receive(1.0)
        if envelope is not None and envelope.type_name == "STATUS":
            newest.update({key: value for key, value in json.loads(envelope.metadata["TR.Counters"]).items()})


def _come_and_go(port: int, stop: threading.Event) -> None:
    while not stop.wait(1.0):
        try:
            with IgtlClient(port=port) as restless:
                restless.receive(0.5)
        except InputError:
            continue


if __name__ == "__main__":
    sys.exit(main())
