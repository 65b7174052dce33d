"""Tip error and success against acceleration."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, LineStyle

from InstrumentTrackerLib.evaluation.study.report.figure_style import (
    REFERENCE_STYLE,
    method_styles,
    study_figure,
    tidy,
)
from InstrumentTrackerLib.evaluation.study.report.measures import MEAN, PENALIZED, WITHIN, Measure
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Condition, Section

_TITLES = {
    PENALIZED: "mean tip error, failures as penalty (mm)",
    MEAN: "mean tip error where found (mm)",
    WITHIN: "success (% of frames)",
}


def acceleration_curves_figure(section: Section, mask: str) -> Figure:
    """Means and rates with 95 % intervals; full sampling as a dotted line with its interval as a band."""
    styles = method_styles(section.config.methods)
    figure = study_figure(section, 11.0, 3.9, f"error and success against acceleration ({mask} mask)")
    grid = figure.subplots(1, len(_TITLES), squeeze=False)[0]
    for axes, (measure, title) in zip(grid, _TITLES.items(), strict=True):
        scale = 100.0 if measure is WITHIN else 1.0
        _draw_reference(axes, section, measure, scale)
        for number, method in enumerate(section.config.methods):
            _draw(axes, section, measure, method, mask, styles[method], scale, number)
        axes.set_title(title, fontsize=FONT_SIZE)
        axes.set_xlabel("acceleration R", fontsize=FONT_SIZE)
        axes.set_xticks(section.config.accelerations, [f"{r:g}" for r in section.config.accelerations])
        axes.set_ylim(bottom=0, top=102 if measure is WITHIN else None)
        tidy(axes)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=FONT_SIZE, frameon=False)
    return figure


def _draw_reference(axes: Axes, section: Section, measure: Measure, scale: float) -> None:
    full = section.measures[FULL][measure]
    if full is None:
        return
    axes.axhline(scale * full.value, color=REFERENCE_STYLE.color, linestyle=":", label="full sampling")
    if full.has_interval:
        assert full.low is not None and full.high is not None
        axes.axhspan(scale * full.low, scale * full.high, color="#7F7F7F", alpha=0.15, linewidth=0)


def _draw(
    axes: Axes,
    section: Section,
    measure: Measure,
    method: str,
    mask: str,
    style: LineStyle,
    scale: float,
    number: int,
) -> None:
    accelerations = section.config.accelerations
    # Side by side, so that intervals of several methods can be told apart.
    width = 0.012 * (accelerations[-1] - accelerations[0] or 1.0)
    shift = width * (number - (len(section.config.methods) - 1) / 2)
    points = [(r, section.measures[Condition(method, r, mask)][measure]) for r in accelerations]
    known = [(r + shift, each) for r, each in points if each is not None]
    axes.plot([r for r, _ in known], [scale * each.value for _, each in known], label=method, **style.keywords())
    for r, each in known:
        if each.has_interval:
            assert each.low is not None and each.high is not None
            axes.vlines(r, scale * each.low, scale * each.high, color=style.color, linewidth=1.2)
