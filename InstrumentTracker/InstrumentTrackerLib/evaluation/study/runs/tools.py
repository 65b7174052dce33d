"""What a worker builds once: methods, segmenter and the pipeline that tracks."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import torch
from TemporalReconLib.reconstruction.reconstructor import Reconstructor
from TemporalReconLib.reconstruction.registry import make_reconstructor

from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE, StudyConfig
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.pipeline import TrackingPipeline
from InstrumentTrackerLib.segmentation.registry import make_segmenter, model_of

# Fully sampled k-space needs no method: combining the coils is all that is left to do.
_REFERENCE_METHOD = "zero-filled"


@dataclass(frozen=True)
class ToolSpec:
    """What is to be built; it can be sent to another process.

    Attributes
    ----------
    weights
        (method, path).
    """

    segmenter: str
    segmenter_weights: Path | None
    weights: tuple[tuple[str, Path], ...]
    device: str

    @classmethod
    def of(cls, config: StudyConfig, device: str) -> ToolSpec:
        return cls(config.segmenter, config.segmenter_weights, tuple(sorted(config.weights.items())), device)


class Tools:
    """Everything is handed out without history."""

    def __init__(self, spec: ToolSpec) -> None:
        # The order of a sum depends on the number of threads, and so would the last digits of the results. Cases are
        # worked on side by side instead.
        torch.set_num_threads(1)
        self._spec = spec
        self._reconstructors: dict[str, Reconstructor] = {}
        self._pipeline = TrackingPipeline(
            segmenter=make_segmenter(spec.segmenter, spec.device, spec.segmenter_weights),
            calibration=Calibration.of_model(model_of(spec.segmenter, spec.segmenter_weights)),
        )

    def reconstructor(self, method: str) -> Reconstructor:
        """Raises InputError if the method or its weights cannot be used."""
        if method not in self._reconstructors:
            name = _REFERENCE_METHOD if method == REFERENCE else method
            weights = dict(self._spec.weights).get(method)
            self._reconstructors[method] = make_reconstructor(name, self._spec.device, weights)
        self._reconstructors[method].reset()
        return self._reconstructors[method]

    def pipeline(self) -> TrackingPipeline:
        """As ``instrument-tracker track`` has it."""
        self._pipeline.reset()
        return self._pipeline


def tools(spec: ToolSpec) -> Tools:
    """Built at the first call in a thread: methods and tracker remember frames, so that threads must not share them."""
    if getattr(_built, "spec", None) != spec:
        _built.tools, _built.spec = Tools(spec), spec
    built: Tools = _built.tools
    return built


_built = threading.local()
