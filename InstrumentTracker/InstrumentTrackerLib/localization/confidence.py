"""How sure is it that there is a guide?"""

from __future__ import annotations

import numpy as np

from InstrumentTrackerLib.localization.guide_tip import GuideTip

# Below this the frame counts as one without instrument.
REFUSE_BELOW = 0.5
# Each piece of evidence is bounded, so that a single strong edge (gas, bladder) cannot make a guide.
SCORE_LIMITS, GEL_LIMITS, CAP_LIMITS, LEVEL_LIMITS = (0.0, 1.2), (-0.3, 1.5), (-0.5, 1.5), (-3.0, -0.5)
# Logistic regression on right and wrong candidates of simulated frames with and without instrument.
SCORE_WEIGHT, GEL_WEIGHT, CAP_WEIGHT, LEVEL_WEIGHT, BIAS = 8.3, 5.8, 4.7, -1.9, -17.6
LEVEL_FLOOR = 0.03


def guide_confidence(row_score: float, tip: GuideTip) -> float:
    """0..1 from the evidence along the bar and at its tip.

    Parameters
    ----------
    row_score
        Mean evidence per row along the bar.
    """
    level = float(np.log(tip.cap_level + LEVEL_FLOOR))
    total = (
        SCORE_WEIGHT * np.clip(row_score, *SCORE_LIMITS)
        + GEL_WEIGHT * np.clip(tip.gel_step, *GEL_LIMITS)
        + CAP_WEIGHT * np.clip(tip.cap_step, *CAP_LIMITS)
        + LEVEL_WEIGHT * np.clip(level, *LEVEL_LIMITS)
        + BIAS
    )
    return float(1.0 / (1.0 + np.exp(-np.clip(total, -30.0, 30.0))))
