"""Kalman filter of one point that moves with nearly constant velocity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Array = NDArray[np.float64]

# 99.9 % of good measurements of three coordinates lie within this squared Mahalanobis distance.
GATE = float(chi2.ppf(0.999, 3))
# Unrest that the motion model does not know: a hand starts and stops within a frame or two.
VELOCITY_NOISE_MM_S = 15.0
POSITION_NOISE_MM = 0.5
# A hand's movement is forgotten over this time.
VELOCITY_DECAY_S = 0.5
INITIAL_VELOCITY_STD_MM_S = 10.0
# Model error of the measurements beyond their stated covariance, so that a sharp image does not make the gate a needle.
GATE_SLACK_MM = 1.5


class PointFilter:
    """Position (mm, RAS) and velocity (mm/s) with covariance.

    Source: Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), chapters
    5 and 6; the velocity decays exponentially (first-order Gauss-Markov).
    """

    def __init__(self, position: Array, covariance: Array) -> None:
        self._state = np.concatenate([position, np.zeros(3)])
        self._covariance = np.zeros((6, 6))
        self._covariance[:3, :3] = covariance
        self._covariance[3:, 3:] = np.eye(3) * INITIAL_VELOCITY_STD_MM_S**2

    @property
    def position(self) -> Array:
        return self._state[:3].copy()

    @property
    def velocity(self) -> Array:
        return self._state[3:].copy()

    @property
    def covariance(self) -> Array:
        """(3, 3) mm2 of the position."""
        return self._covariance[:3, :3].copy()

    def predict(self, seconds: float) -> None:
        """Move ahead in time."""
        decay = float(np.exp(-seconds / VELOCITY_DECAY_S))
        transition = np.eye(6)
        transition[:3, 3:] = np.eye(3) * VELOCITY_DECAY_S * (1 - decay)
        transition[3:, 3:] = np.eye(3) * decay
        noise = np.zeros((6, 6))
        speed = VELOCITY_NOISE_MM_S**2 * (1 - decay * decay)
        noise[:3, :3] = np.eye(3) * (POSITION_NOISE_MM**2 + speed * seconds**2 / 3)
        noise[:3, 3:] = noise[3:, :3] = np.eye(3) * speed * seconds / 2
        noise[3:, 3:] = np.eye(3) * speed
        self._state = transition @ self._state
        self._covariance = transition @ self._covariance @ transition.T + noise

    def accepts(self, position: Array, covariance: Array) -> bool:
        """Whether a measurement fits what was expected."""
        difference = position - self._state[:3]
        spread = self._covariance[:3, :3] + covariance + np.eye(3) * GATE_SLACK_MM**2
        return bool(difference @ np.linalg.solve(spread, difference) <= GATE)

    def update(self, position: Array, covariance: Array) -> None:
        """Take a measurement (Joseph form: stays symmetric and positive)."""
        observe = np.zeros((3, 6))
        observe[:, :3] = np.eye(3)
        gain = np.linalg.solve(self._covariance[:3, :3] + covariance, self._covariance[:3]).T
        self._state = self._state + gain @ (position - self._state[:3])
        keep = np.eye(6) - gain @ observe
        self._covariance = keep @ self._covariance @ keep.T + gain @ covariance @ gain.T
