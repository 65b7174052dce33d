"""Whole distributions of the tip error: how many frames are how near."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, LineStyle

from InstrumentTrackerLib.evaluation.study.report.figure_style import method_styles, study_figure, tidy
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Condition, Section

SUCCESS, FOUND = "success", "found"
_TITLES = {
    SUCCESS: ("share of all frames with the tip nearer than …", "frames (%)"),
    FOUND: ("the same, of the frames in which it was found", "found frames (%)"),
}
_LIMIT_MM = 15.0
# More points draw no finer line and only make the report heavy.
_POINTS = 301


def distribution_figure(section: Section, kind: str, mask: str) -> Figure:
    """Cumulative distributions, one panel per acceleration.

    Parameters
    ----------
    kind
        :data:`SUCCESS`: of all frames, so that a curve ends at the share that was found; :data:`FOUND`: of found ones.
    """
    accelerations, styles = section.config.accelerations, method_styles(section.config.methods)
    title, label = _TITLES[kind]
    figure = study_figure(section, max(2.75 * len(accelerations), 6.0), 3.3, f"{title} ({mask} mask)")
    grid = figure.subplots(1, len(accelerations), squeeze=False, sharey=True)[0]
    for axes, acceleration in zip(grid, accelerations, strict=True):
        _draw(axes, section, FULL, kind, styles[FULL.method])
        for method in section.config.methods:
            _draw(axes, section, Condition(method, acceleration, mask), kind, styles[method])
        axes.axvline(section.config.margins.success_mm, color="#7F7F7F", linewidth=0.8, linestyle="--")
        axes.set_title(f"R = {acceleration:g}", fontsize=FONT_SIZE)
        axes.set_xlabel("tip error (mm)", fontsize=FONT_SIZE)
        axes.set_xlim(0, _LIMIT_MM)
        axes.set_xticks(range(0, int(_LIMIT_MM) + 1, 5))
        axes.set_ylim(0, 101)
        tidy(axes)
    grid[0].set_ylabel(label, fontsize=FONT_SIZE)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=FONT_SIZE, frameon=False)
    return figure


def _draw(axes: Axes, section: Section, condition: Condition, kind: str, style: LineStyle) -> None:
    frames = section.frames[condition]
    errors = frames.errors(section.config.point)[frames.is_true(section.config.point)]
    if kind == FOUND:
        errors = errors[~np.isnan(errors)]
    if errors.size == 0:
        return
    grid = np.linspace(0, _LIMIT_MM, _POINTS)
    heights = np.searchsorted(np.sort(np.nan_to_num(errors, nan=np.inf)), grid, side="right") / errors.size
    label = "full sampling" if condition is FULL else condition.method
    # Few markers, to tell curves apart without colors.
    keywords = style.keywords() | {"markersize": 4.0}
    axes.plot(grid, 100 * heights, label=label, markevery=(20, 60), **keywords)
