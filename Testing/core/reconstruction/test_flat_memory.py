"""The temporal method keeps as much after hundreds of frames as after a few."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace

import numpy as np
import psutil
from reconstruction_frames import acquire, smooth_object
from TemporalReconLib.reconstruction.registry import make_reconstructor

WARM_UP, N_FRAMES = 60, 260
# An image has 32 kB: of 200 frames it would be 6.5 MB.
ALLOWED_GROWTH_BYTES = 1_000_000


def growth_of_memory(n_frames: int, warm_up: int) -> tuple[int, int]:
    """Bytes by which the process and Python's own objects grow between ``warm_up`` and ``n_frames`` frames."""
    process = psutil.Process()
    method = make_reconstructor("temporal", "cpu")
    frames = [acquire(np.roll(smooth_object(64, 64, 1), n, axis=1), 4, 8.0, n, noise=0.01) for n in range(8)]
    method.set_planning(acquire(smooth_object(64, 64, 1), 4, noise=0.01))
    tracemalloc.start()
    resident, objects = [], []
    for n in range(n_frames):
        method.ingest(replace(frames[n % len(frames)], index=n))
        method.reconstruct()
        if n + 1 in (warm_up, n_frames):
            gc.collect()
            resident.append(process.memory_info().rss)
            objects.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return resident[1] - resident[0], objects[1] - objects[0]


def test_memory_does_not_grow_with_the_frames():
    resident, objects = growth_of_memory(N_FRAMES, WARM_UP)
    assert resident < ALLOWED_GROWTH_BYTES
    assert objects < ALLOWED_GROWTH_BYTES / 10
