"""What the engine tries when memory runs out: the same with freed memory, then less and less of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from TemporalReconLib.engine.pipeline import ReconstructionPipeline
from TemporalReconLib.engine.slice_by_slice import SliceBySlice
from TemporalReconLib.reconstruction.reconstructor import Reconstructor
from TemporalReconLib.reconstruction.registry import make_reconstructor

LAST_RESORT = "sliding-window"

Make = Callable[[str, str, Path | None], Reconstructor]


def is_out_of_memory(error: BaseException) -> bool:
    """True for Python's, CUDA's and torch's CPU allocator's ways of saying so."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


class MemoryFallback:
    """Steps from the chosen method down to one that fits.

    The memory is freed and the same tried again; then slice by slice; then on the CPU; then the sliding window on the
    CPU, which needs little more than the samples. The step reached is kept until another method is chosen.

    Parameters
    ----------
    pipeline
        Whose reconstructor is replaced.
    weights
        Weights of learned methods, by name.
    make
        Makes a reconstructor from method, device and weights.
    """

    def __init__(
        self,
        pipeline: ReconstructionPipeline,
        weights: Mapping[str, Path | None] | None = None,
        make: Make = make_reconstructor,
    ) -> None:
        self._pipeline = pipeline
        self._weights = weights or {}
        self._make = make
        self._steps: list[tuple[str, Callable[[], Reconstructor]]] | None = None

    def reset(self) -> None:
        """Begin at the first step again: another method was chosen."""
        self._steps = None

    def step_down(self) -> str | None:
        """Take the next step and go on from the newest frame; None when there is none left.

        Returns
        -------
        What works now, in words for a user.

        Raises
        ------
        Exception
            Whatever the step itself fails with, out of memory included.
        """
        if self._steps is None:
            self._steps = self._steps_of(self._pipeline.reconstructor)
        if not self._steps:
            return None
        name, make = self._steps.pop(0)
        self._pipeline.reconstructor.reset()
        free_memory()
        self._pipeline.go_on_with(make())
        return name

    def _steps_of(self, current: Reconstructor) -> list[tuple[str, Callable[[], Reconstructor]]]:
        method, device = current.info.name, str(current.device)
        weights = self._weights.get(method)

        def on(device: str) -> Callable[[], Reconstructor]:
            return lambda: self._make(method, device, weights)

        steps: list[tuple[str, Callable[[], Reconstructor]]] = [(f"{method}, started afresh", lambda: current)]
        if self._pipeline.n_slices > 1:
            steps.append((f"{method}, one slice after the other", lambda: SliceBySlice(on(device))))
        if device != "cpu":
            steps.append((f"{method} on the CPU, which is slow", on("cpu")))
        if (method, device) != (LAST_RESORT, "cpu"):
            steps.append((f"method {LAST_RESORT} on the CPU", lambda: self._make(LAST_RESORT, "cpu", None)))
        return steps


def free_memory() -> None:
    """Give back what nobody uses any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
