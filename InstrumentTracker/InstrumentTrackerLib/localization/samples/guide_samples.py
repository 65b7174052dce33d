"""The guide's end straight from one frame's samples, before a picture can show it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.reconstruction.temporal_memory import TemporalMemory

from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.samples.guide_course import (
    FARTHEST_MM,
    GEL_TO_END_MM,
    NEAREST_MM,
    GuideCourse,
)
from InstrumentTrackerLib.localization.samples.guide_detection import GuideDetector
from InstrumentTrackerLib.localization.samples.guide_gel import GelBasis, GelMemory
from InstrumentTrackerLib.localization.samples.guide_search import (
    DISMISSED,
    HAND_REACH_MM,
    End,
    ExpectedEnd,
    GuidePosterior,
    GuideSearch,
    StatedEnd,
)
from InstrumentTrackerLib.localization.samples.guide_tissue import SAME_DEG, SAME_MM, GuideTissue
from InstrumentTrackerLib.localization.samples.sample_background import PIXEL_SHIFT_MM, SampleBackground, smooth_phase
from InstrumentTrackerLib.localization.samples.sample_information import whiten
from InstrumentTrackerLib.localization.samples.sample_slice import SampleSlice
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# Tissue about the guide's end is pushed.
PUSHED_MM, PUSHED_BEHIND_MM, PUSHED_AHEAD_MM, PUSHED_HALF_MM = 1.5, 40.0, 40.0, 25.0
# What is a guide: how much better than tissue alone it explains the samples (nats).
MIN_EVIDENCE = 60.0
# The answer is the mean of what lies this near to the likeliest end; with less of the probability there nothing is
# learned from it.
NEIGHBORHOOD_MM, MIN_CONFIDENCE = 3.0, 0.5
# A bar that explains less is not asked about its end (nats): in 108 frames of development without a visible guide the
# best explained 3 to 33, half of them less than 10.
MIN_BAR_EVIDENCE = 30.0
# A bar's end may be far off: how often it is moved on where the guide's lies this near to the last that was tried. And
# what is tried about the best line, degrees and mm.
MAX_ADVANCES, EDGE_MM = 3, 8.0
REFINED_COURSES = ((-2.0, 0.0), (2.0, 0.0), (0.0, -2.0), (0.0, 2.0))
# How much of the samples' energy may be unexplained, in units of noise and expected errors.
MAX_MISFIT = 2.5
# The samples say that a guide has left where tissue alone explains them so much better (nats) than an end as far from
# the picture's as a hand moves it, and no end elsewhere on the line convinces.
LEFT_EVIDENCE = -20.0
# A guide that was there from the beginning tells something where it has gone so much farther.
PUSHED_ON_MM = 10.0
# After so many frames without a sight the guide may be anywhere on its line.
UNSEEN_FRAMES = 5
# Neighboring columns tell much the same: of a guide that is followed, or searched for, every other one is asked.
FOLLOWED_STEP = 2
# What the model of the cap leaves out.
MODEL_STD_MM = 0.6
# Bright tissue, by which the gel's signal is stated.
BRIGHT_PERCENTILE = 99.0


@dataclass(frozen=True, eq=False)
class GuideSight:
    """That the samples of one frame show a guide, and where it ends by them.

    Attributes
    ----------
    course
        The line on which it was looked for, or where it was found.
    plane
        Geometry.
    posterior
        Over its ends.
    is_shown
        The line is the picture's, however doubtful.
    """

    course: GuideCourse
    plane: ImagePlane
    posterior: GuidePosterior
    is_shown: bool = True

    @cached_property
    def end(self) -> End:
        """By the samples alone."""
        return self.posterior.end(NEIGHBORHOOD_MM)

    @property
    def guide_tip(self) -> Point:
        """RAS mm (3,), by the samples alone."""
        return self.tip_at(self.end)

    @property
    def std_mm(self) -> float:
        """Of the tip along the guide; across it, it lies on the picture's line."""
        return self.std_mm_of(self.end)

    @property
    def confidence(self) -> float:
        """Probability (0..1) that the tip lies within 3 mm along the guide."""
        return self.end.probability

    @property
    def is_explained(self) -> bool:
        """Whether guide and tissue account for the samples; else something else has changed besides."""
        return self.posterior.misfit <= MAX_MISFIT

    def is_on_line_of(self, guide_tip: Point) -> bool:
        """Whether a tip (RAS mm) that the picture shows lies on its line."""
        xy, _ = self.plane.from_ras(guide_tip)
        return abs(float(xy @ self.course.line.normal) - self.course.line.offset) <= SAME_MM

    def rivals(self, other: GuideSight) -> bool:
        """Whether it is on another line, which explains the samples about as well."""
        is_near = _is_same_line(self.course, other.course)
        margin = DISMISSED * other.posterior.temperature
        return not is_near and self.posterior.evidence > other.posterior.evidence - margin

    def end_with(self, guide_tip: Point, std_mm: float, certainty: float) -> tuple[End, float]:
        """By samples and picture together, and how far that is beyond the picture's tip (mm).

        Parameters
        ----------
        guide_tip
            RAS mm (3,) of the picture.
        std_mm, certainty
            Its spread along the guide, and the probability that it is right.
        """
        xy, _ = self.plane.from_ras(guide_tip)
        depth = float(xy @ self.course.line.direction) + CAP_REACH_MM - self.course.end
        end = self.posterior.end(NEIGHBORHOOD_MM, StatedEnd(depth, float(np.hypot(std_mm, MODEL_STD_MM)), certainty))
        return end, end.depth - depth

    def tip_at(self, end: End) -> Point:
        """RAS mm (3,)."""
        point = self.course.line.point(self.course.end + end.depth - CAP_REACH_MM)
        return self.plane.to_ras(point, self.course.slice_index)

    @staticmethod
    def std_mm_of(end: End) -> float:
        """With what the model of the cap leaves out."""
        return float(np.hypot(np.sqrt(end.variance), MODEL_STD_MM))


