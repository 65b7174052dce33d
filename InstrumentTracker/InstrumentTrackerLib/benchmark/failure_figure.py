"""The worst frames of the product: what went wrong, to be looked at one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, new_figure, without_ticks
from TemporalReconLib.benchmark.results import Results
from TemporalReconLib.benchmark.runs import Condition, Run

from InstrumentTrackerLib.benchmark.frame_panel import add_legend, caption, draw_frame, draw_scale_bar, zoom_to_tips
from InstrumentTrackerLib.benchmark.registry import PRODUCT
from InstrumentTrackerLib.evaluation.measurement import Row

_N_WORST, _N_OTHERS, _N_COLUMNS = 10, 5, 5
# Frames of one series at one acceleration fail alike.
_PER_SERIES = 2
_PANEL_INCH = 2.2


def failure_figure(results: Results, rows: Sequence[Row]) -> Figure | None:
    """Ten largest errors, then five false alarms and five missed frames; None where nothing of that kind happened.

    Parameters
    ----------
    rows
        Of the product, every acceleration.
    """
    found = [
        *worst(rows, worst_error, _N_WORST),
        *worst(rows, lambda row: row["confidence"] if row["has_numbers"] and not row["visible"] else None, _N_OTHERS),
        *worst(rows, lambda row: row["confidence"] if row["visible"] and not row["has_numbers"] else None, _N_OTHERS),
    ]
    if not found:
        return None
    n_lines = -(-len(found) // _N_COLUMNS)
    title = "the product's largest tip errors, false alarms and missed frames (at most two of a series and R)"
    figure = new_figure(0.4 + _PANEL_INCH * _N_COLUMNS, 1.2 + (_PANEL_INCH + 0.6) * n_lines, title)
    grid = figure.subplots(n_lines, _N_COLUMNS, squeeze=False)
    for axes in grid.flat:
        without_ticks(axes)
    for axes, row in zip(grid.flat, found, strict=False):
        condition = Condition(float(row["acceleration"]), str(row["mask"]))
        kept = results.pictures(Run(PRODUCT, int(row["series"]), condition, bool(row["planning"])))
        if kept is not None:
            draw_frame(axes, kept, int(row["frame"]))
            zoom_to_tips(axes, kept, int(row["frame"]))
            draw_scale_bar(axes, kept)
        axes.set_title(
            f"R = {row['acceleration']:g}, series {row['series']}, frame {row['frame']}\n"
            f"{row['state']}, {row['confidence']:.2f}",
            fontsize=FONT_SIZE - 1,
        )
        axes.set_xlabel(caption(row), fontsize=FONT_SIZE - 1)
    add_legend(figure)
    return figure


def worst_error(row: Row) -> float | None:
    """Larger of the errors of guide and needle tip."""
    errors = [row[key] for key in ("guide_error_mm", "needle_error_mm") if row.get(key) is not None]
    return max(errors, default=None)


def worst(rows: Sequence[Row], severity: Callable[[Row], float | None], count: int) -> list[Row]:
    """Rows of the largest severity, at most two of a series at one acceleration; None is none."""
    rated = [(value, row) for row in rows if (value := severity(row)) is not None]
    rated.sort(key=lambda both: -both[0])
    taken: Counter[tuple[float, int]] = Counter()

    def is_new(row: Row) -> bool:
        place = (row["acceleration"], row["series"])
        taken[place] += 1
        return taken[place] <= _PER_SERIES

    return list(islice((row for _, row in rated if is_new(row)), count))
