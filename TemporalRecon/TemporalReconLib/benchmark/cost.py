"""What a method costs: time per frame, parameters and operations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine.pipeline import ReconstructionPipeline
from TemporalReconLib.networks.operations import count_gmac
from TemporalReconLib.reconstruction.reconstructor import Reconstructor

# First images that are not timed at least: memory is allocated, caches and plans are made.
_WARM_UP = 3


@dataclass(frozen=True)
class FrameTime:
    """Milliseconds from a frame's samples to its image.

    The mean counts where a method works on several frames at once and shows them one by one.
    """

    median: float
    p95: float
    mean: float


def time_frames(reconstructor: Reconstructor, frames: Sequence[KSpaceFrame], planning: KSpaceFrame | None) -> FrameTime:
    """Play a series as fast as it goes; taking in the samples counts as well as making the image.

    A method that works on several frames at once is timed from its second batch on; the end of the series, which it
    may cut short, counts only if nothing came before.
    """
    pipeline = _pipeline(reconstructor, planning)
    times = []
    for frame in frames:
        start = time.perf_counter()
        image = pipeline.push(frame)
        if image is not None:
            times.append(time.perf_counter() - start)
    warm_up = max(_WARM_UP, reconstructor.info.delay_frames + 1)
    late = [image.latency_s for image in pipeline.finish()]
    steady = 1e3 * np.array(times[warm_up:] or times or late)
    return FrameTime(*(round(float(value), 3) for value in (*np.percentile(steady, (50, 95)), steady.mean())))


def gmac_per_frame(reconstructor: Reconstructor, frames: Sequence[KSpaceFrame], planning: KSpaceFrame | None) -> float:
    """Giga multiply-accumulates per frame once the series runs, over as many frames as the method takes at once."""
    pipeline = _pipeline(reconstructor, planning)
    together = reconstructor.info.delay_frames + 1
    for frame in frames[:together]:
        pipeline.push(frame)

    def steady() -> None:
        for frame in frames[together : 2 * together]:
            pipeline.push(frame)

    return count_gmac(steady) / together


def device_name(device: torch.device) -> str:
    """What times were taken on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def _pipeline(reconstructor: Reconstructor, planning: KSpaceFrame | None) -> ReconstructionPipeline:
    reconstructor.reset()
    pipeline = ReconstructionPipeline(reconstructor)
    if planning is not None:
        pipeline.set_planning(planning)
    return pipeline
