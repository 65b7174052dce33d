"""The best that any method could do: the Cramer-Rao bound of the needle tip's depth from one frame's samples."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.instrument import InstrumentState
from TemporalReconLib.simulation.scenario import Scenario
from TemporalReconLib.simulation.simulated_series import SimulatedSeries

STEP_MM = 0.5


def cramer_rao_std(derivatives: ArrayLike, noise_std: float) -> NDArray[np.float64]:
    """Smallest standard deviation of an unbiased estimate of each parameter.

    For samples in white complex Gaussian noise (Kay, Fundamentals of Statistical Signal Processing: Estimation
    Theory, 1993, chapter 15): the Fisher information is Re(J^H J) / noise_std^2.

    Parameters
    ----------
    derivatives
        Complex (parameter, ...): of all samples with respect to each parameter.
    noise_std
        Standard deviation of the real (and the imaginary) part of a sample's noise.

    Raises
    ------
    InputError
        If the samples do not tell the parameters apart, or there is no noise.
    """
    array = np.asarray(derivatives, dtype=np.complex128)
    jacobian = array.reshape(array.shape[0], -1)
    if not noise_std > 0:
        raise InputError(f"noise of {noise_std}: expected a standard deviation above 0")
    information = (jacobian.conj() @ jacobian.T).real / noise_std**2
    if np.linalg.matrix_rank(information) < information.shape[0]:
        raise InputError("the samples do not depend on all parameters, or cannot tell them apart")
    return np.sqrt(np.diagonal(np.linalg.inv(information)))


def depth_bound_mm(series: SimulatedSeries, index: int) -> float:
    """Bound of the needle tip's depth (mm) in a simulated frame, for known axis and known background.

    Raises
    ------
    InputError
        If the frame shows no needle.
    """
    if series.truth.frames[index].needle_tip is None:
        raise InputError(f"frame {index} shows no needle, its depth has no bound")
    shorter, longer = (_with_needle_longer_by(series, by).frame(index) for by in (-STEP_MM / 2, STEP_MM / 2))
    # The same seed draws the same noise, which the difference removes.
    derivative = (longer.data - shorter.data)[:, shorter.mask] / STEP_MM
    return float(cramer_rao_std(derivative[None], series.noise_std)[0])


@dataclass(frozen=True)
class _LongerNeedle(Scenario):
    """The same story with a longer needle that pushes no more than the real one."""

    longer_mm: float = 0.0

    def state(self, time_s: float) -> InstrumentState | None:
        state = super().state(time_s)
        return None if state is None else replace(state, extension_mm=state.extension_mm + self.longer_mm)

    def push_mm(self, time_s: float) -> float:
        return Scenario(**_content(self)).push_mm(time_s)


def _content(scenario: Scenario) -> dict:
    return {field.name: getattr(scenario, field.name) for field in fields(Scenario)}


def _with_needle_longer_by(series: SimulatedSeries, longer_mm: float) -> SimulatedSeries:
    changed = copy(series)
    changed.scenario = _LongerNeedle(**_content(series.scenario), longer_mm=longer_mm)
    return changed
