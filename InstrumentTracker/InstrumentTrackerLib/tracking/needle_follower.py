"""Follows the needle tip while the guide is followed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.tracking.guide_filter import GuideFilter
from InstrumentTrackerLib.tracking.known_directions import KnownDirections
from InstrumentTrackerLib.tracking.motion_filter import MotionFilter, Unrest
from InstrumentTrackerLib.tracking.rules import (
    AGREEMENT_MM,
    MAX_THROW_MM,
    MIN_THROW_MM,
    NEEDLE_PAIR_DOUBT,
    PREDICTION_MS,
    WITHDRAWN_MS,
    WITHDRAWN_PICTURES,
)

Array = NDArray[np.float64]

# A hand pushes the needle through its guide; across, the tissue holds it.
NEEDLE_HAND = Unrest((80.0, 40.0), (5.0, 3.0), (16.0, 8.0), 0.1)
# A needle comes out of its guide near the axis: within this distance, growing with its reach.
OFF_AXIS_MM, OFF_AXIS_SLOPE = 4.0, 0.15
# Nearer to the guide tip the cap (5 mm) hides the needle, or leaves too little of it (3 mm) to be found.
HIDDEN_DEPTH_MM = 8.5
# A void that ends no farther out is the cap's own (measured to 0.6 mm): the needle is in its guide.
INSIDE_DEPTH_MM = CAP_REACH_MM + 1.5
# A bent needle moves sideways as it jumps along its guide, by less than this, growing with the jump.
JUMP_ACROSS_MM, JUMP_ACROSS_SLOPE = 3.0, 0.15


@dataclass(frozen=True)
class NeedleSight:
    """What a picture says of the needle.

    Attributes
    ----------
    is_measured
        Whether the tip to be reported (the needle's if known, else the guide's) was measured.
    agreement
        0 to 1, how well it fits what was expected.
    contradicts
        A needle was seen where it cannot be believed yet.
    was_fired
        This picture confirmed a shot.
    assumed
        Tip and covariance after a shot that waits for its second sight, also in one picture that does not show it.
    """

    is_measured: bool
    agreement: float = 1.0
    contradicts: bool = False
    was_fired: bool = False
    assumed: tuple[Array, Array] | None = None


class NeedleFollower:
    """The tip's filter, and a first sight that waits for a second; the rules stand in ``tracking/rules.py``."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.filter: MotionFilter | None = None
        self._waiting: InstrumentPose | None = None
        self._shot: tuple[Array, Array] | None = None
        self._unseen_s = 0.0
        self._empty_s, self._empty_pictures = 0.0, 0
        self._fired_depth: float | None = None

    @property
    def has_fired(self) -> bool:
        """The needle was fired and not pulled back since."""
        return self._fired_depth is not None

    @property
    def unseen_ms(self) -> float:
        """Since the needle was measured last."""
        return 1000 * self._unseen_s

    @property
    def is_lost(self) -> bool:
        """It was out, and for too long nothing tells whether it still is."""
        return self.filter is not None and self.unseen_ms > PREDICTION_MS

    @property
    def seen_once(self) -> Array | None:
        """Tip of a needle that waits for its second sight; None while none does, or one is followed."""
        return None if self.filter is not None or self._waiting is None else self._waiting.needle_tip

    def predict(self, seconds: float, axis: Array) -> None:
        if self.filter is not None:
            self.filter.predict(seconds, axis)

    def halt(self, seconds: float) -> NeedleSight:
        """Let it come to rest while not even the guide is seen."""
        shot, self._shot = self._shot, None
        if self.filter is not None:
            self._unseen_s += seconds
            self.filter.halt(seconds)
        return NeedleSight(False, contradicts=shot is not None, assumed=shot)

    def carry(self, predicted: GuideFilter, guide: GuideFilter) -> None:
        """Move along with what a picture changed about the guide."""
        if self.filter is not None:
            depth = float((self.filter.position - predicted.tip) @ predicted.axis)
            displacement = guide.point_at(depth) - predicted.point_at(depth)
            self.filter.carry(displacement, guide.velocity_at(depth) - predicted.velocity_at(depth))

    def follow(
        self,
        sight: InstrumentPose,
        guide: GuideFilter,
        seconds: float,
        at_once: bool,
        is_reliable: bool,
    ) -> NeedleSight:
        """Take what was measured, with or without a needle tip, in a picture in which the guide was.

        Parameters
        ----------
        guide
            Already updated with this picture.
        at_once
            Take a first sight without a second one.
        is_reliable
            Whether the picture can be believed; in one that cannot, a needle may be out and not seen.
        """
        tip, covariance = sight.needle_tip, sight.needle_tip_covariance
        shot, self._shot = self._shot, None
        if self.filter is None and not guide.is_resting and not at_once:
            tip = None
        if tip is None and shot is not None:
            # What a picture does not show may still be where the one before showed it, and is no longer where it was.
            unseen = self._unseen(guide, seconds, is_reliable, contradicts=True)
            return unseen if unseen.is_measured else replace(unseen, assumed=shot)
        if tip is None or not _is_on_line(tip, covariance, guide):
            self._waiting = None
            return self._unseen(guide, seconds, is_reliable, contradicts=tip is not None)
        measured = KnownDirections.of(covariance)
        is_second = self._is_second_sight(tip, sight.confidence)
        if self.filter is not None and not is_second:
            agreement = self.filter.agreement(tip, measured, guide.axis)
            if agreement is not None:
                self.filter.update(tip, measured)
                return self._seen(guide, agreement)
        jump = self._jump_along(tip, measured, guide)
        if at_once or (is_second and jump is not None):
            return self._start(tip, measured, guide)
        self._waiting = sight
        unseen = self._unseen(guide, seconds, is_reliable, contradicts=True)
        if self.filter is not None and not self.is_lost and jump is not None and jump >= MIN_THROW_MM:
            self._shot = tip, measured.covariance
            return replace(unseen, assumed=self._shot)
        return unseen

    def _is_second_sight(self, tip: Array, confidence: float) -> bool:
        """Whether it agrees with one that waits, and better than with what is followed.

        Where nothing is followed, what both leave of doubt counts, too.
        """
        if self._waiting is None or self._waiting.needle_tip is None:
            return False
        away = float(np.linalg.norm(tip - self._waiting.needle_tip))
        if self.filter is None:
            doubt = (1 - self._waiting.confidence) * (1 - confidence)
            return away <= AGREEMENT_MM and doubt <= NEEDLE_PAIR_DOUBT
        return away <= min(AGREEMENT_MM, float(np.linalg.norm(tip - self.filter.position)))

    def _start(self, tip: Array, measured: KnownDirections, guide: GuideFilter) -> NeedleSight:
        jump = 0.0 if self.filter is None else float((tip - self.filter.position) @ guide.axis)
        depth = float((tip - guide.tip) @ guide.axis)
        # After a shot, as when it comes into sight, the needle rests in its guide.
        self.filter = MotionFilter(tip, measured, NEEDLE_HAND, guide.velocity_at(depth))
        if jump >= MIN_THROW_MM:
            self._fired_depth = depth
        sight = self._seen(guide, 1.0)
        return NeedleSight(sight.is_measured, was_fired=jump >= MIN_THROW_MM)

    def _seen(self, guide: GuideFilter, agreement: float) -> NeedleSight:
        self._waiting = None
        self._unseen_s = 0.0
        self._empty_s, self._empty_pictures = 0.0, 0
        if self._depth(guide) < INSIDE_DEPTH_MM:
            self.reset()
        elif self._fired_depth is not None and self._depth(guide) < self._fired_depth - MIN_THROW_MM:
            self._fired_depth = None
        return NeedleSight(True, agreement)

    def _unseen(self, guide: GuideFilter, seconds: float, is_reliable: bool, contradicts: bool) -> NeedleSight:
        if self.filter is None:
            return NeedleSight(True)
        self._unseen_s += seconds
        if is_reliable:
            self._empty_s, self._empty_pictures = self._empty_s + seconds, self._empty_pictures + 1
        was_entering = not contradicts and self._depth(guide) <= HIDDEN_DEPTH_MM
        was_drawn_in = 1000 * self._empty_s >= WITHDRAWN_MS and self._empty_pictures >= WITHDRAWN_PICTURES
        if was_entering or was_drawn_in:
            waiting = self._waiting
            self.reset()
            self._waiting = waiting
            return NeedleSight(True)
        self.filter.ride(guide.velocity_at(self._depth(guide)))
        return NeedleSight(False, contradicts=contradicts)

    def _depth(self, guide: GuideFilter) -> float:
        return 0.0 if self.filter is None else float((self.filter.position - guide.tip) @ guide.axis)

    def _jump_along(self, tip: Array, measured: KnownDirections, guide: GuideFilter) -> float | None:
        """mm fired or (negative) pulled back, along the axis and not across it; None if it cannot have been."""
        if self.filter is None:
            return 0.0
        jump = tip - self.filter.position
        along = float(jump @ guide.axis)
        across = measured.known @ (jump - along * guide.axis)
        if along > MAX_THROW_MM or np.linalg.norm(across) > JUMP_ACROSS_MM + JUMP_ACROSS_SLOPE * abs(along):
            return None
        return along


def _is_on_line(tip: Array, covariance: Array | None, guide: GuideFilter) -> bool:
    """Whether a needle can be there: beyond the guide tip, near its axis where that is known."""
    offset = tip - guide.tip
    depth = float(offset @ guide.axis)
    across = KnownDirections.of(covariance).known @ (offset - depth * guide.axis)
    return depth > 0 and float(np.linalg.norm(across)) <= OFF_AXIS_MM + OFF_AXIS_SLOPE * depth
