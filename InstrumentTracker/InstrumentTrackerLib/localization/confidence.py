"""How sure is it that there is a guide?"""

from __future__ import annotations

import math

# Below this the frame counts as one without instrument.
REFUSE_BELOW = 0.5


def guide_confidence(row_score: float, run: float, gel_step: float, cap_step: float) -> float:
    """0..1 from the evidence along the bar and at its tip."""
    total = 4.0 * (run - 0.35) + 3.0 * (gel_step - 0.45) + 1.0 * (cap_step - 0.3) + 3.0 * (row_score - 0.55)
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))
