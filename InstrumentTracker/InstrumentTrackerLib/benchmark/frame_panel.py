"""One frame with everything that is known of it drawn on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from numpy.typing import NDArray
from scipy.stats import chi2
from TemporalReconLib.benchmark.plot_style import FONT_SIZE, MARK_COLOR, without_ticks

from InstrumentTrackerLib.evaluation.measurement import Row
from InstrumentTrackerLib.palette import GUIDE_COLOR, NEEDLE_COLOR, TARGET_COLOR, UNCERTAINTY_COLOR, WHITE, Color
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL

Arrays = Mapping[str, NDArray[Any]]

# The axis is drawn from so far behind the guide tip to so far ahead of it.
_AXIS_MM = (-70.0, 60.0)
# The tip's uncertainty has the color of the needle, as in the scene; dots tell it from the ring of the tip.
_REGION: dict[str, Any] = {"color": UNCERTAINTY_COLOR, "linewidth": 1.2, "linestyle": ":"}
# A target farther from the shown slice than this is not in it.
_TARGET_MM = 4.5
_ELLIPSE_SIGMAS = float(np.sqrt(chi2.ppf(0.95, 2)))
# Wider than the picture, an ellipse says nothing more.
_MAX_ELLIPSE_MM = 60.0
_SCALE_BAR_MM = 20.0
# A closer view shows so much around the tips, and more where they lie farther apart.
_CLOSE_MM, _CLOSE_SHARE = 80.0, 1.6


def draw_frame(axes: Axes, kept: Arrays, n: int) -> None:
    """Frame ``n`` of what was kept: picture, mask, axis, tips, their uncertainty, truth and target."""
    image = kept["images"][n]
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    without_ticks(axes)
    for label, color in ((GUIDE_LABEL, GUIDE_COLOR), (NEEDLE_LABEL, NEEDLE_COLOR)):
        inside = kept["labels"][n] == label
        if inside.any():
            axes.contour(inside, levels=[0.5], colors=color, linewidths=0.6)
    guide, needle, direction = kept["guide"][n], kept["needle"][n], kept["axis"][n]
    if np.isfinite(direction).all() and np.isfinite(guide).all():
        ends = guide + np.outer(_AXIS_MM, direction)
        axes.plot(*ends.T, color=WHITE, linewidth=0.6, linestyle=(0, (4, 3)))
    if kept["target_off_mm"][n] <= _TARGET_MM:
        axes.plot(*kept["target"][n], marker="D", markersize=4, markerfacecolor="none", markeredgecolor=TARGET_COLOR)
    for point, color in ((guide, GUIDE_COLOR), (needle, NEEDLE_COLOR)):
        axes.plot(*point, marker="o", markersize=5, markerfacecolor="none", markeredgecolor=color, markeredgewidth=1.1)
    _draw_ellipse(axes, needle if np.isfinite(needle).all() else guide, kept["ellipse"][n], float(kept["pixel_mm"]))
    for name, marker in (("true_guide", "+"), ("true_needle", "x")):
        axes.plot(*kept[name][n], marker=marker, markersize=5, color=MARK_COLOR, markeredgewidth=0.9)
    axes.set_xlim(-0.5, image.shape[1] - 0.5)
    axes.set_ylim(image.shape[0] - 0.5, -0.5)


def zoom_to_tips(axes: Axes, kept: Arrays, n: int) -> None:
    """Show the surroundings of all tips, found and true, of frame ``n``; of the target where there are none."""
    points = np.stack([kept[name][n] for name in ("guide", "needle", "true_guide", "true_needle")])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        points = kept["target"][n][None]
    low, high = points.min(axis=0), points.max(axis=0)
    half = max(_CLOSE_MM / float(kept["pixel_mm"]), _CLOSE_SHARE * float((high - low).max())) / 2
    x, y = (low + high) / 2
    axes.set_xlim(x - half, x + half)
    axes.set_ylim(y + half, y - half)
    axes.set_facecolor("black")


def draw_scale_bar(axes: Axes, kept: Arrays) -> None:
    """20 mm in the lower right corner of what is shown."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    length = _SCALE_BAR_MM / float(kept["pixel_mm"])
    x, y = right - 0.05 * (right - left), bottom - 0.05 * (bottom - top)
    axes.plot([x - length, x], [y, y], color="white", linewidth=2)
    axes.text(x, y - 0.02 * (bottom - top), "20 mm", color="white", ha="right", va="bottom", fontsize=7)


def add_legend(figure: Figure) -> None:
    """What the marks mean, below the panels."""

    def mark(marker: str, color: Color | str, filled: bool = True) -> Line2D:
        face = color if filled else "none"
        return Line2D([], [], linestyle="", marker=marker, color=color, markerfacecolor=face, markersize=7)

    handles: dict[str, Artist] = {
        "guide, outline and tip found": mark("o", GUIDE_COLOR, filled=False),
        "needle, outline and tip found": mark("o", NEEDLE_COLOR, filled=False),
        "axis found": Line2D([], [], color=WHITE, linestyle="--"),
        "95 % region of the tip as stated, where larger than the ring": Line2D([], [], **_REGION),
        "true guide tip": mark("+", MARK_COLOR),
        "true needle tip": mark("x", MARK_COLOR),
        "target, where in this slice": mark("D", TARGET_COLOR, filled=False),
    }
    legend = figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncols=4, fontsize=FONT_SIZE
    )
    # Marks are made for dark pictures.
    legend.get_frame().set_facecolor("#404040")
    for text in legend.get_texts():
        text.set_color("white")


def caption(row: Row) -> str:
    """What is written below a frame: the errors, or that there are no numbers."""
    if not row["has_numbers"]:
        return "no position" + (" (missed)" if row["visible"] else "")
    if not row["visible"]:
        return "FALSE ALARM"
    parts = [
        f"{point} {row[f'{point}_error_mm']:.1f}"
        for point in ("guide", "needle")
        if row.get(f"{point}_error_mm") is not None
    ]
    return f"error: {', '.join(parts)} mm" if parts else "no tip of the same kind"


def _draw_ellipse(axes: Axes, center: NDArray[np.float64], covariance: NDArray[np.float64], pixel_mm: float) -> None:
    if not (np.isfinite(center).all() and np.isfinite(covariance).all()):
        return
    variances, directions = np.linalg.eigh(covariance)
    widths = 2 * _ELLIPSE_SIGMAS * np.sqrt(np.maximum(variances, 0))
    if widths[1] * pixel_mm > _MAX_ELLIPSE_MM:
        return
    angle = float(np.degrees(np.arctan2(directions[1, 1], directions[0, 1])))
    axes.add_patch(Ellipse((center[0], center[1]), widths[1], widths[0], angle=angle, fill=False, **_REGION))
