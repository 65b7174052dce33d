"""Smooth phase of the object (transmit field, center frequency, flow)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MAX_LINEAR_RAD = 1.5
_MAX_QUADRATIC_RAD = 1.2


def smooth_phase(matrix: int, generator: np.random.Generator) -> NDArray[np.complex64]:
    """exp(i phase) of a random polynomial of second order, (row, col)."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, matrix),) * 2, indexing="ij")
    linear = generator.uniform(-_MAX_LINEAR_RAD, _MAX_LINEAR_RAD, 2)
    quadratic = generator.uniform(-_MAX_QUADRATIC_RAD, _MAX_QUADRATIC_RAD, 3)
    phase = generator.uniform(-np.pi, np.pi) + linear[0] * x + linear[1] * y
    phase = phase + quadratic[0] * x * x + quadratic[1] * y * y + quadratic[2] * x * y
    return np.asarray(np.exp(1j * phase), dtype=np.complex64)
