"""Soft-thresholding of complex numbers: the proximal step of every one-norm here."""

from __future__ import annotations

import torch

_TINY = 1e-30


def soft_threshold(values: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """Shrink magnitudes by ``threshold``, at most to zero, and keep the phases.

    Solves ``min_x 1/2 |x - values|^2 + threshold |x|`` (Donoho, IEEE Trans. Inf. Theory 41:613, 1995). Total
    variation along time with only the newest image unknown is this norm of its change, so this is its step too.

    Parameters
    ----------
    values
        complex, any shape.
    threshold
        real, broadcasts to ``values``, in the same units.
    """
    magnitude = values.abs()
    return values * ((magnitude - threshold).clamp_min(0.0) / magnitude.clamp_min(_TINY))
