"""What an engine says while it starts, one line per step, for a log and for a panel that shows progress.

The format is stable, and each step is said once, in this order::

    step 1/4: environment: torch 2.13.0, cpu (2 threads), 6.1 GB free
    step 2/4: weights: temporal, 0.42 M parameters, SHA256 ab12cd34ef56
    step 3/4: warm-up: 84 ms per frame of 64 x 64
    step 4/4: listening on 127.0.0.1:18944
    listening on 127.0.0.1:18944

A GPU stands with its name and its own free memory: ``cuda:0 NVIDIA H200, 138.2 GB free``. Where nothing is learned,
step 2 says ``no weights needed``; several models are separated by semicolons. A warm-up that fails says
``warm-up: failed (why); the first picture may come late`` and the engine starts all the same. The last line stands
alone, as programs that start an engine look for it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.engine.device_memory import device_text, free_bytes
from TemporalReconLib.engine.processor import FrameProcessor
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.reconstruction.registry import METHODS
from TemporalReconLib.weights.bundle import default_weights, open_weights

N_STEPS = 4
WARM_UP_PIXELS = 64
# A machine this slow is warm after the first frame.
_LONGEST_WARM_UP_S = 3.0
_SHOWN_DIGITS = 12


def step_line(number: int, text: str) -> str:
    """One line of the format above."""
    return f"step {number}/{N_STEPS}: {' '.join(text.split())}\n"


def environment_text(device: torch.device) -> str:
    """torch, the device and its free memory."""
    threads = f" ({torch.get_num_threads()} threads)" if device.type == "cpu" else ""
    free = free_bytes(device)
    memory = "free memory unknown" if free is None else f"{free / 1e9:.1f} GB free"
    return f"environment: torch {torch.__version__}, {device_text(device)}{threads}, {memory}"


def weights_text(models: Sequence[str]) -> str:
    """The learned models in use, each as :func:`model_text` tells it."""
    return f"weights: {'; '.join(models) or 'no weights needed'}"


def models_of(method: str, weights: Path | None) -> list[str]:
    """What a reconstruction method has learned, as texts for :func:`weights_text`; empty for one that does not learn.

    Raises
    ------
    InputError
        If its weights cannot be read.
    """
    if method not in METHODS:
        return [f"{method}, of a plug-in"]
    return [model_text(method, weights)] if METHODS[method].has_weights else []


def model_text(name: str, weights: Path | None) -> str:
    """Name, size and the beginning of the SHA256 of the file; ``weights`` None means those of the product.

    Raises
    ------
    InputError
        If there are none, or they cannot be read.
    """
    opened = open_weights(default_weights(name) if weights is None else weights, name)
    n_parameters = sum(tensor.numel() for tensor in opened.state.values() if tensor.is_floating_point())
    sha256 = hashlib.sha256(opened.source.read_bytes()).hexdigest()
    return f"{name}, {n_parameters / 1e6:.2f} M parameters, SHA256 {sha256[:_SHOWN_DIGITS]}"


def warm_up_text(processor: FrameProcessor) -> str:
    """Run the processor once, as :func:`warm_up` does; whatever goes wrong there is told, not raised."""
    try:
        frame_s = warm_up(processor)
    except Exception as error:  # the first real frame will meet it again, and be handled as any frame
        return f"warm-up: failed ({type(error).__name__}: {error}); the first picture may come late"
    return f"warm-up: {1e3 * frame_s:.0f} ms per frame of {WARM_UP_PIXELS} x {WARM_UP_PIXELS}"


def warm_up(processor: FrameProcessor) -> float:
    """Let a processor make a small picture, so that its first real one waits for no library; it is as new afterwards.

    Returns
    -------
    float
        Seconds that the last frame took.
    """
    begin = previous = time.perf_counter()
    taken_s = 0.0
    try:
        for index in range(processor.delay_frames + 2):
            processor.ingest(_disk_frame(index))
            processor.produce()
            now = time.perf_counter()
            taken_s, previous = now - previous, now
            if now - begin > _LONGEST_WARM_UP_S:
                break
    finally:
        processor.renew()
    return taken_s


def _disk_frame(index: int) -> KSpaceFrame:
    """A disk in weak noise: an empty picture would leave out half of the way."""
    row, column = np.mgrid[-1 : 1 : WARM_UP_PIXELS * 1j, -1 : 1 : WARM_UP_PIXELS * 1j]
    noise = 0.01 * np.random.default_rng(index).normal(size=(2, 1, *row.shape, 2)).astype(np.float32)
    kspace = image_to_kspace((row**2 + column**2 < 0.5).astype(np.complex64)) + noise.view(np.complex64)[..., 0]
    mask = sampling_mask("golden", WARM_UP_PIXELS, 1, 4.0, index)
    data = np.where(mask[None, :, :, None], kspace, 0).astype(np.complex64)
    return KSpaceFrame(data, mask, np.diag([3.0, 3.0, 4.0, 1.0]), index, float(index), index + 0.5, "warm-up")
