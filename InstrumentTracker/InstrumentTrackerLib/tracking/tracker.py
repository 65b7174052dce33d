"""Follows the measured pose through time and says what it is worth."""

from __future__ import annotations

from copy import deepcopy

from InstrumentTrackerLib.localization.expected_pose import LastPlace
from InstrumentTrackerLib.localization.instrument_pose import MIN_CONFIDENCE, InstrumentPose, Point
from InstrumentTrackerLib.tracking.acquisition import Acquisition
from InstrumentTrackerLib.tracking.guide_filter import GuideFilter
from InstrumentTrackerLib.tracking.known_directions import KnownDirections
from InstrumentTrackerLib.tracking.motion import Motion, motion_of
from InstrumentTrackerLib.tracking.needle_follower import NeedleFollower, NeedleSight
from InstrumentTrackerLib.tracking.rules import (
    BORDER_CONFIDENCE,
    CONTRADICTED_CONFIDENCE,
    FRAME_INTERVAL_MS,
    LEFT_PICTURES,
    MAX_PAUSE_MS,
    PREDICTION_MS,
    WITHDRAWN_MS,
    WITHDRAWN_PICTURES,
)
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState


class Tracker:
    """Filters of guide and needle with an explicit state; the rules stand in ``tracking/rules.py``.

    The poses it takes and gives are where the pictures show the instrument (artifact tip, not metal).
    """

    def __init__(self) -> None:
        self._needle = NeedleFollower()
        self._acquisition = Acquisition()
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new series, a moved table, another slice plane."""
        self._guide: GuideFilter | None = None
        self._needle.reset()
        self._acquisition.reset()
        self._is_confirmed = False
        self._was_seen = False
        self._contradicted = False
        self._unseen_ms = 0.0
        self._left_pictures = 0
        self._confidence = 0.0
        self._empty_ms, self._empty_pictures = 0.0, 0
        self._last: tuple[int, float] | None = None

    @property
    def is_following(self) -> bool:
        """A guide is tracked or predicted."""
        return self._guide is not None

    @property
    def last_place(self) -> LastPlace | None:
        """Where a needle that is lost is to be looked for; None while none is, and where its guide is lost too."""
        if self._guide is None or self._needle.filter is None or not self._needle.is_lost:
            return None
        return LastPlace(self._guide.tip, self._needle.filter.position, self._guide.axis)

    @property
    def needle_seen_once(self) -> Point | None:
        """Tip (RAS mm) of a needle that waits for its second sight; None while none does, or one is followed."""
        return self._needle.seen_once

    def update(self, pose: InstrumentPose, is_reliable: bool = True) -> TrackedPose:
        """Take the measurement of the next picture.

        Gaps in the index count as time; an index that repeats or steps back begins a new series.

        Parameters
        ----------
        is_reliable
            Whether the picture can be believed. In one that cannot, nothing is known to be absent.
        """
        is_first, seconds = self._step(pose)
        seen = _trusted(pose) if _is_seen(pose) else None
        sight = seen if seen is not None and seen.certainty_of_guide >= MIN_CONFIDENCE else None
        self._left_pictures = 0 if sight is not None else self._left_pictures + pose.has_left
        if sight is not None:
            self._empty_ms, self._empty_pictures = 0.0, 0
        elif is_reliable:
            self._empty_ms, self._empty_pictures = self._empty_ms + 1000 * seconds, self._empty_pictures + 1
        self._acquisition.see(seen, seconds)
        if self._guide is not None:
            self._guide.predict(seconds)
            self._needle.predict(seconds, self._guide.axis)
            agreement = self._agreement(sight)
            if sight is not None and agreement is not None:
                predicted = deepcopy(self._guide)
                self._guide.update(sight)
                self._needle.carry(predicted, self._guide)
                self._is_confirmed = True
                return self._measured(sight, agreement, seconds, False, is_reliable)
            self._contradicted = sight is not None
            self._unseen_ms += 1000 * seconds
            is_over = self._unseen_ms > PREDICTION_MS or self._left_pictures >= LEFT_PICTURES
            is_outweighed = self._contradicted and self._acquisition.is_convincing
            if self._is_confirmed and not is_over and not is_outweighed:
                self._guide.halt(seconds)
                needle = self._needle.halt(seconds)
                confidence = self._fading(contradicted=sight is not None or needle.contradicts)
                return self._report(pose, TrackingState.PREDICTED, confidence, needle)
            self._lose()
        if seen is not None and self._acquisition.is_complete:
            self._guide = GuideFilter(seen)
            self._is_confirmed = self._acquisition.is_confirmed
            # A series may begin, and a single picture consist, of a needle in place.
            return self._measured(seen, 1.0, seconds, is_first, is_reliable)
        return TrackedPose(self._state_without_numbers(is_reliable), index=pose.index, time_s=pose.time_s)

    def _step(self, pose: InstrumentPose) -> tuple[bool, float]:
        """Whether a series begins (or goes on after a pause), and the seconds since the previous pose."""
        if self._last is not None and pose.index <= self._last[0]:
            self.reset()
        last, self._last = self._last, (pose.index, pose.time_s)
        if last is None:
            return True, FRAME_INTERVAL_MS / 1000
        seconds = pose.time_s - last[1]
        if seconds <= 0:
            seconds = (pose.index - last[0]) * FRAME_INTERVAL_MS / 1000
        is_pause = 1000 * seconds > MAX_PAUSE_MS
        if is_pause:
            self._forget_place()
        return is_pause, seconds

    def _agreement(self, sight: InstrumentPose | None) -> float | None:
        """How well a sight fits; what agrees with one that contradicted does not, however long ago that was."""
        if self._guide is None or sight is None or (self._contradicted and self._acquisition.is_confirmed):
            return None
        return self._guide.agreement(sight)

    def _measured(
        self, sight: InstrumentPose, agreement: float, seconds: float, at_once: bool, is_reliable: bool
    ) -> TrackedPose:
        """The guide was taken; the needle decides what the reported tip is worth."""
        if self._guide is None:
            raise ValueError("no guide is followed")
        self._was_seen = True
        self._contradicted = False
        self._unseen_ms = 0.0
        needle = self._needle.follow(sight, self._guide, seconds, at_once, is_reliable)
        if not needle.is_measured:
            confidence = self._fading(needle.contradicts, self._needle.unseen_ms)
            return self._report(sight, TrackingState.PREDICTED, confidence, needle)
        fit = min(agreement, needle.agreement)
        # A needle that waits, or is not believed, is no doubt about the guide, which alone is reported.
        certainty = sight.certainty_of_guide if self._needle.filter is None else sight.confidence
        self._confidence = certainty * (BORDER_CONFIDENCE + (1 - BORDER_CONFIDENCE) * fit)
        return self._report(sight, TrackingState.TRACKED, self._confidence, needle)

    def _fading(self, contradicted: bool, unseen_ms: float | None = None) -> float:
        """Confidence of a prediction."""
        elapsed = self._unseen_ms if unseen_ms is None else unseen_ms
        left = max(0.0, 1 - elapsed / PREDICTION_MS)
        return self._confidence * left * (CONTRADICTED_CONFIDENCE if contradicted else 1.0)

    def _lose(self) -> None:
        self._acquisition.lose(self._guide.tip if self._guide is not None and self._is_confirmed else None)
        self._guide = None
        self._is_confirmed = False
        self._needle.reset()

    def _forget_place(self) -> None:
        self._lose()
        self._acquisition.forget_place()

    def _state_without_numbers(self, is_reliable: bool) -> TrackingState:
        if self._was_seen and self._empty_ms >= WITHDRAWN_MS and self._empty_pictures >= WITHDRAWN_PICTURES:
            self._was_seen = False
            self._acquisition.reset()
        return TrackingState.LOST if self._was_seen or not is_reliable else TrackingState.ABSENT

    def _report(
        self, pose: InstrumentPose, state: TrackingState, confidence: float, needle: NeedleSight | None = None
    ) -> TrackedPose:
        if self._guide is None:
            raise ValueError("no guide is followed")
        if self._needle.is_lost:
            return TrackedPose(TrackingState.LOST, index=pose.index, time_s=pose.time_s)
        follower = self._needle.filter
        position, velocity = (None, None) if follower is None else (follower.position, follower.velocity)
        covariance = self._guide.tip_covariance if follower is None else follower.covariance
        motion = motion_of(self._guide, position, velocity)
        if needle is not None and needle.assumed is not None:
            position, covariance = needle.assumed
        if needle is not None and (needle.was_fired or needle.assumed is not None):
            motion = Motion.FIRING
        return TrackedPose(
            state=state,
            guide_tip=self._guide.tip,
            needle_tip=position,
            axis=self._guide.axis,
            confidence=confidence,
            tip_covariance=covariance,
            axis_covariance=self._guide.axis_covariance,
            motion=motion,
            has_fired=self._needle.has_fired,
            index=pose.index,
            time_s=pose.time_s,
        )


def _is_seen(pose: InstrumentPose) -> bool:
    if pose.guide_tip is None or pose.axis is None:
        return False
    # A tip known in one direction only is no tip.
    return len(KnownDirections.of(pose.guide_tip_covariance).known) >= 2


def _trusted(sight: InstrumentPose) -> InstrumentPose:
    """The sight without a needle that is not to be believed; the guide stays."""
    if sight.needle_tip is None or sight.confidence >= MIN_CONFIDENCE:
        return sight
    return sight.without_needle()
