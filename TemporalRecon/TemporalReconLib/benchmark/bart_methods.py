"""The methods of the BART toolbox, a program of its own, by the name that ``--methods`` takes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from TemporalReconLib.errors import InputError

# BART's axes: 0 readout, 1 phase encoding, 3 coil, 10 time, of sixteen.
READOUT, PHASE, COIL, TIME, N_AXES = 0, 1, 3, 10, 16
_IN_PLANE = (1 << READOUT) | (1 << PHASE)


@dataclass(frozen=True)
class BartMethod:
    """Regularization of ``bart pics``.

    Attributes
    ----------
    regularization
        ``-R`` without its weight.
    weight
        Weight of the regularization, relative to BART's own scaling of the data.
    iterations
        As for ``-i``.
    """

    regularization: str
    weight: float
    iterations: int


# Weights and iterations were chosen for BART's best tip region on one development series (seed 72001, noise 0.019,
# R = 16, paper masks) that no comparison uses.
BART_METHODS = {
    "bart-tv": BartMethod(f"T:{1 << TIME}:0", 0.01, 100),
    "bart-llr": BartMethod(f"L:{_IN_PLANE}:{_IN_PLANE}", 0.01, 100),
}


def bart_is_installed() -> bool:
    """Whether the program can be started."""
    return shutil.which("bart") is not None


def check_bart(method: str) -> None:
    """Raises InputError if BART has no such method here, or is not installed."""
    if method not in BART_METHODS:
        raise InputError(f"unknown BART method '{method}', expected one of: {', '.join(BART_METHODS)}")
    if not bart_is_installed():
        raise InputError(f"method '{method}' needs the BART toolbox: apt-get install bart, or leave it out")
