"""Error and success against acceleration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, LineStyle, new_figure

from InstrumentTrackerLib.benchmark.goals import GOALS, Goal
from InstrumentTrackerLib.benchmark.registry import NEEDLE_ONLY
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.evaluation.frame_statistics import Mean
from InstrumentTrackerLib.evaluation.scores import SUCCESS_MM, Scores

_GOAL_COLOR = "#7F7F7F"
# Published, of real patients (Noordman et al. 2025): for orientation in words, never as a curve beside simulated ones.
_PUBLISHED = """\
Published figures of real patients, another kind of data and not comparable (Noordman et al., 2025): guide tip 1.65 mm
fully sampled; at R = 16 temporal network 2.28 mm (95 % CI 1.68 to 3.31), 95 % found; nontemporal network 6.27 mm,
46 %; seven radiologists 6.87 mm (6.38 to 7.40), 60 %. Guide only, one slice; any mask counts as found."""

Values = tuple[float, float | None]


def acceleration_figure(summary: Summary, styles: Mapping[str, LineStyle]) -> Figure:
    """Mean guide and needle tip error with its upper bound, and the share of guide tips within 5 mm."""
    figure = new_figure(12.0, 5.6, "error and success against acceleration")
    grid = figure.subplots(1, 3, squeeze=False)[0]
    bounds = "\nmean and 95 % upper (mm)"
    panels: tuple[tuple[str, Callable[[Scores], Values | None], Callable[[Goal], float]], ...] = (
        (f"guide tip error where reported,{bounds}", lambda s: _mean(s.guide), lambda goal: goal.guide_mm),
        (f"needle tip error where reported,{bounds}", lambda s: _mean(s.needle), lambda goal: goal.needle_mm),
        (
            f"guide tip within {SUCCESS_MM:g} mm\n(% of the frames that show it)",
            _success,
            lambda goal: 100 * goal.success,
        ),
    )
    for axes, (title, value, goal) in zip(grid, panels, strict=True):
        for name in (name for name in summary.contenders if value is not _success or name != NEEDLE_ONLY):
            _draw(axes, summary, name, value, styles[name])
        goals = [(r, goal(GOALS[r])) for r in summary.accelerations if r in GOALS]
        if goals:
            axes.plot(*zip(*goals, strict=True), color=_GOAL_COLOR, linestyle=":", linewidth=2, label="goal")
        axes.set_title(title, fontsize=FONT_SIZE)
        axes.set_xlabel("acceleration R", fontsize=FONT_SIZE)
        axes.set_xticks(summary.accelerations, [f"{r:g}" for r in summary.accelerations])
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, linewidth=0.4, alpha=0.6)
        axes.tick_params(labelsize=FONT_SIZE - 1)
    lines = {
        line.get_label(): line for axes in grid for line in axes.lines if not str(line.get_label()).startswith("_")
    }
    figure.legend(
        list(lines.values()),
        list(lines),
        loc="outside lower center",
        ncols=4,
        fontsize=FONT_SIZE,
        title=_PUBLISHED,
        title_fontsize=FONT_SIZE - 1,
        frameon=False,
    )
    return figure


def _draw(axes: Axes, summary: Summary, name: str, value: Callable[[Scores], Values | None], style: LineStyle) -> None:
    found = [
        (acceleration, values)
        for acceleration in summary.accelerations
        if (scores := summary.of(acceleration, name)) is not None and (values := value(scores)) is not None
    ]
    if not found:
        return
    axes.plot([r for r, _ in found], [mean for _, (mean, _) in found], label=name, **style.keywords())
    bounds = [(r, mean, upper) for r, (mean, upper) in found if upper is not None]
    if bounds:
        axes.vlines(*zip(*bounds, strict=True), color=style.color, linewidth=1.2)


def _mean(mean: Mean | None) -> Values | None:
    return None if mean is None else (mean.mean, mean.upper)


def _success(scores: Scores) -> Values | None:
    share = scores.within(SUCCESS_MM).share
    return None if share is None else (100 * share, None)
