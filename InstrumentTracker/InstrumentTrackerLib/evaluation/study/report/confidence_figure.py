"""Whether the stated confidence can be trusted, method by method."""

from __future__ import annotations

from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE

from InstrumentTrackerLib.evaluation.reliability import draw_reliability, reliability_text
from InstrumentTrackerLib.evaluation.scores import Scores
from InstrumentTrackerLib.evaluation.study.report.figure_style import study_figure, tidy
from InstrumentTrackerLib.evaluation.study.report.frames import FrameRow
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Section
from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM


def confidence_figure(section: Section) -> Figure | None:
    """Reliability diagrams over all accelerations; None where nothing was reported on frames with a known guide tip."""
    groups: dict[str, list[FrameRow]] = {}
    for condition, frames in section.frames.items():
        name = "full sampling" if condition is FULL else condition.method
        known = frames.where(frames.has_numbers & (frames.is_true("guide") | frames.is_empty))
        groups.setdefault(name, []).extend(known.rows)
    shown = {name: rows for name, rows in groups.items() if rows}
    if not shown:
        return None
    figure = study_figure(
        section,
        max(2.9 * len(shown), 4.5),
        3.4,
        f"is the guide tip within {CLOSE_MM:g} mm as often as the confidence says?",
    )
    grid = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, (name, rows) in zip(grid, shown.items(), strict=True):
        scores = Scores(rows)
        draw_reliability(axes, scores)
        axes.set_title(f"{name}\n{reliability_text(scores)}", fontsize=FONT_SIZE)
        axes.set_xlabel("stated confidence", fontsize=FONT_SIZE)
        tidy(axes)
    grid[0].set_ylabel(f"share within {CLOSE_MM:g} mm", fontsize=FONT_SIZE)
    return figure
