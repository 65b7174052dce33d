"""Sides of the patient in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Positive and negative R, A, S.
_SIDES = (("patient right", "patient left"), ("anterior", "posterior"), ("superior", "inferior"))
# Smaller parts are noise, and a word each would hide the one that matters.
LEAST_MM = 0.5


def direction_words(offset: ArrayLike) -> str:
    """Such as ``2.1 mm patient left, 1.0 mm anterior`` for an offset in RAS mm, the largest part first.

    Parts below ``LEAST_MM`` are left out; empty where all are.
    """
    vector = np.asarray(offset, dtype=np.float64)
    order = [int(axis) for axis in np.argsort(-np.abs(vector)) if abs(vector[axis]) >= LEAST_MM]
    return ", ".join(f"{abs(vector[axis]):.1f} mm {_SIDES[axis][int(vector[axis] < 0)]}" for axis in order)
