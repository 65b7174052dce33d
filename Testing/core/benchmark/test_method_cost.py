"""Time and operations per frame of a method whose work is known, also where it works on five frames at once."""

import time

import numpy as np
import pytest
import torch
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.benchmark.cost import gmac_per_frame, time_frames
from TemporalReconLib.reconstruction.reconstructor import MethodInfo

FRAMES = [
    KSpaceFrame(np.ones((1, 1, 8, 8), np.complex64), np.ones((1, 8), bool), np.eye(4), index=n, stream_id="one")
    for n in range(23)
]
BATCH_S = 0.02


class BatchMethod:
    """Works on batches of frames: a product of 100 x 100 matrices and a nap for each; shows them one by one."""

    device = torch.device("cpu")

    def __init__(self, delay: int) -> None:
        self.info = MethodInfo("batch", causal=delay == 0, delay_frames=delay, needs_coil_maps=False, description="")
        self.reset()

    def set_planning(self, planning: object) -> None: ...

    def reset(self) -> None:
        self._held: list[KSpaceFrame] = []
        self._ready: list[KSpaceFrame] = []

    def ingest(self, frame: KSpaceFrame) -> None:
        self._held.append(frame)
        if len(self._held) > self.info.delay_frames:
            torch.ones(100, 100) @ torch.ones(100, 100)
            time.sleep(BATCH_S)
            self._ready, self._held = self._held, []

    def reconstruct(self) -> ImageFrame | None:
        return self._image(self._ready.pop(0)) if self._ready else None

    def finish(self) -> list[ImageFrame]:
        return [self._image(frame) for frame in [*self._ready, *self._held]]

    def _image(self, frame: KSpaceFrame) -> ImageFrame:
        return ImageFrame(np.zeros((1, 8, 8), np.float32), frame.ijk_to_ras, frame.index)


@pytest.mark.parametrize("delay", [0, 4])
def test_operations_of_a_batch_are_shared_by_its_frames(delay: int) -> None:
    assert gmac_per_frame(BatchMethod(delay), FRAMES, None) == pytest.approx(1e6 / 1e9 / (delay + 1))


def test_the_mean_time_shares_a_batch_where_the_median_does_not_see_it() -> None:
    spent = time_frames(BatchMethod(4), FRAMES, None)
    assert 1e3 * BATCH_S / 5 <= spent.mean < 1e3 * BATCH_S / 2
    assert spent.median < 0.5 * spent.mean
    assert spent.p95 >= 1e3 * BATCH_S


def test_without_delay_every_frame_takes_its_time() -> None:
    spent = time_frames(BatchMethod(0), FRAMES, None)
    assert 1e3 * BATCH_S <= spent.median <= spent.p95
