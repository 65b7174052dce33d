"""One pose from the picture's and the samples': their needle tips weighed by covariance, or one of them chosen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from InstrumentTrackerLib.localization.instrument_pose import DEFAULT_STD_MM, UNKNOWN_VARIANCE, InstrumentPose
from InstrumentTrackerLib.localization.samples.sample_pose import SamplePose

# 99.9 % of measurements of the same tip lie within this squared Mahalanobis distance of each other.
GATE = float(chi2.ppf(0.999, 3))
# Against a contradicting picture the samples must say their tip is a thousand times likelier than the picture's.
DECISIVE_LOG_RATIO = math.log(1000.0)
# From this confidence on the samples need no picture.
SURE = 0.9
# A picture that the samples contradict without a decision counts for so much less.
DOUBT = 0.5

Array = NDArray[np.float64]


def fuse(image_pose: InstrumentPose, sample_pose: SamplePose | None) -> InstrumentPose:
    """Combine what the picture and the samples of one frame say; guide and axis are the picture's.

    - Only one of them has a needle tip: it is taken, with the lower confidence if the picture shows a guide. A needle
      that the picture does not show must be ``SURE`` in the samples: tissue changes too.
    - They agree (gate of 99.9 %): weighted by the inverse covariances; the higher confidence, at most the guide's.
    - They contradict each other, and the samples are decisive against the picture's tip: the samples' tip, the lower
      confidence. A fired needle is so: pictures made of few lines still show the old tip.
    - They contradict each other otherwise: the picture's tip at half its confidence.

    Source of the weighting: Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation
    (2001), chapter 8. The two share noise, so that the fused covariance is a little too small.
    """
    if sample_pose is None or sample_pose.needle_tip is None:
        return image_pose
    if not image_pose.is_present:
        return InstrumentPose(
            needle_tip=sample_pose.needle_tip,
            axis=sample_pose.axis,
            confidence=sample_pose.confidence,
            needle_tip_covariance=sample_pose.needle_tip_covariance,
            index=image_pose.index,
            time_s=image_pose.time_s,
        )
    # Whatever is found out about the needle, the guide stays as certain as the picture shows it.
    image_pose = replace(image_pose, guide_confidence=image_pose.certainty_of_guide)
    lower = min(image_pose.confidence, sample_pose.confidence)
    samples_alone = replace(
        image_pose,
        needle_tip=sample_pose.needle_tip,
        needle_tip_covariance=sample_pose.needle_tip_covariance,
        confidence=lower,
    )
    if image_pose.needle_tip is None:
        return samples_alone if sample_pose.confidence >= SURE else image_pose
    first, second = _finite(image_pose.needle_tip_covariance), _finite(sample_pose.needle_tip_covariance)
    difference = sample_pose.needle_tip - image_pose.needle_tip
    gain = np.linalg.solve(first + second, first).T
    if float(difference @ np.linalg.solve(first + second, difference)) <= GATE:
        covariance = first - gain @ first
        return replace(
            image_pose,
            needle_tip=image_pose.needle_tip + gain @ difference,
            needle_tip_covariance=(covariance + covariance.T) / 2,
            confidence=min(max(image_pose.confidence, sample_pose.confidence), image_pose.certainty_of_guide),
        )
    if sample_pose.log_ratio(image_pose.needle_tip) >= DECISIVE_LOG_RATIO:
        return samples_alone
    return replace(image_pose, confidence=DOUBT * image_pose.confidence)


def _finite(covariance: Array | None) -> Array:
    """(3, 3) mm2 with a large variance for an infinite one."""
    if covariance is None:
        return np.eye(3) * DEFAULT_STD_MM**2
    unknown = np.isinf(np.diagonal(covariance))
    result = np.where(unknown[:, None] | unknown, 0.0, covariance)
    return result + np.diag(np.where(unknown, UNKNOWN_VARIANCE, 0.0))
