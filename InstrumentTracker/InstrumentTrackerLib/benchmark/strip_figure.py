"""Series as strips of frames: what the product shows from the entry to after the shot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, new_figure

from InstrumentTrackerLib.benchmark.frame_panel import Arrays, add_legend, caption, draw_frame, draw_scale_bar
from InstrumentTrackerLib.evaluation.measurement import Row

_N_COLUMNS = 7
_PANEL_INCH = 2.2


@dataclass(frozen=True, eq=False)
class Strip:
    """A series: its rows of results and what was kept of it."""

    rows: Sequence[Row]
    kept: Arrays

    @property
    def title(self) -> str:
        row = self.rows[0]
        anatomy = "procedural\nanatomy" if row["anatomy"] == "procedural" else "anatomy of\na patient"
        return f"{row['kind']}\n{row['orientation']}\n{anatomy}\nseries {row['series']}"


def strip_figure(title: str, strips: Sequence[Strip]) -> Figure:
    """A row of frames for each series; above each frame its number, state and confidence, below it the errors."""
    figure = new_figure(1.0 + _PANEL_INCH * _N_COLUMNS, 1.4 + (_PANEL_INCH + 0.6) * len(strips), title)
    grid = figure.subplots(len(strips), _N_COLUMNS, squeeze=False)
    for line, strip in zip(grid, strips, strict=True):
        line[0].set_ylabel(strip.title, fontsize=FONT_SIZE)
        for axes, n in zip(line, moments(strip.rows), strict=False):
            row = strip.rows[n]
            draw_frame(axes, strip.kept, n)
            shot = ", shot" if row["since_firing"] == 0 else ""
            axes.set_title(f"frame {n}{shot}\n{row['state']}, {row['confidence']:.2f}", fontsize=FONT_SIZE - 1)
            axes.set_xlabel(caption(row), fontsize=FONT_SIZE - 1)
        draw_scale_bar(line[0], strip.kept)
    add_legend(figure)
    return figure


def moments(rows: Sequence[Row]) -> list[int]:
    """Frames from the first that shows the instrument to the last: even steps, and those around the shot."""
    last = len(rows) - 1
    first = next((n for n, row in enumerate(rows) if row["visible"]), 0)
    shot = next((n for n, row in enumerate(rows) if row["since_firing"] == 0), None)
    around = [] if shot is None else sorted({shot - 1, shot, min(shot + 1, last), last})
    end = last if shot is None else shot - 2
    steps = np.linspace(first, max(end, first), _N_COLUMNS - len(around)).round().astype(int)
    return sorted({*(int(n) for n in steps), *around})
