"""What the way through the engine costs beside the computing: from the last line sent to the result received."""

from __future__ import annotations

import threading
import time

import numpy as np

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.benchmark.link_figures import N_COLUMNS, N_ROWS, N_SLICES, PATIENCE_S, LinkFigures, figures_of
from TemporalReconLib.engine.processor import Frame, ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.device_names import RECON_DEVICE
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import kspace_envelope


class _TimedProcessor(ReconstructionProcessor):
    """Notes the time spent computing, frame by frame."""

    def __init__(self, device: str) -> None:
        super().__init__("zero-filled", device)
        self.computing_s: list[float] = []

    def ingest(self, frame: Frame) -> bool:
        begin = time.perf_counter()
        accepted = super().ingest(frame)
        self.computing_s.append(time.perf_counter() - begin)
        return accepted

    def produce(self) -> tuple | None:
        begin = time.perf_counter()
        produced = super().produce()
        self.computing_s[-1] += time.perf_counter() - begin
        return produced


def measure_engine(n_coils: int, n_messages: int, device: str = "cpu") -> LinkFigures:
    """Frames one at a time through an engine with its sockets; computing time taken off."""
    processor = _TimedProcessor(device)
    mask = sampling_mask("golden", N_ROWS, N_SLICES, 16.0, 0)
    data = np.zeros((n_coils, N_SLICES, N_ROWS, N_COLUMNS), np.complex64)
    data[:, mask] = 1.0
    latencies = []
    with serving(processor, ServeOptions(port=0)) as (server, _), IgtlClient(port=server.port) as client:
        inbox = _Inbox(client)
        for index in range(n_messages + 2):
            envelope = kspace_envelope(KSpaceFrame(data, mask, np.diag([1.0, 1.0, 4.0, 1.0]), index))
            client.send(envelope)
            sent = time.perf_counter()
            latencies.append(inbox.wait_for(index) - sent)
        inbox.is_done = True
    overhead = [taken - computing for taken, computing in zip(latencies, processor.computing_s, strict=True)]
    return figures_of("engine - computing", n_coils, overhead[2:], None)


class _Inbox:
    """When the picture of each frame came."""

    def __init__(self, client: IgtlClient) -> None:
        self._client = client
        self._arrived: dict[int, float] = {}
        self._changed = threading.Condition()
        self.is_done = False
        threading.Thread(target=self._receive, daemon=True).start()

    def wait_for(self, index: int) -> float:
        with self._changed:
            if not self._changed.wait_for(lambda: index in self._arrived, PATIENCE_S):
                raise InputError(f"no picture of frame {index} within {PATIENCE_S:.0f} s")
            return self._arrived[index]

    def _receive(self) -> None:
        while not self.is_done:
            try:
                envelope: Envelope | None = self._client.receive(PATIENCE_S)
            except InputError:
                return  # the measurement is over
            if envelope is not None and envelope.device_name == RECON_DEVICE:
                with self._changed:
                    self._arrived[int(envelope.metadata["TR.FrameIndex"])] = time.perf_counter()
                    self._changed.notify_all()
