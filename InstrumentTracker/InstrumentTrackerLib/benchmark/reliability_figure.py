"""Whether confidence can be trusted: stated against observed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, new_figure

from InstrumentTrackerLib.benchmark.registry import PRODUCT
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.evaluation.reliability import draw_reliability, reliability_text
from InstrumentTrackerLib.evaluation.scores import Scores

_COUNT_COLOR = "#BFBFBF"


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
        grid[0, column].set_title(f"{title}\n{reliability_text(scores)}", fontsize=FONT_SIZE)
        draw_reliability(grid[0, column], scores)
        _draw_counts(grid[1, column], scores)
        grid[1, column].set_xlabel("stated confidence", fontsize=FONT_SIZE)
    grid[0, 0].set_ylabel("share within 3 mm", fontsize=FONT_SIZE)
    grid[1, 0].set_ylabel("frames", fontsize=FONT_SIZE)
    for axes in grid.flat:
        axes.grid(visible=True, linewidth=0.4, alpha=0.6)
        axes.tick_params(labelsize=FONT_SIZE - 1)
    return figure


def _draw_counts(axes: Axes, scores: Scores) -> None:
    stated = [row["confidence"] for row in scores.rows if row["has_numbers"]]
    axes.hist(stated, np.linspace(0, 1, 11).tolist(), color=_COUNT_COLOR)
