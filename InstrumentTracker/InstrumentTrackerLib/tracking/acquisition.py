"""When something that is seen is taken for the instrument."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.geometry import angle_deg

from InstrumentTrackerLib.localization.instrument_pose import MIN_CONFIDENCE, InstrumentPose
from InstrumentTrackerLib.tracking.rules import (
    AGREEMENT_DEG,
    AGREEMENT_MM,
    AHEAD_MM,
    CONVINCING_MS,
    HELD_MS,
    PAIR_DOUBT,
    SAME_PLACE_MM,
    SIGHTS_ELSEWHERE,
    SURE_CONFIDENCE,
    UNSHOWN_SIGHTS,
)

Array = NDArray[np.float64]


class Acquisition:
    """Counts sights in a row that agree, and pairs of them; the rules stand in ``tracking/rules.py``."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing was ever seen."""
        self._sights = 0
        self._lasted_ms = 0.0
        self._latest: InstrumentPose | None = None
        self._is_current = False
        self._since_ms = 0.0
        self._n_unshown = 0
        self._is_pair = False
        self._was_followed = False
        self._lost_at: Array | None = None

    def lose(self, last_tip: Array | None) -> None:
        """What was followed is lost; ``last_tip`` is its guide tip, None where it was never confirmed."""
        self._was_followed = True
        self._lost_at = last_tip

    def forget_place(self) -> None:
        """After a pause it may be anywhere; sights before and after it may still agree."""
        self._was_followed = False
        self._lost_at = None

    def see(self, sight: InstrumentPose | None, seconds: float) -> None:
        """Take the sight of a picture, weak or not, None without one; ``seconds`` after the previous picture."""
        agrees = sight is not None and _agree(self._latest, sight)
        if sight is not None:
            before = self._n_unshown if agrees else 0
            self._n_unshown = before + 1 if sight.is_unshown else 0
        # The first of them may agree with a picture's.
        is_enough = self._n_unshown <= 1 or self._n_unshown >= UNSHOWN_SIGHTS
        self._is_pair = agrees and is_enough and _doubt(self._latest) * _doubt(sight) <= PAIR_DOUBT
        if sight is None or sight.certainty_of_guide < MIN_CONFIDENCE:
            self._sights, self._lasted_ms = 0, 0.0
        elif agrees and self._sights:
            self._sights += 1
            self._lasted_ms += 1000 * seconds
        else:
            self._sights, self._lasted_ms = 1, 0.0
        self._is_current = sight is not None
        self._since_ms = 0.0 if self._is_current else self._since_ms + 1000 * seconds
        if self._is_current or self._since_ms > HELD_MS:
            self._latest = sight

    @property
    def is_complete(self) -> bool:
        """Whether the sight of the newest picture is to be followed."""
        if not self._is_current or self._latest is None or self._latest.guide_tip is None:
            return False
        is_same_place = self._lost_at is not None and (
            float(np.linalg.norm(self._latest.guide_tip - self._lost_at)) <= SAME_PLACE_MM
        )
        if self._lost_at is not None and not is_same_place:
            return self._sights >= SIGHTS_ELSEWHERE
        is_sure = self._latest.certainty_of_guide >= SURE_CONFIDENCE and (is_same_place or not self._was_followed)
        return is_sure or self._is_pair

    @property
    def is_confirmed(self) -> bool:
        """Whether more than one sight stands for it."""
        return self._is_pair

    @property
    def is_convincing(self) -> bool:
        """Whether it outweighs a place where the instrument is only predicted."""
        return self._sights >= SIGHTS_ELSEWHERE and self._lasted_ms >= CONVINCING_MS


def _doubt(sight: InstrumentPose | None) -> float:
    return 1.0 if sight is None else 1.0 - sight.certainty_of_guide


def _agree(first: InstrumentPose | None, second: InstrumentPose) -> bool:
    if first is None or first.guide_tip is None or second.guide_tip is None or first.axis is None:
        return False
    if second.axis is None:
        return False
    way = second.guide_tip - first.guide_tip
    ahead = float(np.clip(way @ first.axis, 0.0, AHEAD_MM))
    if float(np.linalg.norm(way - ahead * first.axis)) > AGREEMENT_MM:
        return False
    return angle_deg(first.axis, second.axis) <= AGREEMENT_DEG
