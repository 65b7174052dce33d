"""Stated confidence against how often the guide tip was there."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from InstrumentTrackerLib.evaluation.scores import SURE, Scores

_COLOR, _IDEAL, _SURE_COLOR = "#0072B2", "#7F7F7F", "#009E73"


def draw_reliability(axes: Axes, scores: Scores) -> None:
    """Share of guide tips within 3 mm against the stated confidence, with Wilson intervals."""
    bins = [each for each in scores.reliability if each.right.share is not None]
    axes.plot([0, 1], [0, 1], color=_IDEAL, linewidth=1.0, linestyle="--")
    axes.axvspan(SURE, 1.0, color=_SURE_COLOR, alpha=0.12)
    shares = np.array([each.right.share for each in bins], dtype=np.float64)
    limits = np.array([each.right.interval for each in bins], dtype=np.float64).reshape(-1, 2)
    spread = np.abs(limits.T - shares)
    axes.errorbar([each.confidence for each in bins], shares, spread, marker="o", markersize=5, color=_COLOR, capsize=2)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.05)


def reliability_text(scores: Scores) -> str:
    """What is stated at :data:`~InstrumentTrackerLib.evaluation.scores.SURE` and more, and the calibration error."""
    sure, error = scores.sure_and_right, scores.calibration_error
    parts = [] if sure.share is None else [f"from {SURE:g} on: {100 * sure.share:.1f} % of {sure.n}"]
    parts += [] if error is None else [f"calibration error {error:.3f}"]
    return "\n".join(parts)
