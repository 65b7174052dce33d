"""What the figures of a study share."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, RESOLUTION_DPI, LineStyle, line_styles

from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE
from InstrumentTrackerLib.evaluation.study.report.section import Section

REFERENCE_STYLE = LineStyle("#000000", "", ":", 1.6)
MARGIN_COLOR = "#7F7F7F"


def study_figure(section: Section, width_inch: float, height_inch: float, title: str) -> Figure:
    """An empty figure whose title says whether it shows real or simulated cases."""
    figure = Figure(figsize=(width_inch, height_inch), layout="constrained")
    figure.suptitle(f"{section.origin.upper()} cases: {title}", fontsize=FONT_SIZE + 2)
    return figure


def method_styles(methods: Sequence[str]) -> dict[str, LineStyle]:
    """The same look of a method in every figure."""
    return line_styles(methods, {name: {"causal": True} for name in methods}) | {REFERENCE: REFERENCE_STYLE}


def tidy(axes: Axes) -> None:
    """Thin grid, small numbers."""
    axes.grid(visible=True, linewidth=0.4, alpha=0.6)
    axes.tick_params(labelsize=FONT_SIZE - 1)


def as_svg(figure: Figure) -> str:
    """A data URI that any browser shows without a network."""
    buffer = io.BytesIO()
    # The same figure gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": "study"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def as_png(figure: Figure) -> str:
    """As :func:`as_svg`, for pictures."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=RESOLUTION_DPI)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
