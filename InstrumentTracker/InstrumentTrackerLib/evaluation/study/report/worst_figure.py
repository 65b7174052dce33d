"""The worst cases, beside what full sampling showed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, without_ticks

from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE
from InstrumentTrackerLib.evaluation.study.report.figure_style import study_figure
from InstrumentTrackerLib.evaluation.study.report.frames import Row
from InstrumentTrackerLib.evaluation.study.report.section import Section
from InstrumentTrackerLib.evaluation.study.runs.journal import Journal
from InstrumentTrackerLib.evaluation.study.runs.run_key import RunKey

N_WORST = 6
_TRUE_COLOR, _FOUND_COLOR = "#009E73", "#F0E442"
_BAR_MM = 20.0


@dataclass(frozen=True)
class WorstRun:
    """A run of the main method whose worst frame failed.

    Attributes
    ----------
    error_mm
        Of the worst frame, infinite where the tip was not found.
    """

    row: Row
    error_mm: float
    picture: Path


def worst_runs(section: Section, journal: Journal) -> list[WorstRun]:
    """At most one per patient: runs at the lowest acceleration first, because a failure there weighs most."""
    found: dict[str, WorstRun] = {}
    for each in sorted(_failed(section, journal), key=_badness):
        found.setdefault(each.row["patient"], each)
    return sorted(found.values(), key=_badness)[:N_WORST]


def worst_figure(section: Section, worst: Sequence[WorstRun]) -> Figure:
    """Two pictures each: full sampling, and the method; cross: true tip, circle: found tip."""
    figure = study_figure(section, 1.85 * max(len(worst), 3), 4.5, "worst cases of the main method")
    grid = figure.subplots(2, len(worst), squeeze=False)
    for column, each in enumerate(worst):
        with np.load(each.picture, allow_pickle=False) as stored:
            kept = {name: stored[name] for name in stored.files}
        error = "not found" if math.isinf(each.error_mm) else f"{each.error_mm:.1f} mm"
        row = each.row
        title = f"{row['patient']} / {row['case']}\n{row['method']}, R = {row['acceleration']:g}: {error}"
        grid[0, column].set_title(title, fontsize=FONT_SIZE - 2)
        _show(grid[0, column], kept, "reference")
        _show(grid[1, column], kept, "picture")
    grid[0, 0].set_ylabel("full sampling", fontsize=FONT_SIZE)
    grid[1, 0].set_ylabel("method", fontsize=FONT_SIZE)
    figure.supxlabel(
        "green cross: true tip; yellow circle: tip found by the method; white bar: 20 mm", fontsize=FONT_SIZE - 1
    )
    return figure


def _failed(section: Section, journal: Journal) -> Iterator[WorstRun]:
    config = section.config
    for row in section.rows:
        if row["method"] == REFERENCE or row["method"] != config.methods[0]:
            continue
        run = RunKey(row["method"], float(row["acceleration"]), row["mask"], row["seed"])
        picture = journal.picture_file(row["patient"], row["case"], run)
        errors = [
            float(frame.get(f"{config.point}_error_mm", math.inf))
            for frame in row["frames"]
            if frame[f"{config.point}_true"]
        ]
        if errors and max(errors) > config.margins.success_mm and picture.is_file():
            yield WorstRun(row, max(errors), picture)


def _badness(each: WorstRun) -> tuple[float, float, str, str]:
    return float(each.row["acceleration"]), -each.error_mm, each.row["patient"], each.row["case"]


def _show(axes: Axes, kept: Mapping[str, NDArray[Any]], name: str) -> None:
    image = kept[name]
    columns, rows = (float(size) for size in kept["pixel_mm"])
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, aspect=rows / columns, interpolation="nearest")
    axes.plot(*kept["true"], "+", color=_TRUE_COLOR, markersize=11, markeredgewidth=2)
    if name == "picture" and np.isfinite(kept["found"]).all():
        axes.plot(*kept["found"], "o", color=_FOUND_COLOR, markersize=9, markerfacecolor="none", markeredgewidth=1.8)
    height, width = image.shape
    axes.plot([4, 4 + _BAR_MM / columns], [height - 5] * 2, color="white", linewidth=2)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    without_ticks(axes)
