"""The guide's end straight from one frame's samples, before a picture can show it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.reconstruction.temporal_memory import TemporalMemory

from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.samples.guide_course import GEL_TO_END_MM, GuideCourse
from InstrumentTrackerLib.localization.samples.guide_gel import GelBasis, GelMemory
from InstrumentTrackerLib.localization.samples.guide_search import HAND_REACH_MM, GuidePosterior, GuideSearch
from InstrumentTrackerLib.localization.samples.guide_tissue import SAME_DEG, SAME_MM, GuideTissue
from InstrumentTrackerLib.localization.samples.sample_background import PIXEL_SHIFT_MM, SampleBackground, smooth_phase
from InstrumentTrackerLib.localization.samples.sample_information import whiten
from InstrumentTrackerLib.localization.samples.sample_slice import SampleSlice
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# Tissue about the guide's end is pushed.
PUSHED_MM, PUSHED_BEHIND_MM, PUSHED_AHEAD_MM, PUSHED_HALF_MM = 1.5, 40.0, 40.0, 25.0
# What is reported: how much better than tissue alone it explains the samples (nats), how much of the probability lies
# near it, and how much of the samples it may leave unexplained.
MIN_EVIDENCE, NEIGHBORHOOD_MM, MIN_CONFIDENCE, MAX_MISFIT = 60.0, 3.0, 0.5, 2.5
# The samples say that a guide has left where tissue alone explains them so much better (nats) than an end as far from
# the picture's as a hand moves it, and no end elsewhere on the line convinces.
LEFT_EVIDENCE = -20.0
# After so many frames without a sight the guide may be anywhere on its line.
UNSEEN_FRAMES = 5
# Neighboring columns tell much the same: of a guide that is followed every other one is asked.
FOLLOWED_STEP = 2
# What the model of the cap leaves out.
MODEL_STD_MM = 0.6
# Bright tissue, by which the gel's signal is stated.
BRIGHT_PERCENTILE = 99.0


@dataclass(frozen=True, eq=False)
class GuideSight:
    """The guide tip as the samples of one frame tell it.

    Attributes
    ----------
    guide_tip
        RAS mm (3,).
    std_mm
        Of the tip along the guide; across it, it lies on the picture's line.
    confidence
        Probability (0..1) that the tip lies within 3 mm along the guide.
    course
        The line on which it was looked for.
    plane
        Geometry.
    posterior
        Which can be asked about other ends.
    """

    guide_tip: Point
    std_mm: float
    confidence: float
    course: GuideCourse
    plane: ImagePlane
    posterior: GuidePosterior

    def log_ratio(self, guide_tip: Point) -> float:
        """How much likelier the measured tip is than another one (RAS mm) on the same line, nats."""
        xy, _ = self.plane.from_ras(guide_tip)
        depth = float(xy @ self.course.line.direction) + CAP_REACH_MM - self.course.end
        return self.posterior.log_ratio(depth)


@dataclass(frozen=True)
class GuideLeft:
    """The samples do not show the guide that they have shown on this line, whatever the picture still shows."""


class GuideSamples:
    """Fits the guide's end to the samples of each frame, on the line on which the picture shows the guide.

    Pictures of few lines show the right line but an end that is tens of mm off while the guide moves, above all where
    the phase encoding runs along it.
    """

    def __init__(self) -> None:
        self._tissue = GuideTissue()
        self._gel = GelMemory()
        self._last: tuple[GuideCourse, float] | None = None
        self._told: GuideCourse | None = None
        self._n_unseen = 0

    def update(
        self, memory: TemporalMemory | None, image: ImageFrame, plane: ImagePlane, course: GuideCourse | None
    ) -> GuideSight | GuideLeft | None:
        """Take a frame; None where its samples have nothing to say.

        An unreliable picture is not learned from, and its frame tells no end of the guide, but may tell that it left.

        Parameters
        ----------
        memory
            Samples of the frame, None where they are not those of the picture.
        image
            Its picture, on the scale of the samples.
        course
            The guide in it, None without: then the samples are asked for a while whether it has left where they saw it.
        """
        if course is not None and self._last is not None and not course.is_near(self._last[0], SAME_DEG, SAME_MM):
            self._gel, self._last = GelMemory(), None
        if self._told is not None and course is not None and not course.is_near(self._told, SAME_DEG, SAME_MM):
            self._told = None
        if self._n_unseen > UNSEEN_FRAMES:
            self._last = None
        posterior, left = None, None
        asked = course or (self._told if self._n_unseen <= UNSEEN_FRAMES else None)
        if memory is not None and asked is not None and self._tissue.pictures is not None:
            memory.recalibrate()
            learns = course is not None and not image.is_unreliable
            posterior = self._fit(memory, self._tissue.pictures, plane, asked, learns)
            # A guide that was there from the beginning is tissue to the memory: only one that came can be missed.
            if posterior is not None and self._told is not None and _has_left(posterior):
                is_beside = self._is_beside(memory, self._tissue.pictures, plane, asked)
                left = None if is_beside else GuideLeft()
        sight = None if posterior is None or course is None else _sight(posterior, plane, course)
        end = None if sight is None or posterior is None else posterior.likeliest
        self._n_unseen += 1
        if sight is not None:
            self._told = course
        if image.is_unreliable:
            return left
        self._tissue.update(image.data, plane, course, end)
        if end is not None and course is not None:
            self._last, self._n_unseen = (course, course.end + end), 0
        return left or sight

    def _is_beside(
        self, memory: TemporalMemory, tissue: NDArray[np.float32], plane: ImagePlane, course: GuideCourse
    ) -> bool:
        """Whether the samples show the guide in a neighboring slice, into which its picture has not followed it."""
        index = round(course.slice_index)
        for neighbor in (index - 1, index + 1):
            if 0 <= neighbor < plane.shape[0]:
                posterior = self._fit(memory, tissue, plane, replace(course, slice_index=float(neighbor)))
                if posterior is not None and posterior.evidence >= MIN_EVIDENCE:
                    return True
        return False

    def _fit(
        self,
        memory: TemporalMemory,
        tissue: NDArray[np.float32],
        plane: ImagePlane,
        course: GuideCourse,
        learns: bool = False,
    ) -> GuidePosterior | None:
        index = int(np.clip(round(course.slice_index), 0, plane.shape[0] - 1))
        band = course.band(plane, 1 if self._last is None else FOLLOWED_STEP)
        known = memory.input(slice(index, index + 1))
        picture = tissue[index] / np.float32(memory.scale)
        bright = float(np.percentile(picture, BRIGHT_PERCENTILE))
        if band is None or not known.is_sampled.any() or bright <= 0:
            return None
        along, across = course.coordinates(plane)
        is_pushed = (along > -PUSHED_BEHIND_MM) & (along < PUSHED_AHEAD_MM) & (np.abs(across) < PUSHED_HALF_MM)
        shift = np.where(is_pushed, PUSHED_MM, PIXEL_SHIFT_MM)
        background = SampleBackground.of(picture, smooth_phase(known.prior[0].numpy()), plane, shift)
        basis = GelBasis.of(band.along, course.end)
        mean, std = self._gel.prior(basis)
        expected = None if self._last is None else self._last[1] - course.end
        try:
            white = whiten(SampleSlice.of(known), background, band, level=1.0)
            if white is None:
                return None
            prior = bright * mean, bright * std
            posterior = GuideSearch(white, band, basis, prior, expected).posterior()
            if expected is not None and _has_left(posterior):  # or has it gone farther than a hand moves it?
                posterior = GuideSearch(white, band, basis, prior, None).posterior()
        except torch.linalg.LinAlgError:
            return None
        if learns and _is_convincing(posterior):
            self._gel.learn(basis, posterior.gel / bright, posterior.likeliest - GEL_TO_END_MM - 5.0)
        return posterior


def _is_convincing(posterior: GuidePosterior) -> bool:
    is_inside = posterior.depth[0] < posterior.likeliest < posterior.depth[-1]
    is_explained = posterior.evidence >= MIN_EVIDENCE and posterior.misfit <= MAX_MISFIT
    return is_inside and is_explained and posterior.moments(NEIGHBORHOOD_MM)[0] >= MIN_CONFIDENCE


def _has_left(posterior: GuidePosterior) -> bool:
    near = posterior.evidence_near(0.0, HAND_REACH_MM)
    # Samples that nothing explains say nothing: the contrast has changed, or the frame has failed.
    is_explained = posterior.misfit <= MAX_MISFIT
    return near < LEFT_EVIDENCE and posterior.evidence < MIN_EVIDENCE and is_explained


def _sight(posterior: GuidePosterior, plane: ImagePlane, course: GuideCourse) -> GuideSight | None:
    if not _is_convincing(posterior):
        return None
    confidence, depth, variance = posterior.moments(NEIGHBORHOOD_MM)
    return GuideSight(
        guide_tip=plane.to_ras(course.line.point(course.end + depth - CAP_REACH_MM), course.slice_index),
        std_mm=float(np.hypot(np.sqrt(variance), MODEL_STD_MM)),
        confidence=min(confidence, 1.0),
        course=course,
        plane=plane,
        posterior=posterior,
    )
