"""Quality and tip error against acceleration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from TemporalReconLib.benchmark.plot_style import FONT_SIZE, LineStyle, line_styles, new_figure
from TemporalReconLib.benchmark.summary import TIP_ERROR, TIP_PSNR, Metric, Setting, Summary

_FLOOR_COLOR = "#7F7F7F"


def curve_figure(summary: Summary, facts: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Rows: PSNR at the tip and tip error, medians over all frames; columns: mask and planning."""
    sections = list(summary.sections().values())
    styles = line_styles(summary.methods, facts)
    figure = new_figure(0.6 + 2.9 * len(sections), 7.2, "quality against acceleration, median of all frames")
    grid = figure.subplots(2, len(sections), squeeze=False, sharex=True, sharey="row")
    for column, settings in enumerate(sections):
        grid[0, column].set_title(settings[0].title.replace(", ", "\n"), fontsize=FONT_SIZE)
        for axes, metric in zip(grid[:, column], (TIP_PSNR, TIP_ERROR), strict=True):
            _draw(axes, summary, settings, metric, styles)
        grid[1, column].set_xlabel("acceleration R", fontsize=FONT_SIZE)
        grid[1, column].set_xticks(summary.accelerations, [f"{r:g}" for r in summary.accelerations])
    grid[1, 0].set_ylim(bottom=0)
    grid[0, 0].set_ylabel("PSNR in 40 x 40 pixels at the tip (dB)", fontsize=FONT_SIZE)
    grid[1, 0].set_ylabel("tip error (mm)", fontsize=FONT_SIZE)
    lines = {line.get_label(): line for axes in grid.flat for line in axes.lines}
    # One entry for each column of axes: more would not fit the width.
    n_columns = grid.shape[1]
    figure.legend(
        lines.values(), lines.keys(), loc="outside lower center", ncols=n_columns, fontsize=FONT_SIZE, handlelength=3.5
    )
    return figure


def _draw(
    axes: Axes, summary: Summary, settings: list[Setting], metric: Metric, styles: Mapping[str, LineStyle]
) -> None:
    for name in summary.methods:
        found = [
            (setting.acceleration, statistic.median)
            for setting in settings
            if name in summary.groups[setting]
            and (statistic := summary.groups[setting][name].statistic(metric)) is not None
        ]
        if found:
            label = name if styles[name].dash == "-" else f"{name} (not causal)"
            axes.plot(*zip(*found, strict=True), label=label, **styles[name].keywords())
    if metric is TIP_ERROR:
        floors = [(setting.acceleration, next(iter(summary.groups[setting].values())).floor()) for setting in settings]
        known = [(r, floor.median) for r, floor in floors if floor is not None]
        if known:
            axes.plot(*zip(*known, strict=True), color=_FLOOR_COLOR, linestyle=":", label="localizer on the truth")
    axes.grid(visible=True, linewidth=0.4, alpha=0.6)
    axes.tick_params(labelsize=FONT_SIZE - 1)
