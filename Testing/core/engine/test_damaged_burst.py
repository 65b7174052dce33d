"""A burst with damaged messages among it costs those and nothing else, and every counter agrees."""

import json
import socket

from engine_frames import still_frame
from serve_process import next_of
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.codec import encode
from TemporalReconLib.igtl.frames import kspace_envelope

N_FRAMES, DAMAGED_EVERY = 200, 20


def raw_frame(index):
    raw = bytearray(b"".join(encode(kspace_envelope(still_frame(index)))))
    if index % DAMAGED_EVERY == 7:
        raw[500] ^= 0x10
    return bytes(raw)


def test_two_hundred_frames_at_once_with_one_in_twenty_damaged_lose_just_those():
    n_damaged = N_FRAMES // DAMAGED_EVERY
    processor = ReconstructionProcessor("sliding-window", "cpu")
    with serving(processor, ServeOptions(port=0)) as (server, engine), IgtlClient(port=server.port) as viewer:
        burst = b"".join(raw_frame(index) for index in range(N_FRAMES))
        with socket.create_connection(("127.0.0.1", server.port)) as scanner:
            scanner.sendall(burst)
            last = str(N_FRAMES - 1)
            recon = next_of(viewer, "RECON", lambda envelope: envelope.metadata["TR.FrameIndex"] == last)
        counters = json.loads(engine.status_envelope().metadata["TR.Counters"])
    expected = {"accepted": N_FRAMES - n_damaged, "missing": 0, "rejected": n_damaged, "restarts": 0}
    assert expected.items() <= counters.items()
    assert counters["messages_dropped"] == {"crc": n_damaged}
    assert counters["shown"] + counters["skipped"] == N_FRAMES - n_damaged
    assert recon.metadata["TR.Dropped"] == str(n_damaged)
