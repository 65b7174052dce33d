"""Ways to find the instrument, behind one protocol: the product, its parts alone, and the baselines."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

from InstrumentTrackerLib.benchmark.masks import Masks
from InstrumentTrackerLib.benchmark.shown import Shown, timed
from InstrumentTrackerLib.evaluation.reported_pose import NOT_FOUND, ReportedPose
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.localization.localizer import Localizer
from InstrumentTrackerLib.localization.samples.sample_localizer import SampleLocalizer
from InstrumentTrackerLib.pipeline import Guidance, TrackingPipeline
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose


class Contender(Protocol):
    """Sees the frames of a series one by one."""

    def start(self, planning: KSpaceFrame | None) -> None:
        """A new series, with its fully sampled scan if there is one."""

    def read(self, shown: Shown) -> ReportedPose:
        """Where the instrument is in the next frame."""


class Product:
    """What ``instrument-tracker track`` does with a series.

    Parameters
    ----------
    uses_samples
        False: with the pictures alone, as where no k-space is at hand.
    """

    def __init__(self, pipeline: TrackingPipeline, uses_samples: bool) -> None:
        self._pipeline = pipeline
        self._uses_samples = uses_samples

    def start(self, planning: KSpaceFrame | None) -> None:
        self._pipeline.reset()
        if planning is not None and self._uses_samples:
            self._pipeline.set_planning(planning)

    def read(self, shown: Shown) -> ReportedPose:
        guidance, seconds = timed(partial(self._push, shown))
        return ReportedPose.of_tracked(guidance.tracked, guidance.mask, seconds)

    def _push(self, shown: Shown) -> Guidance:
        if self._uses_samples:
            self._pipeline.ingest(shown.samples)
        return self._pipeline.push(shown.image)


class LocalizerAlone:
    """A localizer frame by frame: no tracker, no memory.

    Parameters
    ----------
    masks
        What it localizes in; None for a localizer that needs no mask.
    """

    def __init__(self, localizer: Localizer, masks: Masks | None = None) -> None:
        self._localizer = localizer
        self._masks = masks

    def start(self, planning: KSpaceFrame | None) -> None:
        """Every frame is a new series."""

    def read(self, shown: Shown) -> ReportedPose:
        mask, segmentation_s = (None, 0.0) if self._masks is None else self._masks.of(shown)
        pose, seconds = timed(partial(self._localizer.localize, shown.image, mask))
        return ReportedPose.of_pose(pose, mask, segmentation_s + seconds)


class SamplesAlone:
    """The needle tip from the samples of each frame; what the product tracked before says where to search.

    Parameters
    ----------
    pipeline
        Gives the predictions; its own needle tip is not reported.
    """

    def __init__(self, localizer: SampleLocalizer, pipeline: TrackingPipeline) -> None:
        self._localizer = localizer
        self._product = pipeline
        self._last: TrackedPose | None = None

    def start(self, planning: KSpaceFrame | None) -> None:
        self._product.reset()
        self._localizer.reset()
        self._last = None
        if planning is not None:
            self._localizer.set_planning(planning)

    def read(self, shown: Shown) -> ReportedPose:
        pose, seconds = timed(partial(self._fit, shown))
        self._last = self._product.push(shown.image).tracked
        if pose is None:
            return ReportedPose(NOT_FOUND, seconds=seconds)
        return ReportedPose.of_pose(pose, None, seconds)

    def _fit(self, shown: Shown) -> InstrumentPose | None:
        self._localizer.ingest(shown.samples)
        return self._localizer.localize(shown.image, self._last)
