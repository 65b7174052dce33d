"""Poses of an instrument whose course is known, for the tracker's tests."""

from __future__ import annotations

import numpy as np
from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose
from InstrumentTrackerLib.tracking.tracker import Tracker

# R = 32 of one slice, the usual 3 slices at R = 16, R = 8 of five slices.
INTERVALS_S = (0.036, 0.22, 0.73)
AXIS = np.array([0.1, 0.6, 0.79])
AXIS = AXIS / np.linalg.norm(AXIS)
ACROSS = np.cross(AXIS, [1.0, 0.0, 0.0])
ACROSS = ACROSS / np.linalg.norm(ACROSS)
COVARIANCE = np.eye(3) * 0.6**2


class Course:
    """Hands poses to a tracker, one per frame interval."""

    def __init__(self, interval_s: float = 0.22) -> None:
        self.tracker = Tracker()
        self.interval_s = interval_s
        self.index = -1

    def see(
        self,
        tip=(0.0, 0.0, 0.0),
        needle_mm=None,
        axis=AXIS,
        confidence=0.95,
        covariance=COVARIANCE,
        aside_mm=0.0,
        is_reliable=True,
        guide_confidence=None,
    ) -> TrackedPose:
        """A guide, and a needle that reaches ``needle_mm`` beyond it, ``aside_mm`` beside its axis."""
        self.index += 1
        tip = np.asarray(tip, dtype=float)
        needle = None if needle_mm is None else tip + needle_mm * axis + aside_mm * ACROSS
        pose = InstrumentPose(
            guide_tip=tip,
            needle_tip=needle,
            axis=axis,
            confidence=confidence,
            guide_tip_covariance=covariance,
            needle_tip_covariance=None if needle is None else covariance,
            index=self.index,
            time_s=100.0 + self.index * self.interval_s,
            guide_confidence=guide_confidence,
        )
        return self.tracker.update(pose, is_reliable)

    def see_nothing(self, confidence=0.05, is_reliable=True) -> TrackedPose:
        self.index += 1
        time_s = 100.0 + self.index * self.interval_s
        return self.tracker.update(InstrumentPose(confidence=confidence, index=self.index, time_s=time_s), is_reliable)

    def miss(self) -> TrackedPose:
        """The samples say that the guide has left."""
        self.index += 1
        time_s = 100.0 + self.index * self.interval_s
        return self.tracker.update(InstrumentPose(index=self.index, time_s=time_s, has_left=True))

    def rest(self, frames=6, **where) -> TrackedPose:
        for _ in range(frames):
            tracked = self.see(**where)
        return tracked


def turned(degrees: float) -> np.ndarray:
    """The axis, pivoted."""
    return np.cos(np.deg2rad(degrees)) * AXIS + np.sin(np.deg2rad(degrees)) * ACROSS
