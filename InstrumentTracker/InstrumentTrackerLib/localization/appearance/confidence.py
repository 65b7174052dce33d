"""How sure is it that there is a guide?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.axis_refinement import AxisFit
from InstrumentTrackerLib.localization.appearance.guide_tip import GuideTip
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

# Below this the frame counts as one without instrument.
REFUSE_BELOW = 0.5
# Each piece of evidence is bounded, so that a single strong edge (gas, bladder) cannot make a guide.
SCORE_LIMITS, SHAFT_LIMITS, GEL_LIMITS, CAP_LIMITS = (0.0, 1.2), (0.0, 0.8), (-0.3, 1.5), (-0.5, 1.5)
LEVEL_LIMITS = (-3.0, -0.5)
# Logistic regression on right and wrong candidates of simulated frames with and without instrument, the weights of
# shaft, direction and place given (simulated tissue has fewer straight look-alikes than patients).
SCORE_WEIGHT, SHAFT_WEIGHT, GEL_WEIGHT, CAP_WEIGHT, LEVEL_WEIGHT, BIAS = 4.0, 4.0, 3.9, 2.95, -3.1, -15.9
LEVEL_FLOOR = 0.03
# The shaft farther back, mm before the tip; look-alikes are rarely straight for so long.
SHAFT_MM = (45.0, 75.0)
MIN_SHAFT_ROWS = 8
UNKNOWN_SHAFT = 0.35
# Guides deviate less than this from the mean direction, and end nearer than this to the middle of the image; beyond,
# doubt grows per degree and per mm.
USUAL_DEG, DOUBT_PER_DEG = 30.0, 0.1
USUAL_MM, DOUBT_PER_MM = 60.0, 0.07


def guide_confidence(
    plane: ImagePlane, fit: AxisFit, tip: GuideTip, along: NDArray[np.float64], evidence: NDArray[np.float64]
) -> float:
    """0..1 from the evidence along the bar and at its tip, its direction and its place.

    Parameters
    ----------
    along, evidence
        mm on the line inside the image, and the evidence of a guide in each row.
    """
    far = evidence[(along > tip.along - SHAFT_MM[1]) & (along < tip.along - SHAFT_MM[0])]
    shaft = float(far.mean()) if far.size >= MIN_SHAFT_ROWS else UNKNOWN_SHAFT
    level = float(np.log(tip.cap_level + LEVEL_FLOOR))
    deviation = float(np.degrees(np.arccos(np.clip(fit.line.direction @ plane.inward, -1, 1))))
    distance = float(np.linalg.norm(fit.line.point(tip.along)))
    total = (
        SCORE_WEIGHT * np.clip(fit.score, *SCORE_LIMITS)
        + SHAFT_WEIGHT * np.clip(shaft, *SHAFT_LIMITS)
        + GEL_WEIGHT * np.clip(tip.gel_step, *GEL_LIMITS)
        + CAP_WEIGHT * np.clip(tip.cap_step, *CAP_LIMITS)
        + LEVEL_WEIGHT * np.clip(level, *LEVEL_LIMITS)
        + BIAS
        - DOUBT_PER_DEG * max(0.0, deviation - USUAL_DEG)
        - DOUBT_PER_MM * max(0.0, distance - USUAL_MM)
    )
    return _logistic(total)


def with_prior(confidence: float, log_odds: float) -> float:
    """Confidence after knowledge worth ``log_odds``, for example that it was there in the frame before."""
    bounded = min(max(confidence, 1e-9), 1 - 1e-9)
    return _logistic(float(np.log(bounded / (1 - bounded))) + log_odds)


def _logistic(total: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(total, -30.0, 30.0))))
