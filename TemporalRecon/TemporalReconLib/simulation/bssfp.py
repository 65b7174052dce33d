"""Steady-state signal of balanced SSFP (TrueFISP) for the tissues of the pelvis at 3 T."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

REPETITION_TIME_S = 4.56e-3
ECHO_TIME_S = 2.28e-3
FIELD_STRENGTH_T = 2.893
HYDROGEN_HZ = 123_200_000.0


@dataclass(frozen=True)
class Tissue:
    """Relaxation times in ms and proton density relative to water."""

    t1: float
    t2: float
    density: float


# Stanisz et al., MRM 54:507 (2005); de Bazelaire et al., Radiology 230:652 (2004); prostate: Bojorquez et al.,
# MRI 35:69 (2017). Fat precesses by two turns per TR of 4.56 ms at 3 T, so that it lies in the pass band as water does.
TISSUES = MappingProxyType(
    {
        "fat": Tissue(380.0, 64.0, 0.92),
        "skin": Tissue(900.0, 26.0, 0.7),
        "muscle": Tissue(1400.0, 36.0, 0.95),
        "smooth_muscle": Tissue(1400.0, 55.0, 0.95),
        "fascia": Tissue(1000.0, 12.0, 0.5),
        "marrow": Tissue(420.0, 50.0, 0.72),
        "cortex": Tissue(500.0, 0.6, 0.12),
        "peripheral_zone": Tissue(1650.0, 140.0, 0.98),
        "transition_zone": Tissue(1550.0, 82.0, 0.95),
        "urine": Tissue(3700.0, 1300.0, 1.0),
        "seminal_vesicle": Tissue(1900.0, 230.0, 1.0),
        "blood": Tissue(1800.0, 170.0, 0.95),
        "rectal_wall": Tissue(1350.0, 62.0, 0.95),
        "stool": Tissue(900.0, 42.0, 0.6),
        "cartilage": Tissue(1200.0, 75.0, 0.9),
        "air": Tissue(1000.0, 10.0, 0.0),
    }
)


def steady_state_signal(tissue: Tissue, flip_deg: float, off_resonance_hz: ArrayLike) -> NDArray[np.complex128]:
    """Complex transverse magnetisation at TE = TR / 2 with alternating RF phase.

    Source: Freeman and Hill, J. Magn. Reson. 4:366 (1971); Hargreaves et al., MRM 46:149 (2001). The pass band is
    centred on 0 Hz, the dark bands lie at odd multiples of 1 / (2 TR) = 110 Hz.

    Parameters
    ----------
    off_resonance_hz
        Any shape.

    Returns
    -------
    Signal of the same shape, relative to the equilibrium magnetisation of water.
    """
    offset = np.asarray(off_resonance_hz, dtype=np.float64)
    e1 = np.exp(-REPETITION_TIME_S * 1e3 / tissue.t1)
    e2 = np.exp(-REPETITION_TIME_S * 1e3 / tissue.t2)
    alpha = np.deg2rad(flip_deg)
    # RF alternation moves the pass band by half a turn per TR.
    theta = 2 * np.pi * offset * REPETITION_TIME_S + np.pi
    denominator = (1 - e1 * np.cos(alpha)) * (1 - e2 * np.cos(theta)) - e2 * (e1 - np.cos(alpha)) * (e2 - np.cos(theta))
    steady = (1 - e1) * np.sin(alpha) * (1 - e2 * np.exp(-1j * theta)) / denominator
    at_echo = (
        steady * np.exp(-ECHO_TIME_S * 1e3 / tissue.t2) * np.exp(1j * (theta - np.pi) * ECHO_TIME_S / REPETITION_TIME_S)
    )
    return np.asarray(tissue.density * at_echo, dtype=np.complex128)
