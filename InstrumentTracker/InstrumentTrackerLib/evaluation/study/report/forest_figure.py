"""Forest plot: every method and acceleration against full sampling, with the margins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, LineStyle

from InstrumentTrackerLib.evaluation.study.report.figure_style import MARGIN_COLOR, method_styles, study_figure, tidy
from InstrumentTrackerLib.evaluation.study.report.section import Section, Tested
from InstrumentTrackerLib.evaluation.study.report.verdict_text import SYMBOLS
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Estimate

_ROW_INCH = 0.3
_FOUND_SHIFT = 0.24
# Intervals far beyond the margin would make all others invisible.
_REACH = 4.0


def forest_figure(section: Section) -> Figure:
    """Difference of tip error (left) and of success (right) with 95 % intervals, and the outcome of each."""
    rows = [tested for sequence in section.tested for tested in sequence]
    margins, styles = section.config.margins, method_styles(section.config.methods)
    figure = study_figure(section, 11.0, 1.9 + _ROW_INCH * len(rows), "difference to full sampling, by patient")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.25, 1.0])
    _draw(left, rows, styles, lambda each: each.comparison.penalized_mm, 1.0, 0.0, True)
    _draw(left, rows, styles, lambda each: each.comparison.found_mm, 1.0, _FOUND_SHIFT, False)
    _draw(right, rows, styles, lambda each: each.comparison.success, 100.0, 0.0, True)
    for axes in (left, right):
        axes.set_ylim(len(rows) - 0.4, -0.6)
    _frame(left, margins.tip_error_mm, 1, "more tip error (mm): filled, failures as penalty; open, where both found it")
    _frame(right, -margins.success_points, -1, f"success within {margins.success_mm:g} mm (percentage points)")
    left.set_yticks(range(len(rows)), [_label(section, each) for each in rows], fontsize=FONT_SIZE - 1)
    _point_beyond(left, [each.comparison.penalized_mm for each in rows], 1.0, "+.1f")
    _point_beyond(right, [each.comparison.success for each in rows], 100.0, "+.0f")
    for row, tested in enumerate(rows):
        right.annotate(
            f"{SYMBOLS[tested.outcome]} {tested.outcome.value}",
            (1.02, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=FONT_SIZE - 1,
            annotation_clip=False,
        )
    for place in range(len(section.config.accelerations), len(rows), len(section.config.accelerations)):
        for axes in (left, right):
            axes.axhline(place - 0.5, color=MARGIN_COLOR, linewidth=0.5)
    return figure


def _label(section: Section, tested: Tested) -> str:
    mask = f" {tested.condition.mask}" if len(section.config.masks) > 1 else ""
    return f"{tested.condition.method}{mask}  R = {tested.condition.acceleration:g}"


def _draw(
    axes: Axes,
    rows: Sequence[Tested],
    styles: dict[str, LineStyle],
    of: Callable[[Tested], Estimate | None],
    scale: float,
    shift: float,
    is_filled: bool,
) -> None:
    for row, tested in enumerate(rows):
        found, style = of(tested), styles[tested.condition.method]
        if found is None:
            continue
        value, y = scale * found.value, row + shift
        face = style.color if is_filled else "white"
        axes.plot(value, y, style.marker, color=style.color, markerfacecolor=face, markersize=6 if is_filled else 4.5)
        if found.low is not None and found.high is not None:
            low, high = (
                scale * end if math.isfinite(end) else math.copysign(1e3, end) for end in (found.low, found.high)
            )
            axes.hlines(y, low, high, color=style.color, linewidth=1.8 if is_filled else 0.9, zorder=1)


def _point_beyond(axes: Axes, found: Sequence[Estimate | None], scale: float, numbers: str) -> None:
    """Arrow and number where a value lies beyond the border."""
    low, high = axes.get_xlim()
    for row, each in enumerate(found):
        if each is None or low <= scale * each.value <= high:
            continue
        is_right = scale * each.value > high
        text = f"{scale * each.value:{numbers}} ▶" if is_right else f"◀ {scale * each.value:{numbers}}"
        axes.text(
            *(high if is_right else low, row, text),
            ha="right" if is_right else "left",
            va="center",
            fontsize=FONT_SIZE - 2,
        )


def _frame(axes: Axes, margin: float, side: int, label: str) -> None:
    low, high = axes.get_xlim()
    reach = _REACH * abs(margin)
    low, high = max(min(low, -0.5 * abs(margin)), -reach), min(max(high, 0.5 * abs(margin)), reach)
    low, high = (low, max(high, 1.4 * margin)) if side > 0 else (min(low, 1.4 * margin), high)
    axes.set_xlim(low, high)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(margin, color="#D55E00", linewidth=1.4, linestyle="--")
    axes.axvspan(*((margin, high) if side > 0 else (low, margin)), color="#7F7F7F", alpha=0.13, linewidth=0)
    axes.set_xlabel(label, fontsize=FONT_SIZE - 1)
    axes.set_title(
        f"noninferior where the whole line is {'left' if side > 0 else 'right'} of the dashed margin ({margin:+g})",
        fontsize=FONT_SIZE - 1,
    )
    tidy(axes)
