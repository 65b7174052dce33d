"""How the patient's tissue moves: breathing, pushed prostate, slow drift, bowel gas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TissueMotion:
    """A sum of smooth displacement fields, each with its own course in time.

    Attributes
    ----------
    prostate
        Center of the prostate, mm RAS.
    push_direction
        Unit vector along which the instrument pushes the prostate.
    drift_direction
        Unit vector of the prostate's slow drift.
    breathing_mm, breathing_period_s, breathing_phase
        Amplitude at the abdominal wall, length and start of a breath.
    drift_mm, drift_period_s
        Slow displacement of the prostate (bladder filling, relaxing muscle).
    gas_center, gas_mm, gas_time_s
        A gas bubble swells by ``gas_mm`` around ``gas_time_s``.
    """

    prostate: NDArray[np.float64]
    push_direction: NDArray[np.float64]
    drift_direction: NDArray[np.float64]
    breathing_mm: float
    breathing_period_s: float
    breathing_phase: float
    drift_mm: float
    drift_period_s: float
    gas_center: NDArray[np.float64]
    gas_mm: float
    gas_time_s: float

    @classmethod
    def random(
        cls,
        generator: np.random.Generator,
        prostate: NDArray[np.float64],
        push_direction: NDArray[np.float64],
        series_duration_s: float,
    ) -> TissueMotion:
        drift = generator.standard_normal(3)
        return cls(
            prostate=prostate,
            push_direction=push_direction,
            drift_direction=drift / np.linalg.norm(drift),
            breathing_mm=generator.uniform(2.0, 5.0),
            breathing_period_s=generator.uniform(3.2, 5.0),
            breathing_phase=generator.uniform(0, 2 * np.pi),
            drift_mm=generator.uniform(0.8, 2.0),
            drift_period_s=generator.uniform(25.0, 60.0),
            gas_center=prostate + np.array([generator.uniform(-5, 5), -40.0, generator.uniform(15, 45)]),
            gas_mm=generator.uniform(0.5, 3.0),
            gas_time_s=generator.uniform(0.2, 0.8) * series_duration_s,
        )

    def fields(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Displacement of points (..., 3) per unit amplitude: (mode, ..., 3), mm RAS.

        Modes in the order of :meth:`amplitudes`: breathing, push, drift, gas.
        """
        relative = points - self.prostate
        height = (0.55 * relative[..., 1] + 0.65 * relative[..., 2] + 35.0) / 150.0
        abdomen = np.clip(height, 0, 1) ** 2 * (3 - 2 * np.clip(height, 0, 1))
        breathing = (0.06 + abdomen)[..., None] * np.array([0.0, 0.75, -0.65])
        near = np.exp(-(relative**2).sum(axis=-1) / (2 * 26.0**2))[..., None]
        from_gas = points - self.gas_center
        swelling = from_gas / 16.0 * np.exp(0.5 - (from_gas**2).sum(axis=-1) / (2 * 16.0**2))[..., None]
        return np.stack([breathing, near * self.push_direction, near * self.drift_direction, swelling]).astype(
            np.float32
        )

    def amplitudes(self, time_s: float, push_mm: float) -> NDArray[np.float32]:
        """Amplitudes of the modes at a time, mm; ``push_mm`` is what the instrument contributes."""
        breath = np.sin(np.pi * time_s / self.breathing_period_s + self.breathing_phase) ** 4
        drift = np.sin(2 * np.pi * time_s / self.drift_period_s + self.breathing_phase)
        gas = 1.0 / (1.0 + np.exp(-np.clip((time_s - self.gas_time_s) / 0.15, -30, 30)))
        return np.array(
            [self.breathing_mm * breath, push_mm, self.drift_mm * drift, self.gas_mm * gas], dtype=np.float32
        )
