"""Guide and needle tip straight from one frame's samples, before a picture can show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.reconstruction.temporal_memory import TemporalMemory

from InstrumentTrackerLib.localization.expected_pose import ExpectedPose
from InstrumentTrackerLib.localization.instrument_pose import MAX_NEEDLE_ACCELERATION, UNKNOWN_VARIANCE, Point
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.samples.guide_course import GuideCourse
from InstrumentTrackerLib.localization.samples.guide_samples import GuideLeft, GuideSamples, GuideSight
from InstrumentTrackerLib.localization.samples.sample_background import SampleBackground, smooth_phase
from InstrumentTrackerLib.localization.samples.sample_band import SampleBand
from InstrumentTrackerLib.localization.samples.sample_course import Course
from InstrumentTrackerLib.localization.samples.sample_information import (
    OpacityInformation,
    opacity_information,
    unexplained_share,
)
from InstrumentTrackerLib.localization.samples.sample_pose import SamplePose
from InstrumentTrackerLib.localization.samples.sample_slice import SampleSlice
from InstrumentTrackerLib.localization.samples.sample_tissue import Image, TissueMemory
from InstrumentTrackerLib.localization.samples.sample_void import BEYOND_MM, FIRST_MM, MAX_REACH_MM, void_posterior
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# A background that errs by more than this many times what is expected cannot be trusted: the contrast has changed,
# the patient has moved, or the picture has failed.
MAX_MISMATCH = 4.0
# The answer is the mean of what lies this near to the likeliest depth.
NEIGHBORHOOD_MM = 3.0
MIN_CONFIDENCE = 0.5
# Of a frame with more lines than at R = 4 as many are asked about the guide as at R = 8: all would take seconds.
MIN_ACCELERATION, THINNED_ACCELERATION = 4.0, 8.0
# Where no needle is known, a shorter one may be the guide's cap that has moved.
FIRST_SIGHT_MM = CAP_REACH_MM + 7.0
# What the model of the void's end leaves out (its shape, its blur).
MODEL_STD_MM = 0.4
# The band reaches a little beyond the depths that are tried.
BAND_MARGIN_MM = 2.0

Array = NDArray[np.float64]


class SampleLocalizer:
    """Fits a needle's void, and the guide's end, to the current frame's samples against the pictures before.

    Every frame is ingested in order of acquisition; its picture, once it exists, comes with the tracked pose of the
    frame before. The void's depth is searched along the predicted axis. The previous picture without its needle
    predicts the samples; its errors (motion, gain, artifacts) and the noise are nuisances whose level the residual
    tells.

    Attributes
    ----------
    has_many_lines
        The frame ingested last has so many lines that its picture cannot be late, and only some of them are asked.
    """

    def __init__(self) -> None:
        self._planning: KSpaceFrame | ImageFrame | None = None
        self.restart()

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """Fully sampled scan of the same geometry: coil sensitivities come from it."""
        self._planning = planning
        self.restart()

    def reset(self) -> None:
        """Forget the series; the planning scan goes with it."""
        self._planning = None
        self.restart()

    def restart(self) -> None:
        """Forget the series; the planning scan stays."""
        self._memory: TemporalMemory | None = None
        self._newest: KSpaceFrame | None = None
        self.has_many_lines = False
        self._previous: ImageFrame | None = None
        self._tissue = TissueMemory()
        self._guide = GuideSamples()

    @torch.inference_mode()
    def ingest(self, frame: KSpaceFrame) -> None:
        """Take a frame's samples, before its picture."""
        if self._newest is not None and self._newest.data.shape != frame.data.shape:
            self.restart()
        if self._memory is None:
            self._memory = TemporalMemory(frame, self._fitting_planning(frame), torch.device("cpu"))
        self.has_many_lines = frame.acceleration < MIN_ACCELERATION
        self._newest = _thinned(frame) if self.has_many_lines else frame
        self._memory.ingest(self._newest)

    @torch.inference_mode()
    def find_guide(
        self, image: ImageFrame, course: GuideCourse | None, is_seen: bool, is_followed: bool
    ) -> GuideSight | GuideLeft | None:
        """Guide tip of the frame ingested last, or that the guide has left; None where the samples say nothing.

        They say nothing where they are of another frame, or the guide was there from the beginning.

        Parameters
        ----------
        image
            Picture of that frame, on the scale of the samples.
        course
            The guide as the picture shows it, None without: the samples tell where on its line it ends.
        is_seen
            Whether the picture is sure enough of it to report it.
        is_followed
            Whether a guide is followed; where none is and the picture shows none, it is searched for on all lines.
        """
        frame, memory = self._newest, self._memory
        if frame is None or frame.index != image.index or image.data.shape != frame.image_shape:
            memory = None
        # Of a frame with many lines the picture cannot be late: what it does not show is not there.
        is_searched = not is_followed and not self.has_many_lines
        return self._guide.update(memory, image, ImagePlane.of(image), course, is_seen, is_searched)

    @torch.inference_mode()
    def localize(
        self, image: ImageFrame, prediction: ExpectedPose | None, seen_once: Point | None = None
    ) -> SamplePose | None:
        """Needle tip of the frame ingested last; None where the samples have nothing to say, or are of another frame.

        None is fitted where the picture is doubted, for it would not be reported, nor where it is made of so many lines
        that it shows the needle better than some of them.

        Parameters
        ----------
        image
            Picture of that frame, on the scale of the samples; the background of the next one.
        prediction
            The previous tracked pose: where the needle was in the picture before, and where the search begins.
        seen_once
            Tip (RAS mm) of a needle that waits for its second sight. It is no likelier for that, but what it covers in
            the picture before must not be taken for tissue, or its samples would never be seen again.
        """
        previous, self._previous = self._previous, image
        frame, memory = self._newest, self._memory
        if previous is None or frame is None or memory is None or previous.data.shape != frame.image_shape:
            return None
        plane = ImagePlane.of(previous)
        course = None if prediction is None else Course.of(prediction, plane, seen_once)
        tissue = self._tissue.update(previous.data, plane, course)
        if (
            prediction is None
            or course is None
            or image.is_unreliable
            or frame.index != image.index
            or self.has_many_lines
            or frame.acceleration > MAX_NEEDLE_ACCELERATION
        ):
            return None
        memory.recalibrate()
        return self._fit(frame, memory, tissue, plane, course, prediction.needle_tip)

    def _fitting_planning(self, frame: KSpaceFrame) -> KSpaceFrame | ImageFrame | None:
        planning = self._planning
        if planning is None or planning.data.shape[-3:] != frame.image_shape:
            return None
        return None if isinstance(planning, KSpaceFrame) and planning.n_coils != frame.n_coils else planning

    def _fit(
        self,
        frame: KSpaceFrame,
        memory: TemporalMemory,
        tissue: Image,
        plane: ImagePlane,
        course: Course,
        expected_tip: Point | None,
    ) -> SamplePose | None:
        reach = min(max(course.needle_mm or 0.0, FIRST_MM) + BEYOND_MM, MAX_REACH_MM)
        band = SampleBand.around(plane, course, (CAP_REACH_MM - BAND_MARGIN_MM, reach + BAND_MARGIN_MM))
        if band is None:
            return None
        seen = []
        for index, share in course.slices(plane):
            information = self._information(memory, tissue, plane, course, band, index)
            if information is None or information.mismatch > MAX_MISMATCH:
                return None
            seen.append((information, share))
        posterior = void_posterior(seen, band, None if expected_tip is None else course.needle_mm)
        by_depth = posterior.probability.sum(axis=0)
        likeliest = float(posterior.depth[by_depth.argmax()])
        confidence = posterior.probability_within(likeliest, NEIGHBORHOOD_MM)
        is_cap = course.needle_mm is None and likeliest < FIRST_SIGHT_MM
        if is_cap or not confidence >= MIN_CONFIDENCE:
            return None
        (depth, across), covariance = posterior.moments(likeliest, NEIGHBORHOOD_MM)
        origin = course.to_ras(plane, 0.0)
        axis = course.to_ras(plane, -1.0) - origin
        return SamplePose(
            needle_tip=course.to_ras(plane, depth, across),
            axis=-axis / np.linalg.norm(axis),
            confidence=min(confidence, 1.0),
            needle_tip_covariance=_in_ras(covariance + MODEL_STD_MM**2 * np.eye(2), course, plane),
            index=frame.index,
            time_s=0.5 * (frame.acquisition_start_time + frame.acquisition_end_time),
            origin=origin,
            depth=posterior.depth / course.in_plane,
            log_likelihood=posterior.log_likelihood,
            expected_tip=expected_tip,
        )

    @staticmethod
    def _information(
        memory: TemporalMemory, tissue: Image, plane: ImagePlane, course: Course, band: SampleBand, index: int
    ) -> OpacityInformation | None:
        known = memory.input(slice(index, index + 1))
        picture = tissue[index] / np.float32(memory.scale)
        if not known.is_sampled.any() or not picture.any():
            return None
        samples = SampleSlice.of(known)
        # The planning scan's phase is right where tissue has not moved since; the samples tell whether it helps.
        phases = smooth_phase(known.prior[0].numpy()), np.ones(picture.shape, dtype=np.complex64)
        phase = min(phases, key=lambda factors: unexplained_share(samples, picture * factors, band))
        try:
            return opacity_information(samples, SampleBackground.of_needle(picture, phase, plane, course), band)
        except torch.linalg.LinAlgError:
            return None


def _thinned(frame: KSpaceFrame) -> KSpaceFrame:
    """Lines of every slice drawn by chance, and no others; the same ones for the same frame."""
    order = np.where(frame.mask, np.random.default_rng(frame.index).random(frame.mask.shape), np.inf)
    n_lines = max(1, round(frame.mask.shape[1] / THINNED_ACCELERATION))
    mask = frame.mask & (order <= np.sort(order, axis=1)[:, n_lines - 1 : n_lines])
    return replace(frame, data=frame.data * mask[:, :, None], mask=mask)


def _in_ras(covariance: Array, course: Course, plane: ImagePlane) -> Array:
    """Covariance (2, 2) along and across the line -> (3, 3) in RAS, unknown through the plane."""
    spread = np.zeros((3, 3))
    spread[:2, :2], spread[2, 2] = covariance, UNKNOWN_VARIANCE
    return plane.covariance_to_ras(course.line, spread)
