"""Masks for the contenders that need one: made once per frame, shared by all of them."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from InstrumentTrackerLib.benchmark.shown import Shown, timed
from InstrumentTrackerLib.localization.classical.classical_localizer import ClassicalLocalizer
from InstrumentTrackerLib.localization.drawn_mask import draw_mask
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.segmentation.segmenter import Segmenter


class Masks(Protocol):
    """Gives the mask of a frame and the seconds it takes to make it."""

    def of(self, shown: Shown) -> tuple[InstrumentMask, float]: ...


class SegmentedMasks:
    """Masks of a segmenter; without one, the mask that the learning-free localizer draws from its pose."""

    def __init__(self, segmenter: Segmenter | None) -> None:
        self._segmenter = segmenter
        self._classical = ClassicalLocalizer()
        self._last: tuple[Shown, tuple[InstrumentMask, float]] | None = None

    def of(self, shown: Shown) -> tuple[InstrumentMask, float]:
        if self._last is None or self._last[0] is not shown:
            self._last = shown, self._made(shown)
        return self._last[1]

    def _made(self, shown: Shown) -> tuple[InstrumentMask, float]:
        if self._segmenter is not None:
            return timed(partial(self._segmenter.segment, shown.image))
        (_, mask), seconds = timed(partial(self._classical.locate, shown.image))
        return mask, seconds


class TrueMasks:
    """The true instrument, drawn: a reference for what a rule on masks can reach."""

    def of(self, shown: Shown) -> tuple[InstrumentMask, float]:
        truth, plane = shown.truth, ImagePlane.of(shown.image)
        if not truth.visible or truth.width is None:
            return draw_mask(plane, InstrumentPose(index=shown.image.index)), 0.0
        pose = InstrumentPose(truth.guide_tip, truth.needle_tip, truth.axis, 1.0, index=shown.image.index)
        return draw_mask(plane, pose, guide_radius_mm=truth.width / 2), 0.0
