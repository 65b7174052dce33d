"""Kalman filter of one point that is held or moved by a hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from InstrumentTrackerLib.tracking.known_directions import UNKNOWN_FROM, KnownDirections

Array = NDArray[np.float64]

# Squared Mahalanobis distance within which 99.9 % (the gate) and 95 % (expected) lie, by number of coordinates.
GATE = [0.0, *(float(chi2.ppf(0.999, n)) for n in (1, 2, 3))]
EXPECTED = [0.0, *(float(chi2.ppf(0.95, n)) for n in (1, 2, 3))]
# Model error of the measurements beyond their stated covariance, so that a sharp image does not make the gate a needle.
GATE_SLACK_MM = 1.5
# The point creeps by this much in a second, whatever its velocity.
TREMOR_MM = 0.5
INITIAL_VELOCITY_STD_MM_S = 5.0
# Seconds after which a steady motion changes, and a change is over.
STEADY_FOR_S, CHANGING_FOR_S = 1.0, 0.5
# No hand is faster.
MAX_SPEED_MM_S = 100.0
# A motion that is not seen any more is over after this time, and after this distance: a picture that catches up with
# the instrument looks like a leap, which must not carry the prediction away.
HALT_S, HALT_MM = 0.3, 8.0


@dataclass(frozen=True)
class Unrest:
    """How much a velocity wanders: (along the instrument, across it).

    Attributes
    ----------
    speed_mm_s
        Standard deviation it reaches.
    step_mm
        The same as a limit between two frames: slow frames do not make a hand reach farther.
    farthest_mm
        No measurement farther from what was expected fits, however long the point was not seen.
    memory_s
        In this time the speed is reached.
    """

    speed_mm_s: tuple[float, float]
    step_mm: tuple[float, float]
    farthest_mm: tuple[float, float]
    memory_s: float

    def rate(self, seconds: float, axis: Array) -> Array:
        """(3, 3) covariance of the change of velocity within a frame, (mm/s)2."""
        growth = 1 - np.exp(-2 * seconds / self.memory_s)
        along, across = (
            min(speed, step / seconds) ** 2 * growth for speed, step in zip(self.speed_mm_s, self.step_mm, strict=True)
        )
        projector = np.outer(axis, axis)
        return np.asarray(along * projector + across * (np.eye(3) - projector))


# A resting instrument and one in even motion are the same motion: its velocity stays.
STEADY = Unrest((3.0, 3.0), (1.0, 1.0), (np.inf, np.inf), 1.0)


class MotionFilter:
    """Position (mm, RAS) and velocity (mm/s) under two motions: steady, and changed by a hand.

    Both keep the velocity, so that an even advance is followed without lag; they differ in how much of a change they
    expect. Source: interacting multiple models, Bar-Shalom, Li and Kirubarajan, Estimation with Applications to
    Tracking and Navigation (2001), chapter 11.6.

    Parameters
    ----------
    position, measured
        First measurement, mm, and what it knows.
    hand
        What a hand can do to this point.
    velocity
        mm/s, where it is known.
    """

    def __init__(self, position: Array, measured: KnownDirections, hand: Unrest, velocity: Array | None = None) -> None:
        self._unrests = (STEADY, hand)
        state = np.concatenate([position, np.zeros(3) if velocity is None else velocity])
        covariance = np.zeros((6, 6))
        covariance[:3, :3] = measured.covariance
        covariance[3:, 3:] = np.eye(3) * INITIAL_VELOCITY_STD_MM_S**2
        self._states = np.stack([state, state])
        self._covariances = np.stack([covariance, covariance])
        self._weights = np.array([0.5, 0.5])
        self._seen_at = self.position

    @property
    def position(self) -> Array:
        return np.asarray(self._weights @ self._states[:, :3])

    @property
    def velocity(self) -> Array:
        return np.asarray(self._weights @ self._states[:, 3:])

    @property
    def covariance(self) -> Array:
        """(3, 3) mm2 of the position."""
        return self._mixed(self._weights)[1][:3, :3]

    def predict(self, seconds: float, axis: Array) -> None:
        """Move ahead in time; ``axis`` is the instrument's direction."""
        leaves = 1 - np.exp(-seconds / np.array([STEADY_FOR_S, CHANGING_FOR_S]))
        switch = np.array([[1 - leaves[0], leaves[0]], [leaves[1], 1 - leaves[1]]])
        weights = self._weights @ switch
        mixed = [self._mixed(self._weights * switch[:, model] / weights[model]) for model in range(2)]
        transition = np.eye(6)
        transition[:3, 3:] = seconds * np.eye(3)
        for model, ((state, covariance), unrest) in enumerate(zip(mixed, self._unrests, strict=True)):
            rate = unrest.rate(seconds, axis)
            noise = np.block([[rate * seconds**2 / 3, rate * seconds / 2], [rate * seconds / 2, rate]])
            noise[:3, :3] += np.eye(3) * TREMOR_MM**2 * seconds
            self._states[model] = transition @ state
            self._covariances[model] = transition @ covariance @ transition.T + noise
        self._weights = weights

    def agreement(self, position: Array, measured: KnownDirections, axis: Array) -> float | None:
        """1 where a measurement is as expected, falling to 0 at the border of the gate, None beyond it."""
        n = len(measured.known)
        away = measured.known.T @ (measured.known @ (position - self.position))
        along = float(away @ axis)
        farthest = self._unrests[1].farthest_mm
        if abs(along) > farthest[0] or float(np.linalg.norm(away - along * axis)) > farthest[1]:
            return None
        spread = np.diag(measured.variances + GATE_SLACK_MM**2)
        squared = np.inf
        for state, covariance in zip(self._states, self._covariances, strict=True):
            innovation = measured.known @ (position - state[:3])
            inside = measured.known @ covariance[:3, :3] @ measured.known.T + spread
            squared = min(squared, float(innovation @ np.linalg.solve(inside, innovation)))
        if squared > GATE[n]:
            return None
        beyond = (np.sqrt(squared) - np.sqrt(EXPECTED[n])) / max(np.sqrt(GATE[n]) - np.sqrt(EXPECTED[n]), 1e-9)
        return float(1 - np.clip(beyond, 0, 1))

    def update(self, position: Array, measured: KnownDirections) -> None:
        """Take a measurement in the directions that it knows (Joseph form: stays symmetric and positive)."""
        observe = np.concatenate([measured.known, np.zeros_like(measured.known)], axis=1)
        noise = np.diag(measured.variances)
        logs = np.log(np.maximum(self._weights, 1e-12))
        for model in range(2):
            state, covariance = self._states[model], self._covariances[model]
            innovation = measured.known @ (position - state[:3])
            inside = observe @ covariance @ observe.T + noise
            gain = np.linalg.solve(inside, observe @ covariance).T
            keep = np.eye(6) - gain @ observe
            self._states[model] = state + gain @ innovation
            self._covariances[model] = keep @ covariance @ keep.T + gain @ noise @ gain.T
            logs[model] -= 0.5 * (innovation @ np.linalg.solve(inside, innovation) + np.linalg.slogdet(inside)[1])
        weights = np.exp(logs - logs.max())
        self._weights = weights / weights.sum()
        self._draw_in_plane(position, measured.unknown)
        speeds = np.linalg.norm(self._states[:, 3:], axis=1, keepdims=True)
        self._states[:, 3:] *= np.minimum(1.0, MAX_SPEED_MM_S / np.maximum(speeds, 1e-9))
        self._seen_at = self.position

    def halt(self, seconds: float) -> None:
        """Let the velocity fade while the point is not seen."""
        fade = np.ones(6)
        fade[3:] = np.exp(-seconds / HALT_S)
        self._states *= fade
        self._covariances *= np.outer(fade, fade)
        drift = self.position - self._seen_at
        distance = float(np.linalg.norm(drift))
        if distance > HALT_MM:
            self._states[:, :3] -= (1 - HALT_MM / distance) * drift
            self._states[:, 3:] = 0.0

    def carry(self, displacement: Array, velocity_change: Array) -> None:
        """Take part in what was learned of the motion of its carrier."""
        self._states[:, :3] += displacement
        self._states[:, 3:] += velocity_change
        self._seen_at = self._seen_at + displacement

    def ride(self, velocity: Array) -> None:
        """Take over the velocity of what carries the point."""
        self._states[:, 3:] = velocity

    def _draw_in_plane(self, position: Array, unknown: Array) -> None:
        """Where nothing was ever known, the point lies in the picture in which it is seen."""
        for direction in unknown:
            if direction @ self._covariances[0][:3, :3] @ direction >= UNKNOWN_FROM:
                self._states[:, :3] += np.outer((position - self._states[:, :3]) @ direction, direction)

    def _mixed(self, weights: Array) -> tuple[Array, Array]:
        """Mean and covariance of the mixture of both motions."""
        mean = weights @ self._states
        away = self._states - mean
        covariance = np.einsum("m,mij->ij", weights, self._covariances) + (away.T * weights) @ away
        return mean, covariance
