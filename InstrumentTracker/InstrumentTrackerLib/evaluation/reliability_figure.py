"""Whether confidence can be trusted: stated against observed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, new_figure

from InstrumentTrackerLib.benchmark.registry import PRODUCT
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.evaluation.scores import SURE, Scores

_COLOR, _IDEAL, _COUNT_COLOR = "#0072B2", "#7F7F7F", "#BFBFBF"


def reliability_figure(summary: Summary) -> Figure | None:
    """The product at every acceleration and at all of them together; None where it has no results."""
    found = {f"R = {r:g}": scores for r in summary.accelerations if (scores := summary.of(r, PRODUCT)) is not None}
    if not found:
        return None
    if len(found) > 1:
        found["all R"] = Scores([row for scores in found.values() for row in scores.rows])
    figure = new_figure(
        0.8 + 2.6 * len(found), 4.4, "is the guide tip within 3 mm as often as the product's confidence says?"
    )
    grid = figure.subplots(2, len(found), squeeze=False, sharex=True, sharey="row", height_ratios=[3, 1])
    for column, (title, scores) in enumerate(found.items()):
        grid[0, column].set_title(title, fontsize=FONT_SIZE + 1)
        draw_reliability(grid[0, column], scores)
        _draw_counts(grid[1, column], scores)
        grid[1, column].set_xlabel("stated confidence", fontsize=FONT_SIZE)
    grid[0, 0].set_ylabel("share within 3 mm", fontsize=FONT_SIZE)
    grid[1, 0].set_ylabel("frames", fontsize=FONT_SIZE)
    for axes in grid.flat:
        axes.grid(visible=True, linewidth=0.4, alpha=0.6)
        axes.tick_params(labelsize=FONT_SIZE - 1)
    return figure


def draw_reliability(axes: Axes, scores: Scores) -> None:
    """Share of guide tips within 3 mm against the stated confidence, with Wilson intervals."""
    bins = [each for each in scores.reliability if each.right.share is not None]
    axes.plot([0, 1], [0, 1], color=_IDEAL, linewidth=1.0, linestyle="--")
    axes.axvspan(SURE, 1.0, color="#009E73", alpha=0.12)
    shares = np.array([each.right.share for each in bins], dtype=np.float64)
    limits = np.array([each.right.interval for each in bins], dtype=np.float64).reshape(-1, 2)
    spread = np.abs(limits.T - shares)
    axes.errorbar([each.confidence for each in bins], shares, spread, marker="o", markersize=5, color=_COLOR, capsize=2)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.05)
    sure, error = scores.sure_and_right, scores.calibration_error
    text = "" if sure.share is None else f"from {SURE:g} on: {100 * sure.share:.1f} % of {sure.n}\n"
    text += "" if error is None else f"calibration error {error:.3f}"
    axes.text(0.97, 0.03, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=FONT_SIZE - 1)


def _draw_counts(axes: Axes, scores: Scores) -> None:
    stated = [row["confidence"] for row in scores.rows if row["has_numbers"]]
    axes.hist(stated, np.linspace(0, 1, 11).tolist(), color=_COUNT_COLOR)
