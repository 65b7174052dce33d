"""The temporal method keeps as much after hundreds of frames as after a few."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import psutil
from reconstruction_frames import acquire, smooth_object
from TemporalReconLib.reconstruction.registry import make_reconstructor

WARM_UP, N_FRAMES = 60, 260
# An image has 32 kB: of 200 frames it would be 6.5 MB.
ALLOWED_GROWTH_BYTES = 1_000_000


def growth_of_memory(in_use: Callable[[], int]) -> int:
    """Bytes by which ``in_use`` grows between ``WARM_UP`` and ``N_FRAMES`` frames."""
    method = make_reconstructor("temporal", "cpu")
    frames = [acquire(np.roll(smooth_object(64, 64, 1), n, axis=1), 4, 8.0, n, noise=0.01) for n in range(8)]
    method.set_planning(acquire(smooth_object(64, 64, 1), 4, noise=0.01))
    seen = []
    for n in range(N_FRAMES):
        method.ingest(replace(frames[n % len(frames)], index=n))
        method.reconstruct()
        if n + 1 in (WARM_UP, N_FRAMES):
            gc.collect()
            seen.append(in_use())
    return seen[1] - seen[0]


def test_the_process_does_not_grow_with_the_frames():
    process = psutil.Process()
    assert growth_of_memory(lambda: process.memory_info().rss) < ALLOWED_GROWTH_BYTES


def test_python_keeps_no_more_objects_with_the_frames():
    """Apart from the process, whose memory would hold the books of tracing too."""
    tracemalloc.start()
    try:
        assert growth_of_memory(lambda: tracemalloc.get_traced_memory()[0]) < ALLOWED_GROWTH_BYTES / 10
    finally:
        tracemalloc.stop()
