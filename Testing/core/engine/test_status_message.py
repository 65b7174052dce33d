"""What a panel reads in STATUS: device, memory, method, who is connected and who sends."""

import json
import time

import psutil
from engine_frames import still_frame
from serve_process import next_of
from TemporalReconLib.acquisition.ismrmrd_writer import write_ismrmrd
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.senders import RECENT_S, Senders
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import kspace_envelope
from TemporalReconLib.igtl.messages import StringMessage
from TemporalReconLib.igtl.server import IgtlServer
from TemporalReconLib.mrd.client import send_mrd


def counters_of(status):
    return json.loads(status.metadata["TR.Counters"])


def test_status_tells_device_free_memory_and_the_method_in_use():
    processor = ReconstructionProcessor("zero-filled", "cpu")
    with serving(processor, ServeOptions(port=0)) as (server, _), IgtlClient(port=server.port) as client:
        status = next_of(client, "TemporalRecon", lambda e: "TR.MemoryFree_MB" in e.metadata)
        assert (status.metadata["TR.Device"], status.metadata["TR.Method"]) == ("cpu", "zero-filled")
        free_mb = psutil.virtual_memory().available / 1e6
        assert abs(float(status.metadata["TR.MemoryFree_MB"]) - free_mb) < 0.2 * free_mb + 500
        client.send(Envelope(StringMessage("sliding-window"), "CMD_METHOD"))
        next_of(client, "TemporalRecon", lambda e: e.metadata["TR.Method"] == "sliding-window")


def test_a_viewer_is_connected_and_only_who_sends_frames_is_a_sender():
    processor = ReconstructionProcessor("zero-filled", "cpu")
    with serving(processor, ServeOptions(port=0)) as (server, _), IgtlClient(port=server.port) as viewer:
        counters = counters_of(next_of(viewer, "TemporalRecon"))
        assert (counters["clients"], counters["senders"]) == (1, 0)
        with IgtlClient(port=server.port) as scanner:
            scanner.send(kspace_envelope(still_frame(0)))
            both = {"clients": 2, "senders": 1}
            next_of(viewer, "TemporalRecon", lambda e: both.items() <= counters_of(e).items())
        next_of(viewer, "TemporalRecon", lambda e: counters_of(e)["senders"] == 0)


def test_an_mrd_scanner_and_a_forwarding_link_are_connected_peers(tmp_path):
    path = tmp_path / "still.h5"
    write_ismrmrd(path, [still_frame(index) for index in range(40)])
    with IgtlServer(port=0) as probe:
        mrd_port = probe.port
    processor = ReconstructionProcessor("zero-filled", "cpu")
    with IgtlServer(port=0) as slicer:
        options = ServeOptions(port=0, mrd_port=mrd_port, forward=("127.0.0.1", slicer.port))
        with serving(processor, options) as (server, engine), IgtlClient(port=server.port) as viewer:
            next_of(viewer, "TemporalRecon", lambda e: counters_of(e)["clients"] == 2)
            send_mrd(path, port=mrd_port)
            counters = counters_of(engine.status_envelope())
            assert counters["senders"] == 1


def test_a_peer_is_a_sender_for_some_seconds_after_its_last_frame(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    senders = Senders()
    senders.heard("a")
    now_s += RECENT_S - 0.5
    senders.heard("b")
    assert senders.count == 2
    now_s += 1.0
    assert senders.count == 1
    now_s += RECENT_S
    assert senders.count == 0
