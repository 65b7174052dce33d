"""The results as tables: Markdown for readers, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from TemporalReconLib.benchmark.summary import (
    ALL_FRAMES,
    LATER_FRAMES,
    METRICS,
    TIP_ERROR,
    Group,
    Metric,
    Setting,
    Statistic,
    Summary,
)
from TemporalReconLib.benchmark.verdict import OURS, Verdict

Methods = Mapping[str, Mapping[str, Any]]

_NOTES = """\
All series are **simulated**. One real gain per series is fitted to the truth, because methods scale their images as
they like. Cells: median (mean; the value that 95 % of the frames are better than). Tip error: distance along the true
axis between the true end of the dark void and where one fixed localizer finds it, within 25 mm of a place up to 10 mm
off the truth; an image that shows nothing gives about 12 mm. *truth* is the same localizer on the noise-free truth.
*Ahead*: `temporal` against the best other causal method."""


def markdown(title: str, facts: Sequence[str], summary: Summary, methods: Methods, verdicts: Sequence[Verdict]) -> str:
    """The whole report.

    Parameters
    ----------
    facts
        Lines that say on what was measured.
    """
    lines = [f"# {title}", "", *(f"- {fact}" for fact in facts), "", _NOTES, "", "## Goals", ""]
    lines += ["| goal | | measured |", "|---|---|---|"]
    lines += [f"| {verdict.goal} | **{verdict.outcome}** | {verdict.found} |" for verdict in verdicts]
    lines += ["", "## Methods", "", *_cost_table(summary, methods)]
    for frames in (ALL_FRAMES, LATER_FRAMES):
        for metric in METRICS:
            unit = f" ({metric.unit})" if metric.unit else ""
            lines += ["", f"## {metric.title}{unit}, {'all frames' if frames == ALL_FRAMES else f'frames {frames}'}"]
            for settings in summary.sections().values():
                lines += [
                    "",
                    f"### {settings[0].title}",
                    "",
                    *_metric_table(summary, methods, metric, settings, frames),
                ]
    return "\n".join(lines) + "\n"


def as_csv(summary: Summary) -> str:
    """One line for each method, setting, choice of frames and metric."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["metric", "unit", "method", "mask", "planning", "acceleration", "frames", "median", "mean", "tail", "n"]
    )
    for metric in METRICS:
        for setting, groups in summary.groups.items():
            for method, group in groups.items():
                for frames in (ALL_FRAMES, LATER_FRAMES):
                    found = group.statistic(metric, frames)
                    place = [
                        method,
                        setting.mask,
                        "with" if setting.planning else "without",
                        f"{setting.acceleration:g}",
                    ]
                    values = (
                        []
                        if found is None
                        else [f"{value:.6g}" for value in (found.median, found.mean, found.tail, found.n)]
                    )
                    writer.writerow([metric.key, metric.unit, *place, frames, *values])
    return text.getvalue()


def _metric_table(
    summary: Summary, methods: Methods, metric: Metric, settings: Sequence[Setting], frames: str
) -> list[str]:
    names = [name for name in summary.methods if any(name in summary.groups[setting] for setting in settings)]
    lines = [
        _row("method", [f"R = {setting.acceleration:g}" for setting in settings]),
        "|---" * (len(settings) + 1) + "|",
    ]
    for name in names:
        groups = [summary.groups[setting].get(name) for setting in settings]
        found = [None if group is None else group.statistic(metric, frames) for group in groups]
        lines.append(_row(f"`{name}`", [_cell(statistic, metric) for statistic in found]))
    if metric is TIP_ERROR:
        every = [next(iter(summary.groups[setting].values())) for setting in settings]
        lines.append(_row("*truth*", [_cell(group.floor(frames), metric) for group in every]))
    if OURS in names:
        ahead = [_ahead(summary.groups[setting], methods, metric, frames) for setting in settings]
        lines.append(_row("*ahead*", ahead))
    return lines


def _ahead(groups: Mapping[str, Group], methods: Methods, metric: Metric, frames: str) -> str:
    """Ours against the best other causal method: a ratio of errors, or a difference."""
    others = {
        name: statistic.median
        for name, group in groups.items()
        if name != OURS and methods[name]["causal"] and (statistic := group.statistic(metric, frames)) is not None
    }
    mine = groups[OURS].statistic(metric, frames) if OURS in groups else None
    if not others or mine is None:
        return ""
    best = (max if metric.higher_is_better else min)(others, key=lambda name: others[name])
    if metric.key.endswith("nmse"):
        return f"x {mine.median / others[best]:.2f} of `{best}`"
    return f"{mine.median - others[best]:+.{metric.digits}f} to `{best}`"


def _cost_table(summary: Summary, methods: Methods) -> list[str]:
    lines = ["| method | series | causal | delay (frames) | ms/frame: median, p95, mean | parameters | GMAC/frame |"]
    lines.append("|---" * 7 + "|")
    for name in summary.methods:
        facts = methods[name]
        n_series = sorted({groups[name].n_series for groups in summary.groups.values() if name in groups})
        time = facts["ms_per_frame"]
        cells = [
            " to ".join(str(n) for n in (n_series[:1] + n_series[-1:] if len(n_series) > 1 else n_series)),
            "yes" if facts["causal"] else "no",
            str(facts["delay_frames"]),
            f"{time['median']:.1f}, {time['p95']:.1f}, {time['mean']:.1f}",
            "" if facts["parameters"] is None else f"{facts['parameters']:,}",
            "" if facts["gmac"] is None else f"{facts['gmac']:.2f}",
        ]
        lines.append(_row(f"`{name}`", cells))
    return lines


def _cell(statistic: Statistic | None, metric: Metric) -> str:
    if statistic is None:
        return ""
    median, mean, tail = (f"{value:.{metric.digits}f}" for value in (statistic.median, statistic.mean, statistic.tail))
    return f"**{median}** ({mean}; {tail})"


def _row(name: str, cells: Sequence[str]) -> str:
    return "| " + " | ".join([name, *cells]) + " |"
