"""Bland-Altman plots of two readers."""

from __future__ import annotations

from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE

from InstrumentTrackerLib.evaluation.study.report.figure_style import study_figure, tidy
from InstrumentTrackerLib.evaluation.study.report.reader_agreement import AXES, ReaderPair
from InstrumentTrackerLib.evaluation.study.report.section import Section

_COLOR, _BIAS_COLOR, _LIMIT_COLOR = "#0072B2", "#000000", "#D55E00"


def agreement_figure(section: Section, pair: ReaderPair) -> Figure:
    """Difference against mean along R, A and S, with bias and limits of agreement."""
    first, second = pair.names
    figure = study_figure(section, 9.5, 3.2, f"{section.config.point} tip marked by {first} and by {second}")
    grid = figure.subplots(1, len(AXES), squeeze=False, sharey=True)[0]
    differences, means = pair.first_mm - pair.second_mm, (pair.first_mm + pair.second_mm) / 2
    for number, (axes, name) in enumerate(zip(grid, AXES, strict=True)):
        axes.plot(means[:, number], differences[:, number], "o", color=_COLOR, markersize=4, alpha=0.7)
        limits = pair.limits[number]
        if limits is not None:
            axes.axhline(limits.bias.value, color=_BIAS_COLOR, linewidth=1.2)
            for limit in (limits.low, limits.high):
                axes.axhline(limit, color=_LIMIT_COLOR, linewidth=1.2, linestyle="--")
            axes.set_title(
                f"{name}: bias {limits.bias.value:+.2f} mm, limits {limits.low:+.2f} to {limits.high:+.2f}",
                fontsize=FONT_SIZE - 1,
            )
        axes.set_xlabel(f"mean {name} (mm)", fontsize=FONT_SIZE)
        tidy(axes)
    grid[0].set_ylabel(f"{first} minus {second} (mm)", fontsize=FONT_SIZE)
    return figure
