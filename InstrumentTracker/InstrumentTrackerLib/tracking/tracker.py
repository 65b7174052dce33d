"""Follows the measured pose through time and says what it is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.tracking.needle_follower import NeedleFollower
from InstrumentTrackerLib.tracking.point_filter import PointFilter
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

# Measurements below this confidence are not used.
MIN_CONFIDENCE = 0.5
# A first sight this sure needs no second one.
SURE_CONFIDENCE = 0.9
MAX_PREDICTED_FRAMES = 3
MAX_PREDICTED_S = 0.75
# Without an instrument for this many frames, it counts as withdrawn rather than lost.
WITHDRAWN_FRAMES = 10
# Series without usable times are taken to run at this pace.
FRAME_INTERVAL_S = 0.25
# After a longer pause the past says nothing.
MAX_PAUSE_S = 3.0
AXIS_GAIN = 0.6
MAX_TURN_DEG = 15.0
# Two sights of a jumped guide agree within this distance.
AGREEMENT_MM = 8.0
# Where a localizer states no covariance.
DEFAULT_STD_MM = 1.5

Array = NDArray[np.float64]


class Tracker:
    """Kalman filters of guide tip and needle tip, a smoothed axis, and an explicit state.

    ``tracked``: the reported tip was measured in this frame. ``predicted``: it was not, or what was measured
    contradicts the past and waits for a second sight; at most three frames and 0.75 s, and never on the strength of a
    single sight. ``lost``: longer.
    ``absent``: nothing seen so far, or not for ten frames.
    """

    def __init__(self) -> None:
        self._needle = NeedleFollower()
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new series, a moved table, another slice plane."""
        self._forget_past()
        self._waiting: InstrumentPose | None = None
        self._was_seen = False
        self._missed_frames = 0
        self._missed_s = 0.0
        self._last: tuple[int, float] | None = None

    def update(self, pose: InstrumentPose) -> TrackedPose:
        """Take the measurement of the next frame.

        Gaps in the index count as missed frames; an index that repeats or steps back begins a new series.
        """
        frames, seconds = self._step(pose)
        if self._guide is not None:
            self._guide.predict(seconds)
        self._needle.predict(seconds)
        if self._receive(pose):
            self._missed_frames, self._missed_s = 0, 0.0
            return self._report(pose, self._needle_state(pose))
        self._missed_frames += frames
        self._missed_s += seconds
        if not self._is_confirmed or self._missed_frames > MAX_PREDICTED_FRAMES or self._missed_s > MAX_PREDICTED_S:
            # A pose that waits for confirmation may still be confirmed by the next frame.
            self._forget_past()
        if self._guide is not None:
            return self._report(pose, TrackingState.PREDICTED)
        if self._missed_frames >= WITHDRAWN_FRAMES:
            self._was_seen = False
        state = TrackingState.LOST if self._was_seen else TrackingState.ABSENT
        return TrackedPose(state=state, confidence=pose.confidence, index=pose.index, time_s=pose.time_s)

    def _forget_past(self) -> None:
        self._guide: PointFilter | None = None
        self._axis: Array = np.zeros(3)
        self._is_confirmed = False
        self._needle.reset()

    def _step(self, pose: InstrumentPose) -> tuple[int, float]:
        """Frames and seconds since the previous pose."""
        if self._last is not None and pose.index <= self._last[0]:
            self.reset()
        last, self._last = self._last, (pose.index, pose.time_s)
        self._is_first = last is None
        if last is None:
            return 1, FRAME_INTERVAL_S
        frames = pose.index - last[0]
        seconds = pose.time_s - last[1]
        if seconds <= 0:
            seconds = frames * FRAME_INTERVAL_S
        if seconds > MAX_PAUSE_S:
            self._forget_past()
            self._waiting = None
        return frames, seconds

    def _receive(self, pose: InstrumentPose) -> bool:
        """Take guide and axis; False if there are none to trust, or they contradict the past and have to wait."""
        if not pose.is_present or pose.guide_tip is None or pose.axis is None or pose.confidence < MIN_CONFIDENCE:
            self._waiting = None
            return False
        covariance = _covariance(pose.guide_tip_covariance)
        if (
            self._guide is not None
            and _angle_deg(self._axis, pose.axis) <= MAX_TURN_DEG
            and self._guide.accepts(pose.guide_tip, covariance)
        ):
            self._guide.update(pose.guide_tip, covariance)
            axis = self._axis + AXIS_GAIN * (pose.axis - self._axis)
            self._axis = axis / np.linalg.norm(axis)
            self._is_confirmed = True
        else:
            is_sure_start = self._guide is None and pose.confidence >= SURE_CONFIDENCE
            if not (is_sure_start or self._agrees_with_waiting(pose)):
                self._waiting = pose
                return False
            self._is_confirmed = self._agrees_with_waiting(pose)
            self._guide = PointFilter(pose.guide_tip, covariance)
            self._axis = np.array(pose.axis)
            self._needle.reset()
        self._waiting = None
        self._was_seen = True
        return True

    def _agrees_with_waiting(self, pose: InstrumentPose) -> bool:
        waiting = self._waiting
        if waiting is None or waiting.guide_tip is None or waiting.axis is None:
            return False
        assert pose.guide_tip is not None and pose.axis is not None
        near = float(np.linalg.norm(pose.guide_tip - waiting.guide_tip)) <= AGREEMENT_MM
        return near and _angle_deg(waiting.axis, pose.axis) <= MAX_TURN_DEG

    def _needle_state(self, pose: InstrumentPose) -> TrackingState:
        # A series may begin, and a single picture consist, of a needle in place.
        measured = self._needle.follow(pose.needle_tip, _covariance(pose.needle_tip_covariance), at_once=self._is_first)
        return TrackingState.TRACKED if measured else TrackingState.PREDICTED

    def _report(self, pose: InstrumentPose, state: TrackingState) -> TrackedPose:
        assert self._guide is not None
        needle = self._needle.filter
        return TrackedPose(
            state=state,
            guide_tip=self._guide.position,
            needle_tip=None if needle is None else needle.position,
            axis=self._axis / np.linalg.norm(self._axis),
            confidence=pose.confidence,
            tip_covariance=self._guide.covariance if needle is None else needle.covariance,
            index=pose.index,
            time_s=pose.time_s,
        )


def _covariance(covariance: Array | None) -> Array:
    return np.eye(3) * DEFAULT_STD_MM**2 if covariance is None else covariance


def _angle_deg(first: Array, second: Array) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)))
