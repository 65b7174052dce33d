"""What an engine says while it starts: four steps in a stable format, and a warm-up that leaves no trace."""

import hashlib
import re
import socket
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from engine_frames import still_frame
from InstrumentTrackerLib.guidance.processor import GuidanceProcessor
from serve_process import next_of
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.engine.start_up import models_of, step_line, warm_up, warm_up_text, weights_text
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.frames import kspace_envelope
from TemporalReconLib.weights.bundle import MODEL_FILE, default_weights


def lines_until_listening(package, *options):
    command = [sys.executable, "-m", package, "serve", "--port", "0", "--device", "cpu", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("listening on"):
                    return lines
        finally:
            process.kill()
    raise AssertionError(f"{package} did not start")


def sha256_of(name):
    return hashlib.sha256((default_weights(name) / MODEL_FILE).read_bytes()).hexdigest()[:12]


def test_four_steps_are_told_before_the_line_that_tells_the_port():
    environment, weights, warmth, step, listening = lines_until_listening("InstrumentTrackerLib")
    assert re.fullmatch(r"step 1/4: environment: torch [\d.]+\S*, cpu \(\d+ threads\), \d+\.\d GB free\n", environment)
    model = r"{}, \d+\.\d\d M parameters, SHA256 {}"
    models = "; ".join(model.format(name, sha256_of(name)) for name in ("temporal", "instrument"))
    assert re.fullmatch(rf"step 2/4: weights: {models}\n", weights)
    assert re.fullmatch(r"step 3/4: warm-up: \d+ ms per frame of 64 x 64\n", warmth)
    assert step == f"step 4/4: {listening}"
    assert re.fullmatch(r"listening on 127\.0\.0\.1:\d+\n", listening)


def test_a_method_that_learned_nothing_needs_no_weights():
    assert lines_until_listening("TemporalReconLib", "--method", "zero-filled")[1] == (
        "step 2/4: weights: no weights needed\n"
    )


def test_the_parameters_told_are_those_of_the_network():
    network = ReconstructionProcessor("temporal", "cpu").pipeline.reconstructor._network
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    assert f"temporal, {n_parameters / 1e6:.2f} M parameters" in weights_text(models_of("temporal", None))


def test_an_engine_that_cannot_start_says_nothing_of_steps():
    command = [sys.executable, "-m", "TemporalReconLib", "serve", "--device", "cuda:9", "--method", "zero-filled"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cuda:9" in done.stderr


def test_frames_that_come_while_it_warms_up_wait_and_are_shown():
    processor = ReconstructionProcessor("zero-filled", "cpu")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def send_and_warm_up():
        client.connect()
        client.send(kspace_envelope(still_frame(0)))
        client.send(kspace_envelope(still_frame(1)))
        warm_up(processor)

    with closing(IgtlClient(port=port)) as client, serving(processor, ServeOptions(port=port), send_and_warm_up):
        next_of(client, "RECON", lambda envelope: envelope.metadata["TR.FrameIndex"] == "1")
    assert processor.counters.accepted == 2


def test_a_step_is_one_line_whatever_it_says():
    assert step_line(3, "warm-up: failed (a\n b)") == "step 3/4: warm-up: failed (a b)\n"


@pytest.mark.parametrize("method", ["temporal", "sliding-window", "compressed-sensing"])
def test_a_warm_engine_makes_the_same_pictures_as_a_cold_one(method):
    cold, warm = ReconstructionProcessor(method, "cpu"), ReconstructionProcessor(method, "cpu")
    assert warm_up(warm) > 0.0
    assert warm.counters == cold.counters
    for index in range(3):
        for processor in (cold, warm):
            processor.ingest(still_frame(index))
        np.testing.assert_array_equal(warm.image().data, cold.image().data)


def test_the_whole_way_to_the_needle_is_warmed_and_forgets_it():
    processor = GuidanceProcessor("zero-filled", "cpu")
    warm_up(processor)
    processor.ingest(still_frame(0))
    _, envelopes = processor.produce()
    states = {envelope.metadata.get("TR.State") for envelope in envelopes if envelope.device_name == "TipToRAS"}
    assert states == {"absent"}
    assert processor.counters.accepted == 1


def test_a_warm_up_that_fails_is_told_and_the_engine_works_all_the_same():
    class Failing(ReconstructionProcessor):
        def produce(self):
            if self.counters.accepted == 2:
                raise RuntimeError("CUDA driver\nis too old")
            return super().produce()

    processor = Failing("zero-filled", "cpu")
    assert warm_up_text(processor) == (
        "warm-up: failed (RuntimeError: CUDA driver\nis too old); the first picture may come late"
    )
    processor.ingest(still_frame(0))
    assert processor.produce() is not None
