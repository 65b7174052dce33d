"""Finds guide and needle in a segmentation and refines them in its picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import directions_of, same_geometry

from InstrumentTrackerLib.localization.expected_pose import ExpectedPose
from InstrumentTrackerLib.localization.instrument_pose import MIN_CONFIDENCE, UNKNOWN_VARIANCE, InstrumentPose
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.localization.masks.guide_estimate import GuideEstimate, estimate_guide
from InstrumentTrackerLib.localization.masks.guide_measurement import GuideMeasurement, Pixels, measure_guides
from InstrumentTrackerLib.localization.masks.image_confidence import GuideEvidence
from InstrumentTrackerLib.localization.masks.needle_estimate import NeedleEstimate, estimate_needle
from InstrumentTrackerLib.localization.masks.shaft import SEEN, slices_with_most
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL, InstrumentMask

# Below these probabilities an instrument, and a needle, is not reported.
REFUSE_BELOW, REFUSE_NEEDLE_BELOW = 0.3, 0.5


@dataclass(frozen=True, eq=False)
class Finding:
    """What was found, and the evidence for it.

    Attributes
    ----------
    plane
        Geometry.
    measurement
        Of the guide, by mask and picture.
    guide
        The two weighed.
    needle
        None where none is seen.
    evidence
        For the guide; the needle has its own.
    """

    plane: ImagePlane
    measurement: GuideMeasurement
    guide: GuideEstimate
    needle: NeedleEstimate | None
    evidence: GuideEvidence

    @property
    def slice_at_tip(self) -> float:
        """Slice (continuous) of the guide tip; the one that shows it best where the depth is not known."""
        offset = 0.0 if self.guide.depth is None else self.guide.depth.offset_mm
        return self.guide.slice_index + offset / float(self.plane.spacing[2])


class MaskLocalizer:
    """Guide tip, needle tip, axis and depth from the probabilities of guide and needle, in sub-pixel.

    Each is a model fitted to the probabilities and, where the picture shows what the model expects, to the picture;
    the two are weighed by their spreads. Confidence is the probability that all that is reported lies within 3 mm.

    Parameters
    ----------
    calibration
        What the masks of the network in use are worth; by default that of the network we ship.
    """

    def __init__(self, calibration: Calibration | None = None) -> None:
        self._calibration = Calibration.read() if calibration is None else calibration

    def localize(self, image: ImageFrame, mask: InstrumentMask | None = None) -> InstrumentPose:
        """As :class:`~InstrumentTrackerLib.localization.localizer.Localizer`, from a mask.

        Raises
        ------
        InputError
            Without a mask, or if it has another geometry than the image.
        """
        return self.pose_of(self.find(image, mask), image)

    def find(
        self, image: ImageFrame, mask: InstrumentMask | None = None, prediction: ExpectedPose | None = None
    ) -> Finding | None:
        """As :meth:`localize`, before anything is refused; of several bars the one nearest to what is expected."""
        guide, needle = _probabilities(image, mask)
        level = float(np.percentile(image.data[:, ::2, ::2], 99))
        if level <= 0:
            return None
        plane = ImagePlane.of(image)
        pixels = np.maximum(image.data, 0) / np.float32(level)
        measurements = measure_guides(pixels, guide, needle, plane, prediction)
        candidates = [(item, GuideEvidence.of(item, image.quality)) for item in measurements]
        if all(self._probability(candidate) < MIN_CONFIDENCE for candidate in candidates):
            for others in _without_one_slice(guide):
                measurements = measure_guides(pixels, others, needle, plane, prediction)
                candidates += [(item, GuideEvidence.of(item, image.quality)) for item in measurements]
        if not candidates:
            return None
        measurement, evidence = max(candidates, key=self._probability)
        estimate = estimate_guide(pixels, guide, plane, measurement, self._calibration)
        return Finding(
            plane=plane,
            measurement=measurement,
            guide=estimate,
            needle=estimate_needle(needle, plane, estimate, self._calibration, image.quality),
            evidence=evidence,
        )

    def _probability(self, candidate: tuple[GuideMeasurement, GuideEvidence]) -> float:
        return self._calibration.guide.probability(candidate[1])

    def pose_of(self, finding: Finding | None, image: ImageFrame) -> InstrumentPose:
        """What is reported of a finding; without one, or where it is too doubtful, an empty pose."""
        empty = InstrumentPose(index=image.index, time_s=image.mid_acquisition_time)
        if finding is None:
            return empty
        confidence = guide_confidence = self._calibration.guide.probability(finding.evidence)
        if confidence < REFUSE_BELOW:
            return InstrumentPose(confidence=confidence, index=empty.index, time_s=empty.time_s)
        plane, guide, needle = finding.plane, finding.guide, finding.needle
        offset, slope = (0.0, 0.0) if guide.depth is None else (guide.depth.offset_mm, guide.depth.slope)
        spacing = float(plane.spacing[2])
        direction = directions_of(plane.ijk_to_ras) @ np.array([*guide.line.direction, slope])
        needle_tip, needle_covariance = None, None
        if needle is not None:
            certainty = self._calibration.needle.probability(needle.evidence)
            if certainty >= REFUSE_NEEDLE_BELOW:
                confidence *= certainty
                depth = offset + slope * (needle.along - guide.tip)
                point = guide.line.point(needle.along, needle.across)
                needle_tip = plane.to_ras(point, guide.slice_index + depth / spacing)
                needle_covariance = self._covariance(
                    finding, "needle", needle.along_std_mm, needle.across_std_mm, needle.depth_std_mm
                )
        depth_std = None if guide.depth is None else guide.depth.std_mm
        return InstrumentPose(
            guide_tip=plane.to_ras(guide.line.point(guide.tip), finding.slice_at_tip),
            needle_tip=needle_tip,
            axis=direction / np.linalg.norm(direction),
            confidence=confidence,
            guide_tip_covariance=self._covariance(finding, "guide", guide.along_std_mm, guide.across_std_mm, depth_std),
            needle_tip_covariance=needle_covariance,
            index=empty.index,
            time_s=empty.time_s,
            guide_confidence=guide_confidence,
        )

    def _covariance(
        self, finding: Finding, point: str, along: float, across: float, depth: float | None
    ) -> NDArray[np.float64]:
        """RAS covariance from the stated spreads along the axis, across it in the plane, and through the plane."""
        spreads = self._calibration.spreads
        variances = [
            spreads[f"{point}_along"].std_mm(along) ** 2,
            spreads[f"{point}_across"].std_mm(across) ** 2,
            UNKNOWN_VARIANCE if depth is None else spreads[f"{point}_depth"].std_mm(depth) ** 2,
        ]
        return finding.plane.covariance_to_ras(finding.guide.line, np.diag(variances))


def _without_one_slice(guide: Pixels) -> Iterator[Pixels]:
    """The probabilities with one of the slices that show a guide left out, for each of them in turn.

    A dark organ beside the guide may look like its end in one slice, which then bends and lengthens the bar of all.
    """
    shown = [k for k in slices_with_most(guide) if guide[k].max() >= SEEN]
    for k in shown if len(shown) > 1 else []:
        others = guide.copy()
        others[k] = 0
        yield others


def _probabilities(image: ImageFrame, mask: InstrumentMask | None) -> tuple[Pixels, Pixels]:
    """Of guide and needle; labels count as certain."""
    if mask is None:
        raise InputError(f"image frame {image.index}: no mask; run a segmentation before the mask localizer")
    if mask.labels.shape != image.data.shape or not same_geometry(mask.ijk_to_ras, image.ijk_to_ras):
        raise InputError(
            f"instrument mask {mask.index}: {mask.labels.shape} and its geometry do not fit image frame {image.index}, "
            f"{image.data.shape}; expected the mask of this image"
        )
    if mask.probabilities is not None:
        return mask.probabilities[0], mask.probabilities[1]
    return (mask.labels == GUIDE_LABEL).astype(np.float32), (mask.labels == NEEDLE_LABEL).astype(np.float32)