@dataclass(frozen=True)
class GuideLeft:
    """The samples do not show the guide that they have shown on this line, whatever the picture still shows."""


class GuideSamples:
    """Fits the guide's end to the samples of each frame, on the line on which the picture shows the guide.

    Pictures of few lines show the right line but an end that is tens of mm off while the guide moves, above all where
    the phase encoding runs along it. A guide that has just come they do not show at all: then all lines are searched.
    """

    def __init__(self) -> None:
        self._detector = GuideDetector()
        self._tissue = GuideTissue()
        self._gel = GelMemory()
        self._last: tuple[GuideCourse, float] | None = None
        self._told: GuideCourse | None = None
        self._found: GuideCourse | None = None
        self._n_unseen, self._n_untold = 0, 0
        self._first: GuideCourse | None = None

    def update(
        self,
        memory: TemporalMemory | None,
        image: ImageFrame,
        plane: ImagePlane,
        course: GuideCourse | None,
        is_seen: bool,
        is_searched: bool,
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
            The guide in it, None without.
        is_seen
            Whether the picture is sure enough of it to report it.
        is_searched
            Whether a guide that the picture does not show is searched for on all lines: while none is followed.
        """
        self._n_unseen += 1
        self._n_untold += 1
        if self._tissue.pictures is None and is_seen:
            self._first = course
        # What a search finds is remembered when it is followed, and not before: it may have been another line.
        if self._found is not None and not is_searched and self._told is None:
            self._told, self._n_untold = self._found, 0
        self._found = None
        asked = self._asked(course, is_seen)
        if asked is not None and self._last is not None and not _is_same_line(asked, self._last[0]):
            self._gel, self._last = GelMemory(), None
        if self._n_unseen > UNSEEN_FRAMES:
            self._last = None
        posterior, left = None, None
        if memory is not None and asked is not None and self._tissue.pictures is not None:
            memory.recalibrate()
            learns = asked is course and not image.is_unreliable
            posterior = self._fit(memory, self._tissue.pictures, plane, asked, learns)
            if posterior is not None and posterior.evidence < MIN_EVIDENCE and not is_seen and self._told is not None:
                # A doubtful picture may show the right line in the wrong slice.
                asked = self._told
                posterior = self._fit(memory, self._tissue.pictures, plane, asked)
            # Only one that came can be missed.
            if posterior is not None and self._told is not None and _has_left(posterior):
                is_beside = self._is_beside(memory, self._tissue.pictures, plane, asked)
                left = None if is_beside else GuideLeft()
        is_shown = asked is course
        sight = None if posterior is None or not is_shown or course is None else _sight(posterior, plane, course)
        courses: list[GuideCourse] = []
        # A doubtful picture may show the wrong line, too.
        is_asked = is_searched or (sight is None and left is None)
        if memory is not None and is_asked and not is_seen and not image.is_unreliable:
            courses = self._unshown_courses(memory, plane, is_searched)
        # What lies near its line is no other guide.
        elsewhere = [course for course in courses if sight is None or not _is_same_line(course, sight.course)]
        others = self._sights(memory, plane, elsewhere)
        is_rivaled = sight is not None and any(other.rivals(sight) for other in others)
        # That it came is told, too, by samples that do not tell where it ends.
        if posterior is not None and posterior.evidence >= MIN_EVIDENCE and is_shown and not is_rivaled:
            self._told, self._n_untold = course, 0
        if image.is_unreliable:
            return left
        unshown = None
        if sight is not None and is_rivaled:
            near = [course for course in courses if course not in elsewhere]
            others, sight = [*others, *self._sights(memory, plane, near), sight], None
        if sight is None:
            unshown = self._likeliest(memory, plane, others)
        if unshown is not None and is_searched:
            self._found = unshown.course.advanced(unshown.posterior.likeliest)
        elif unshown is not None:
            sight, course, is_shown = unshown, unshown.course, False
            self._told, self._n_untold = course.advanced(unshown.posterior.likeliest), 0
        end = None if sight is None or sight.confidence < MIN_CONFIDENCE else sight.posterior.likeliest
        self._tissue.update(image.data, plane, course, end, is_shown)
        if end is not None and course is not None:
            self._last, self._n_unseen = (course, course.end + end), 0
        return unshown or left or sight

    def _asked(self, course: GuideCourse | None, is_seen: bool) -> GuideCourse | None:
        """The line on which the samples are to look for the guide.

        Where the picture shows none, or a doubtful one elsewhere, they are asked for a while whether it has left where
        they have told of it: where a guide was, pictures of few lines show remains of it in odd directions.
        """
        # A guide that was there from the beginning is tissue to the memory, until it is pushed on.
        if course is not None and self._first is not None and _is_same_line(course, self._first):
            is_pushed_on = course.end >= self._first.end + PUSHED_ON_MM
            return course if is_pushed_on else None
        told = self._told
        if told is None or (course is not None and _is_same_line(course, told)):
            return course
        if self._n_untold > UNSEEN_FRAMES or (course is not None and is_seen):
            self._told = None
            return course
        return told

    def _unshown_courses(self, memory: TemporalMemory, plane: ImagePlane, is_searched: bool) -> list[GuideCourse]:
        """Where a guide that the picture does not show may be: where the samples have shown one, and on any line."""
        courses = [] if self._told is None else [self._told]
        if is_searched and self._tissue.pictures is not None:
            memory.recalibrate()
            found = self._detector.courses(memory, self._tissue.pictures, plane, MIN_BAR_EVIDENCE)
            courses += [course for course in found if self._first is None or not _is_same_line(course, self._first)]
        return courses

    def _likeliest(
        self, memory: TemporalMemory | None, plane: ImagePlane, sights: list[GuideSight]
    ) -> GuideSight | None:
        """Of guides that the picture does not show, on the best line about; None where another is about as likely."""
        best = max(sights, key=_evidence, default=None)
        if best is None or any(sight.rivals(best) for sight in sights):
            return None
        nearby = [best.course.moved(turn, offset) for turn, offset in REFINED_COURSES]
        best = max([best, *self._sights(memory, plane, nearby)], key=_evidence)
        is_sure = best.is_explained and best.confidence >= MIN_CONFIDENCE
        return replace(best, is_shown=False) if is_sure else None

    def _sights(self, memory: TemporalMemory | None, plane: ImagePlane, courses: list[GuideCourse]) -> list[GuideSight]:
        tissue = self._tissue.pictures
        if memory is None or tissue is None:
            return []
        sights = [self._sought(memory, tissue, plane, course) for course in courses]
        return [sight for sight in sights if sight is not None]

    def _sought(
        self, memory: TemporalMemory, tissue: NDArray[np.float32], plane: ImagePlane, course: GuideCourse
    ) -> GuideSight | None:
        """On a line that a bar tells, whose end may be far off."""
        for _ in range(MAX_ADVANCES):
            posterior = self._fit(memory, tissue, plane, course, is_sought=True)
            if posterior is None:
                return None
            if NEAREST_MM + EDGE_MM < posterior.likeliest < FARTHEST_MM - EDGE_MM:
                return _sight(posterior, plane, course)
            course = course.advanced(posterior.likeliest)
        return None

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
        is_sought: bool = False,
    ) -> GuidePosterior | None:
        index = int(np.clip(round(course.slice_index), 0, plane.shape[0] - 1))
        band = course.band(plane, FOLLOWED_STEP if is_sought or self._last is not None else 1)
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
        # What is known of the guide that was seen last helps on its own line.
        last = self._last if self._last is not None and _is_same_line(course, self._last[0]) else None
        mean, std = (GelMemory() if last is None else self._gel).prior(basis)
        expected = None if last is None else ExpectedEnd(last[1] - course.end, self._n_unseen)
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
        sight = _sight(posterior, plane, course) if learns else None
        if sight is not None and sight.confidence >= MIN_CONFIDENCE and sight.is_explained:
            self._gel.learn(basis, posterior.gel / bright, posterior.likeliest - GEL_TO_END_MM - 5.0)
        return posterior


def _is_same_line(first: GuideCourse, second: GuideCourse) -> bool:
    return first.is_near(second, SAME_DEG, SAME_MM)


def _evidence(sight: GuideSight) -> float:
    return sight.posterior.evidence


def _has_left(posterior: GuidePosterior) -> bool:
    near = posterior.evidence_near(0.0, HAND_REACH_MM)
    # Samples that nothing explains say nothing: the contrast has changed, or the frame has failed.
    is_explained = posterior.misfit <= MAX_MISFIT
    return near < LEFT_EVIDENCE and posterior.evidence < MIN_EVIDENCE and is_explained


def _sight(posterior: GuidePosterior, plane: ImagePlane, course: GuideCourse) -> GuideSight | None:
    """Where a guide is better than tissue alone, and does not end where the search does."""
    is_inside = posterior.depth[0] < posterior.likeliest < posterior.depth[-1]
    if posterior.evidence < MIN_EVIDENCE or not is_inside:
        return None
    return GuideSight(course, plane, posterior)
