"""Position along the needle's axis against time: how sharply and how late each method shows the tip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TemporalReconLib.benchmark.plot_style import FONT_SIZE, new_figure

Arrays = Mapping[str, NDArray[Any]]

_MAX_COLUMNS = 6
_TRUE_TIP_COLOR = "#E69F00"


def profile_figure(title: str, pictures: Mapping[str, Arrays]) -> Figure:
    """A panel for the truth and for each method; the true tip is a thin line in each.

    Parameters
    ----------
    pictures
        By method, as kept by the case runner.
    """
    shared = next(iter(pictures.values()))
    panels = {"truth": shared["truth_profiles"], **{name: kept["image_profiles"] for name, kept in pictures.items()}}
    n_rows = math.ceil(len(panels) / _MAX_COLUMNS)
    n_columns = math.ceil(len(panels) / n_rows)
    figure = new_figure(0.8 + 1.9 * n_columns, 0.8 + 2.2 * n_rows, f"{title}\n(orange: true tip)")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    interval = float(shared["frame_interval_s"])
    positions, course = shared["positions_mm"], shared["tip_course_mm"]
    times = interval * np.arange(len(course) + 1)
    white = float(np.percentile(shared["truth_profiles"].astype(np.float32), 99))
    for axes, (name, profiles) in zip(grid.flat, panels.items(), strict=False):
        axes.imshow(
            profiles.astype(np.float32).T,
            cmap="gray",
            vmin=0,
            vmax=white,
            aspect="auto",
            origin="lower",
            extent=(times[0], times[-1], positions[0], positions[-1]),
            interpolation="nearest",
        )
        axes.stairs(course, times, baseline=None, color=_TRUE_TIP_COLOR, linewidth=1.0)
        axes.set_ylim(positions[0], positions[-1])
        axes.set_title(name, fontsize=FONT_SIZE)
        axes.tick_params(labelsize=FONT_SIZE - 1)
    for number in range(len(panels), grid.size):
        grid.flat[number].set_visible(False)
        grid.flat[number - n_columns].tick_params(labelbottom=True)
    figure.supxlabel("time (s)", fontsize=FONT_SIZE)
    figure.supylabel("position along the axis (mm), 0 = last tip", fontsize=FONT_SIZE)
    return figure
