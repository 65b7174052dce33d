"""How far a reconstructed frame can be trusted, from 0 (failed) to 1 (as good as it gets)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from TemporalReconLib.networks.temporal_network import TemporalInput, TemporalOutput

N_FEATURES = 3
# Relative to all samples: below this, what is unexplained is rounding.
_FLOOR = 1e-5


@dataclass(frozen=True)
class QualityEvidence:
    """Sums over slices and pixels that tell good frames from bad ones; evidences of groups of slices add up.

    Attributes
    ----------
    predicted_error, brightness
        Sums of the expected absolute error and of the magnitude.
    surprise, misfit
        Energy of the newest samples that the previous and the new image leave unexplained.
    energy, noise
        Energy of the newest samples, and how much of it must be noise.
    """

    predicted_error: float
    brightness: float
    surprise: float
    misfit: float
    energy: float
    noise: float

    @classmethod
    def of(cls, frame: TemporalInput, output: TemporalOutput) -> QualityEvidence:
        """Of one call of the network."""
        samples_per_line = frame.lines.shape[1] * frame.lines.shape[2]
        noise = 2.0 * frame.noise**2 * frame.is_sampled.sum(dim=1) * samples_per_line
        sums = torch.stack(
            [
                output.expected_error.sum(),
                output.image.abs().sum(),
                *output.energies.sum(dim=0),
                noise.sum(),
            ]
        )
        return cls(*sums.tolist())

    def __add__(self, other: QualityEvidence) -> QualityEvidence:
        return QualityEvidence(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def features(self) -> tuple[float, float, float]:
        """Logarithms of the predicted relative error, and of misfit and surprise over what noise explains."""
        least = _FLOOR * self.energy + 1e-30
        explained = self.noise + least
        return (
            math.log((self.predicted_error + 1e-9) / (self.brightness + 1e-6)),
            math.log((self.misfit + least) / explained),
            math.log((self.surprise + least) / explained),
        )


@dataclass(frozen=True)
class QualityModel:
    """Logistic regression from the evidence to the probability that a frame is good.

    Good means that the magnitude's relative error (root of the summed squares over that of the truth) is at most
    ``good_below``; fitted on simulated successes and failures and stored with the weights.
    """

    bias: float
    weights: tuple[float, float, float]
    good_below: float

    def as_json(self) -> dict[str, Any]:
        """What stands with the weights."""
        return {"bias": self.bias, "weights": list(self.weights), "good_below": self.good_below}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> QualityModel:
        """From what stands with the weights; KeyError, TypeError or ValueError if it is something else."""
        weights: Sequence[float] = [float(weight) for weight in content["weights"]]
        if len(weights) != N_FEATURES:
            raise ValueError(f"quality: {len(weights)} weights, expected {N_FEATURES}")
        numbers = (float(content["bias"]), *weights, float(content["good_below"]))
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError("quality: numbers that are not finite")
        return cls(numbers[0], (numbers[1], numbers[2], numbers[3]), numbers[4])

    def quality_of(self, features: Sequence[float]) -> float:
        """0 to 1, from :attr:`QualityEvidence.features`."""
        score = self.bias + sum(weight * value for weight, value in zip(self.weights, features, strict=True))
        return 1.0 / (1.0 + math.exp(-min(max(score, -60.0), 60.0)))
