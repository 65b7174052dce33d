"""One look for all figures: readable in print and without seeing colors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.benchmark.verdict import OURS

# Okabe and Ito, Color Universal Design, 2008; yellow only on dark images.
_COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p", "h")
MARK_COLOR = "#F0E442"
FONT_SIZE = 9
RESOLUTION_DPI = 160


@dataclass(frozen=True)
class LineStyle:
    """How a method's curve is drawn; methods that see future frames are dashed."""

    color: str
    marker: str
    dash: str
    width: float

    def keywords(self) -> dict[str, Any]:
        """For ``Axes.plot``."""
        return {
            "color": self.color,
            "marker": self.marker,
            "linestyle": self.dash,
            "linewidth": self.width,
            "markersize": 5.5,
            "markerfacecolor": self.color if self.dash == "-" else "white",
        }


def line_styles(methods: Sequence[str], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, LineStyle]:
    """Color and marker of each method by its place in the tables."""
    return {
        method: LineStyle(
            _COLORS[number % len(_COLORS)],
            _MARKERS[number % len(_MARKERS)],
            "-" if facts[method]["causal"] else "--",
            2.4 if method == OURS else 1.3,
        )
        for number, method in enumerate(methods)
    }


def new_figure(width_inch: float, height_inch: float, title: str) -> Figure:
    """An empty figure whose title says that what it shows is simulated."""
    figure = Figure(figsize=(width_inch, height_inch), layout="constrained")
    figure.suptitle(f"SIMULATED biopsies: {title}", fontsize=FONT_SIZE + 2)
    return figure


def without_ticks(axes: Axes) -> None:
    """For images, whose size a scale bar tells."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, whole or not at all."""
    with written_atomically(path) as temporary:
        figure.savefig(temporary, dpi=RESOLUTION_DPI)
