"""Truth and every method side by side: image, tip and error, while the needle rests and just after it moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TemporalReconLib.benchmark.metrics import TIP_REGION_PIXELS, region_around
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, MARK_COLOR, new_figure, without_ticks

Arrays = Mapping[str, NDArray[Any]]

_PANEL_INCH = 1.45
_VIEW_MM = 160.0
_SCALE_BAR_MM = 20.0
_ERROR_PERCENT = 15.0
# Gap of the cross hair around the tip, pixels.
_GAP = 7.0
_MOMENTS = ("at rest", "moving")


def comparison_figure(title: str, pictures: Mapping[str, Arrays], captions: Mapping[str, Sequence[str]]) -> Figure:
    """Columns: truth and methods; rows: image, tip and error at both moments.

    Parameters
    ----------
    pictures
        By method, as kept by the case runner.
    captions
        By method, what is written below its error map at each moment.
    """
    methods = list(pictures)
    n_columns = len(methods) + 1
    figure = new_figure(0.7 + _PANEL_INCH * n_columns, 1.1 + 6 * _PANEL_INCH, title)
    grid = figure.subplots(6, n_columns, squeeze=False)
    for axes in grid.flat:
        without_ticks(axes)
    shared = next(iter(pictures.values()))
    for column, name in enumerate(("truth", *methods)):
        grid[0, column].set_title(name.replace("-", "-\n", 1), fontsize=FONT_SIZE)
        kept = pictures[name] if column else shared
        for number, moment in enumerate(_MOMENTS):
            panels = grid[3 * number : 3 * number + 3, column]
            _draw_moment(panels, kept, number, "image" if column else "truth")
            if column:
                panels[2].set_xlabel(captions[name][number], fontsize=FONT_SIZE - 1)
            else:
                frame = int(shared["frames"][number])
                panels[2].set_xlabel("PSNR, tip error:", fontsize=FONT_SIZE - 1)
                labels = (f"frame {frame}, {moment}", "40 x 40 pixels\nat the tip", "error there")
                for panel, label in zip(panels, labels, strict=True):
                    panel.set_ylabel(label, fontsize=FONT_SIZE)
    for number in range(len(_MOMENTS)):
        shown = grid[3 * number + 2, 1].images[0]
        bar = figure.colorbar(shown, ax=grid[3 * number + 2, :], shrink=0.9, aspect=12, pad=0.01)
        bar.set_label("error, %\nof the true peak", fontsize=FONT_SIZE - 1)
        bar.ax.tick_params(labelsize=FONT_SIZE - 1)
    return figure


def _draw_moment(panels: NDArray[Any], kept: Arrays, number: int, name: str) -> None:
    truth, image = kept["truth"][number].astype(np.float32), kept[name][number].astype(np.float32)
    row, column = kept["tips"][number]
    if not np.isfinite(row):
        row, column = np.array(truth.shape) / 2
    pixel_mm = float(kept["pixel_mm"])
    view = _window(row, column, truth.shape, _VIEW_MM / pixel_mm)
    tip = region_around(row, column, truth.shape)
    white = float(np.percentile(truth[view], 99))
    for panel, part in zip(panels[:2], (view, tip), strict=True):
        panel.imshow(image[part], cmap="gray", vmin=0, vmax=white, interpolation="nearest")
    _mark_tip(panels[1], row - tip[0].start, column - tip[1].start)
    error = 100 * np.abs(image - truth)[tip]
    panels[2].imshow(error, cmap="inferno", vmin=0, vmax=_ERROR_PERCENT, interpolation="nearest")
    if name == "truth":
        _scale_bar(panels[0], pixel_mm)
        _scale_bar(panels[1], pixel_mm)


def _window(row: float, column: float, shape: tuple[int, ...], size: float) -> tuple[slice, slice]:
    """Square of about ``size`` pixels around a point, inside the image."""

    def span(center: float, limit: int) -> slice:
        width = min(round(size), limit)
        first = min(max(round(center) - width // 2, 0), limit - width)
        return slice(first, first + width)

    return span(row, shape[0]), span(column, shape[1])


def _mark_tip(panel: Axes, row: float, column: float) -> None:
    """Lines from the borders that point at the true tip and leave its surroundings free."""
    last = TIP_REGION_PIXELS - 1
    for begin, end in ((0, row - _GAP), (row + _GAP, last)):
        panel.plot([column, column], [begin, end], color=MARK_COLOR, linewidth=0.7)
    for begin, end in ((0, column - _GAP), (column + _GAP, last)):
        panel.plot([begin, end], [row, row], color=MARK_COLOR, linewidth=0.7)


def _scale_bar(panel: Axes, pixel_mm: float) -> None:
    rows, columns = np.ptp(panel.get_ylim()), np.ptp(panel.get_xlim())
    length = _SCALE_BAR_MM / pixel_mm
    right, bottom = 0.95 * columns, 0.93 * rows
    panel.plot([right - length, right], [bottom, bottom], color="white", linewidth=2)
    panel.text(right, bottom - 0.02 * rows, f"{_SCALE_BAR_MM:g} mm", color="white", ha="right", va="bottom", fontsize=7)
