"""How errors are distributed: guide and needle tip at every acceleration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, LineStyle, new_figure

from InstrumentTrackerLib.benchmark.registry import PRODUCT
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.evaluation.scores import SUCCESS_MM, Scores

_WIDTH_MM, _LAST_MM = 0.5, 10.0
_EDGES = np.arange(0, _LAST_MM + _WIDTH_MM / 2, _WIDTH_MM)


def error_figure(summary: Summary, styles: Mapping[str, LineStyle]) -> Figure:
    """Rows: guide tip, needle tip; columns: accelerations. Share of the frames that show the tip."""
    accelerations = summary.accelerations
    title = "tip errors\n(last bar: farther, or not reported although it is in the slices)"
    figure = new_figure(max(0.9 + 2.6 * len(accelerations), 7.0), 6.2, title)
    grid = figure.subplots(2, len(accelerations), squeeze=False, sharex=True, sharey="row")
    for column, acceleration in enumerate(accelerations):
        grid[0, column].set_title(f"R = {acceleration:g}", fontsize=FONT_SIZE + 1)
        for axes, point in zip(grid[:, column], ("guide", "needle"), strict=True):
            for name, scores in summary.scores[acceleration].items():
                _draw(axes, scores, point, name, styles[name])
            axes.axvline(SUCCESS_MM, color="#7F7F7F", linewidth=0.8, linestyle=":")
            axes.grid(visible=True, linewidth=0.4, alpha=0.6)
            axes.tick_params(labelsize=FONT_SIZE - 1)
            axes.set_xticks([0, 2, 4, 6, 8, 10.75], ["0", "2", "4", "6", "8", "> 10"])
        grid[1, column].set_xlabel("error (mm)", fontsize=FONT_SIZE)
    for axes, point in zip(grid[:, 0], ("guide", "needle"), strict=True):
        axes.set_ylabel(f"{point} tip: % of frames", fontsize=FONT_SIZE)
    shown = {handle.get_label(): handle for axes in grid.flat for handle in axes.patches}
    figure.legend(list(shown.values()), list(shown), loc="outside lower center", ncols=3, fontsize=FONT_SIZE)
    return figure


def _draw(axes: Axes, scores: Scores, point: str, name: str, style: LineStyle) -> None:
    """A histogram as an outline, the product's filled; errors beyond the last edge and missing ones together."""
    rows = [row for row in scores.rows if row["visible" if point == "guide" else "needle_visible"]]
    errors = [row[f"{point}_error_mm"] for row in rows if row.get(f"{point}_error_mm") is not None]
    if not errors:
        return
    counts, _ = np.histogram(errors, _EDGES)
    counts = np.append(counts, len(rows) - counts.sum())
    edges = np.append(_EDGES, _EDGES[-1] + 3 * _WIDTH_MM)
    axes.stairs(
        100 * counts / len(rows),
        edges,
        label=name,
        color=style.color,
        linewidth=style.width if name == PRODUCT else 1.0,
        fill=name == PRODUCT,
        alpha=0.45 if name == PRODUCT else 1.0,
    )
