"""A scanner that speaks MRD: raw lines in by one port, images back on the same connection."""

import subprocess
import sys
import time

import h5py
import numpy as np
from engine_frames import still_frame, still_object
from serve_process import listening_port, next_of
from TemporalReconLib.acquisition.ismrmrd_writer import write_ismrmrd
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.server import IgtlServer
from TemporalReconLib.mrd.client import send_mrd


def free_port():
    with IgtlServer(port=0) as probe:
        return probe.port


def an_mrd_file(folder, n_frames=6):
    path = folder / "still.h5"
    write_ismrmrd(path, [still_frame(index) for index in range(n_frames)])
    return path


def test_raw_lines_come_back_as_images_and_reach_openigtlink_too(tmp_path):
    port = free_port()
    processor = ReconstructionProcessor("sliding-window", "cpu")
    options = ServeOptions(port=0, mrd_port=port, record=tmp_path / "rec")
    with serving(processor, options) as (server, engine), IgtlClient(port=server.port) as client:
        reply = send_mrd(an_mrd_file(tmp_path), port=port, frame_interval_s=0.05)
        assert reply.is_closed_properly and not reply.texts
        last = reply.images[-1]
        assert last.repetition == 5
        np.testing.assert_allclose(np.squeeze(last.data), still_object()[0], atol=1e-4)
        recon = next_of(client, "RECON", lambda e: e.metadata["TR.FrameIndex"] == "5")
        np.testing.assert_allclose(recon.message.data, still_object(), atol=1e-4)
        np.testing.assert_allclose(recon.message.ijk_to_ras, still_frame(0).ijk_to_ras, atol=1e-4)
        assert engine.health.shown + engine.health.skipped == 6
        assert len(reply.images) == engine.health.shown
    assert len((tmp_path / "rec").glob("*.jsonl").__next__().read_text().splitlines()) == 6


def test_a_second_scan_does_not_see_the_first(tmp_path):
    port = free_port()
    processor = ReconstructionProcessor("sliding-window", "cpu")
    with serving(processor, ServeOptions(port=0, mrd_port=port)):
        send_mrd(an_mrd_file(tmp_path), port=port)
        (tmp_path / "one").mkdir()
        reply = send_mrd(an_mrd_file(tmp_path / "one", n_frames=1), port=port)
    single = np.abs(np.squeeze(reply.images[-1].data) - still_object()[0]).max()
    assert single > 0.05  # one frame has a quarter of the lines: it must alias


def test_both_engines_offer_the_port(tmp_path):
    path = an_mrd_file(tmp_path)
    for package in ("TemporalReconLib", "InstrumentTrackerLib"):
        port = free_port()
        command = [sys.executable, "-m", package, "serve", "--port", "0", "--mrd-port", str(port)]
        with subprocess.Popen(
            [*command, "--method", "zero-filled", "--device", "cpu"], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                listening_port(process)
                reply = send_mrd(path, port=port)
                assert reply.is_closed_properly and reply.images[-1].repetition == 5
            finally:
                process.terminate()
        assert process.returncode == 0


def test_a_scanner_whose_clock_is_not_understood_is_told_by_time_of_arrival(tmp_path):
    path = an_mrd_file(tmp_path, n_frames=2)
    with h5py.File(path, "r+") as file:
        xml = file["dataset/xml"][0].replace(b"time_origin_s", b"something_else")
        tag = b"<acquisitionSystemInformation>"
        file["dataset/xml"][0] = xml.replace(tag, tag + b"<systemVendor>GE MEDICAL SYSTEMS</systemVendor>")
    port = free_port()
    processor = ReconstructionProcessor("zero-filled", "cpu")
    options = ServeOptions(port=0, mrd_port=port)
    with serving(processor, options) as (server, _), IgtlClient(port=server.port) as client:
        before = time.time()
        send_mrd(path, port=port)
        recon = next_of(client, "RECON")
        assert recon.metadata["TR.TimeSource"] == "arrival"
        assert before <= float(recon.metadata["TR.AcqEndTime"]) <= time.time()
