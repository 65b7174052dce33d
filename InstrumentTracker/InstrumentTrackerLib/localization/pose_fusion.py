"""One pose from the picture's and the samples': guide by Bayes' rule, needle by covariance or one of them chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from InstrumentTrackerLib.localization.instrument_pose import (
    CLOSE_MM,
    DEFAULT_STD_MM,
    FIRST_SIGHT_TRUST,
    MIN_CONFIDENCE,
    UNKNOWN_VARIANCE,
    InstrumentPose,
)
from InstrumentTrackerLib.localization.samples.guide_samples import GuideLeft, GuideSight
from InstrumentTrackerLib.localization.samples.sample_pose import SamplePose

# 99.9 % of measurements of the same tip lie within this squared Mahalanobis distance of each other.
GATE = float(chi2.ppf(0.999, 3))
# From this confidence on the samples need no picture.
SURE = 0.9
# A guide in a picture of many lines that its samples contradict counts for so much less.
DOUBT = 0.5
# What a guide is worth that only the samples end: the line is that of a picture which is not sure of it.
ALONE_TRUST = 0.9
# Picture and samples see the same noise and the same past, and the model of the cap is one.
MOST_CERTAIN = 0.97

Array = NDArray[np.float64]


def fuse(image_pose: InstrumentPose, sample_pose: SamplePose | None) -> InstrumentPose:
    """Combine what the picture and the samples of one frame say; guide and axis are the picture's.

    - The samples say that the guide has left: so has its needle, whatever void lies on its line.
    - Only one of them has a needle tip: it is taken, at most as sure as the picture's guide. A needle that the picture
      does not show must be ``SURE`` in the samples, for tissue changes too, or it is followed and they are decisive
      that it is no longer where it was. Of one that is not followed yet they are worth ``FIRST_SIGHT_TRUST`` at most.
    - They agree (gate of 99.9 %): weighted by the inverse covariances; the higher confidence, at most the guide's.
    - They contradict each other, and the samples are decisive against the picture's tip: the samples' tip, at most as
      sure as the guide. A fired needle is so: pictures made of few lines still show the old tip, or a doubtful one.
    - They contradict each other otherwise: the picture's tip. What speaks against it is mostly that a hand does not
      move a needle that far: in simulated series of development the picture was right in 9 of 11 such frames.

    Source of the weighting: Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation
    (2001), chapter 8. The two share noise, so that the fused covariance is a little too small.
    """
    if sample_pose is None or sample_pose.needle_tip is None or image_pose.has_left:
        return image_pose
    trust = sample_pose.confidence
    if sample_pose.expected_tip is None:
        trust = min(trust, FIRST_SIGHT_TRUST)
    if not image_pose.is_present:
        return InstrumentPose(
            needle_tip=sample_pose.needle_tip,
            axis=sample_pose.axis,
            confidence=trust,
            needle_tip_covariance=sample_pose.needle_tip_covariance,
            index=image_pose.index,
            time_s=image_pose.time_s,
        )
    # Whatever is found out about the needle, the guide stays as certain as the picture shows it.
    image_pose = replace(image_pose, guide_confidence=image_pose.certainty_of_guide)
    samples_alone = replace(
        image_pose,
        needle_tip=sample_pose.needle_tip,
        needle_tip_covariance=sample_pose.needle_tip_covariance,
        confidence=min(image_pose.certainty_of_guide, trust),
    )
    if image_pose.needle_tip is None:
        has_moved = sample_pose.expected_tip is not None and sample_pose.is_decisive_against(sample_pose.expected_tip)
        return samples_alone if has_moved or sample_pose.confidence >= SURE else image_pose
    first, second = _finite(image_pose.needle_tip_covariance), _finite(sample_pose.needle_tip_covariance)
    difference = sample_pose.needle_tip - image_pose.needle_tip
    gain = np.linalg.solve(first + second, first).T
    if float(difference @ np.linalg.solve(first + second, difference)) <= GATE:
        covariance = first - gain @ first
        return replace(
            image_pose,
            needle_tip=image_pose.needle_tip + gain @ difference,
            needle_tip_covariance=(covariance + covariance.T) / 2,
            confidence=min(max(image_pose.confidence, trust), image_pose.certainty_of_guide),
        )
    return samples_alone if sample_pose.is_decisive_against(image_pose.needle_tip) else image_pose


def fuse_guide(image_pose: InstrumentPose, sight: GuideSight | GuideLeft | None, shows_all: bool) -> InstrumentPose:
    """Combine where the picture and the samples of one frame say that the guide ends; the axis is the picture's.

    Parameters
    ----------
    shows_all
        The picture is made of so many lines that it cannot be late; the samples are some of them. Where it shows the
        guide they do not say that it has left; where it is ``SURE`` they may doubt it, but neither move it nor overrule
        it.

    Notes
    -----
    - The samples say that it has left: nothing is seen. Pictures of few lines go on to show a guide that has gone.
    - Only the samples find it, on a line of which the picture is not sure or which it does not show: their tip, at
      ``ALONE_TRUST``.
    - Both find it: Bayes' rule. The picture says that it ends near the picture's tip by its confidence, and by chance
      anywhere otherwise; the samples have their likelihood of every end. So they agree, outvote each other or leave
      each other in doubt, by one formula; what it gives is capped at ``MOST_CERTAIN``. A moving guide needs it:
      pictures of few lines show its end where it was, or long before it is there.
    """
    is_shown = image_pose.guide_tip is not None and image_pose.certainty_of_guide >= MIN_CONFIDENCE
    if sight is None or (shows_all and is_shown and isinstance(sight, GuideLeft)):
        return image_pose
    if isinstance(sight, GuideLeft):
        return InstrumentPose(index=image_pose.index, time_s=image_pose.time_s, has_left=True)
    axis = sight.course.axis(sight.plane)
    if image_pose.guide_tip is None or not sight.is_on_line_of(image_pose.guide_tip):
        if sight.confidence < MIN_CONFIDENCE or is_shown:
            return image_pose
        spread = np.diag([sight.std_mm**2, DEFAULT_STD_MM**2, UNKNOWN_VARIANCE])
        return InstrumentPose(
            guide_tip=sight.guide_tip,
            axis=axis,
            confidence=ALONE_TRUST * min(sight.confidence, MOST_CERTAIN),
            guide_tip_covariance=sight.plane.covariance_to_ras(sight.course.line, spread),
            index=image_pose.index,
            time_s=image_pose.time_s,
            is_unshown=not sight.is_shown,
        )
    certainty = image_pose.certainty_of_guide
    of_needle = image_pose.confidence / certainty if certainty > 0 else 1.0
    along = float(axis @ _finite(image_pose.guide_tip_covariance) @ axis)
    end, difference = sight.end_with(image_pose.guide_tip, np.sqrt(along), min(certainty, MOST_CERTAIN))
    if shows_all and certainty >= SURE:
        # They are in it already.
        if abs(difference) <= CLOSE_MM:
            return image_pose
        tip, certainty, change = image_pose.guide_tip, DOUBT * certainty, 0.0
    else:
        tip, change = image_pose.guide_tip + difference * axis, sight.std_mm_of(end) ** 2 - along
        certainty = min(end.probability, MOST_CERTAIN)
    covariance = None
    if image_pose.guide_tip_covariance is not None:
        covariance = image_pose.guide_tip_covariance + change * np.outer(axis, axis)
    return replace(
        image_pose,
        guide_tip=tip,
        guide_tip_covariance=covariance,
        confidence=certainty * of_needle,
        guide_confidence=certainty,
    )


def _finite(covariance: Array | None) -> Array:
    """(3, 3) mm2 with a large variance for an infinite one."""
    if covariance is None:
        return np.eye(3) * DEFAULT_STD_MM**2
    unknown = np.isinf(np.diagonal(covariance))
    result = np.where(unknown[:, None] | unknown, 0.0, covariance)
    return result + np.diag(np.where(unknown, UNKNOWN_VARIANCE, 0.0))
