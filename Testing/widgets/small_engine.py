"""A process that keeps the engine's contract without computing: for tests of the modules' behavior.

Its manner is chosen by the environment variable ``SMALL_ENGINE_MANNER``: ``pictures`` sends frames at 20 per
second, ``pause`` stops sending after thirty, ``crash`` ends with an error after thirty, ``refuse`` ends with bad usage,
``slow`` takes its time to start, ``silent`` sends no picture.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace

import numpy as np
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.igtl.device_names import GUIDE_TIP_DEVICE, TIP_DEVICE
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import instrument_envelope, recon_envelope, transform_envelope
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import STATUS_OK, PointMessage, StatusMessage, StringMessage
from TemporalReconLib.igtl.server import IgtlServer

SHAPE = (3, 32, 48)
GEOMETRY = np.array([[1.0, 0, 0, -20], [0, 1.5, 0, -30], [0, 0, 3.0, 10], [0, 0, 0, 1]])
GUIDE_TIP = (1.0, 2.0, 3.0)
STEPS = (
    "environment: torch 2.13.0, cuda:0 NVIDIA H200, 138.2 GB free",
    "weights: temporal, 0.42 M parameters, SHA256 ab12cd34ef56",
    "warm-up: 84 ms per frame of 64 x 64",
    "listening on 127.0.0.1",
)
NEEDLE_TIP = (1.0, 2.0, 23.0)


def picture(index: int) -> np.ndarray:
    """Pixels of frame ``index``, float32 (slice, row, col)."""
    return (np.arange(np.prod(SHAPE), dtype=np.float32) + index).reshape(SHAPE)


def frame_envelopes(index: int) -> list[Envelope]:
    """All messages of a frame: the needle points along S, 20 mm beyond the guide tip."""
    now = time.time()
    frame = ImageFrame(picture(index), GEOMETRY, index, now - 0.08, now - 0.01, "small", latency_s=0.012)
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 10:20, 20] = 1
    tracked = {"state": "tracked", "confidence": 0.9}
    recon = recon_envelope(frame, **tracked)
    recon = replace(recon, metadata={**recon.metadata, "TR.Dropped": "2"})
    envelopes = [recon, instrument_envelope(labels, frame, **tracked)]
    for device, point in ((GUIDE_TIP_DEVICE, GUIDE_TIP), (TIP_DEVICE, NEEDLE_TIP)):
        matrix = np.eye(4)
        matrix[:3, 3] = point
        envelopes.append(transform_envelope(matrix, device, timestamp=recon.timestamp, index=index, **tracked))
    envelopes[-1] = replace(envelopes[-1], metadata={**envelopes[-1].metadata, "TR.TipKind": "needle"})
    return envelopes


def status_envelopes(n_frames: int, n_senders: int = 1) -> list[Envelope]:
    """The STATUS of both engines, as ``TemporalReconLib.engine.status_message`` composes it."""
    counters = {
        "arrived": n_frames + 2,
        "shown": n_frames,
        "skipped": 1,
        "missing": 1,
        "rejected": 0,
        "senders": n_senders,
    }
    metadata = {
        "TR.State": "running" if n_frames else "waiting",
        "TR.Counters": json.dumps(counters),
        "TR.Device": "cuda:0 NVIDIA H200",
        "TR.MemoryFree_MB": "138200",
        "TR.Latency_ms": "12.0",
        "TR.LatencyP95_ms": "31.0",
        "TR.Recording": f"on, {n_frames} frames, 1.5 MB, 120.4 GB free",
    }
    message = StatusMessage(STATUS_OK, metadata["TR.State"])
    return [Envelope(message, name, metadata=metadata) for name in ("TemporalRecon", "InstrumentTracker")]


def note_command(envelope: Envelope) -> None:
    if isinstance(envelope.message, StringMessage):
        sys.stdout.write(f"command {envelope.device_name} {envelope.message.text}\n")
    elif isinstance(envelope.message, ImageMessage):
        role = envelope.metadata.get("TR.Role", "frame")
        sys.stdout.write(f"{role} {envelope.message.data.shape} {envelope.message.ijk_to_ras[:3, 3].tolist()}\n")
    else:
        note_target(envelope)


def note_target(envelope: Envelope) -> None:
    if envelope.device_name == "TARGET" and isinstance(envelope.message, PointMessage):
        position = " ".join(f"{value:.1f}" for value in envelope.message.points[0].position)
        sys.stdout.write(f"target {position}\n")


def main() -> None:
    manner = os.environ["SMALL_ENGINE_MANNER"]
    sys.stdout.write(f"arguments {sys.argv[1:]}\n")
    if manner == "refuse":
        sys.stderr.write("unknown method 'magic', expected one of: zero-filled\n")
        sys.exit(2)
    for number, step in enumerate(STEPS, 1):
        sys.stdout.write(f"step {number}/{len(STEPS)}: {step}\n")
        time.sleep(1.0 if manner == "slow" else 0.0)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    answers: list[Envelope] = []

    def receive(envelope: Envelope) -> None:
        note_command(envelope)
        if isinstance(envelope.message, StringMessage):
            name = envelope.device_name.replace("CMD_", "ACK_")
            answers.append(Envelope(StringMessage('{"ok": true}'), name))

    with IgtlServer(port=port, on_message=receive) as server:
        index = 0
        while True:
            if manner == "crash" and index == 30:
                raise RuntimeError("CUDA error: out of memory")
            while answers:
                server.publish(answers.pop(0))
            is_sending = manner != "silent" and not (manner == "pause" and index >= 30)
            if index % 10 == 0:
                for envelope in status_envelopes(index, int(is_sending)):
                    server.publish(envelope)
            if is_sending:
                seen = [server.publish(envelope) for envelope in frame_envelopes(index)]
                index += max(seen) > 0  # frames count from the first that somebody can see
            time.sleep(0.05)


if __name__ == "__main__":
    main()
