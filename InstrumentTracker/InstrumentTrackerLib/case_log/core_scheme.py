"""A core and its target in the needle's own coordinates, as simple shapes that SVG and Qt can both draw.

The plane is the one through the needle's axis and the target: sideways to the right, along the needle upward, the tip
at the origin, all in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.palette import CORE_ON_PAPER, TARGET_ON_PAPER, as_html

TARGET_COLOR, CORE_COLOR = as_html(TARGET_ON_PAPER), as_html(CORE_ON_PAPER)
AXIS_COLOR, TEXT_COLOR, GRID_COLOR = "#555555", "#222222", "#d8d8d8"
# Drawn around what matters.
MARGIN_MM, LABEL_MM = 3.0, 10.0
GRID_MM = 5.0
MIN_WIDTH_MM, MIN_HEIGHT_MM = 26.0, 26.0
PAPER_COLOR = "#ffffff"
CORE_WIDTH_MM = 1.6
LINE_MM, TEXT_MM = 0.3, 2.6


@dataclass(frozen=True)
class Line:
    """From (x1, y1) to (x2, y2); dashed or not."""

    x1: float
    y1: float
    x2: float
    y2: float
    color: str
    width: float = LINE_MM
    dashed: bool = False


@dataclass(frozen=True)
class Circle:
    """Outline, and filled with the same color if ``filled``."""

    x: float
    y: float
    radius: float
    color: str
    filled: bool = False
    width: float = LINE_MM


@dataclass(frozen=True)
class Text:
    """Beginning at (x, y), its baseline; or ending there."""

    x: float
    y: float
    text: str
    color: str = TEXT_COLOR
    ends_here: bool = False


Shape = Line | Circle | Text


@dataclass(frozen=True)
class Scheme:
    """Shapes in mm, y downward as on paper, within (0, 0) to (width, height)."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def core_scheme(record: CoreRecord) -> Scheme | None:
    """Tip, core and target of a record; None without a measurement or a target."""
    if record.lateral_mm is None or record.depth_mm is None:
        return None
    radius = max(record.target_radius_mm or 0.0, 0.5)
    core, lateral, depth = record.core_mm, record.lateral_mm, record.depth_mm
    ys = [0.0, depth - radius, depth + radius, *(core or ())]
    left, right = _widened(-LABEL_MM, lateral + radius + LABEL_MM, MIN_WIDTH_MM)
    bottom, top = _widened(min(ys) - MARGIN_MM - TEXT_MM, max(ys) + MARGIN_MM, MIN_HEIGHT_MM)

    def line(x1: float, y1: float, x2: float, y2: float, *look: Any) -> Line:
        return Line(x1 - left, top - y1, x2 - left, top - y2, *look)

    def circle(size: float, filled: bool, width: float) -> Circle:
        return Circle(lateral - left, top - depth, size, TARGET_COLOR, filled, width)

    def label(x: float, y: float, text: str, color: str, ends_here: bool) -> Text:
        return Text(x - left, top - y + 0.35 * TEXT_MM, text, color, ends_here)

    shapes: list[Shape] = [*_grid(left, right, bottom, top)]
    shapes.append(line(0.0, bottom, 0.0, top, AXIS_COLOR, LINE_MM, True))
    if core is not None:
        shapes.append(line(0.0, core[0], 0.0, core[1], CORE_COLOR, CORE_WIDTH_MM))
        shapes.append(label(-2.2, 0.5 * sum(core), "core", CORE_COLOR, True))
    shapes += [circle(radius, False, 0.6), circle(0.5, True, LINE_MM)]
    shapes.append(label(lateral + radius + 1.0, depth, "target", TARGET_COLOR, False))
    shapes += [line(-1.5, 0.0, 1.5, 0.0, TEXT_COLOR, 0.5), line(0.0, -1.5, 0.0, 1.5, TEXT_COLOR, 0.5)]
    shapes.append(label(-2.2, 0.0, "tip", TEXT_COLOR, True))
    shapes.append(Text(0.8, top - bottom - 0.8, f"grid {GRID_MM:.0f} mm"))
    return Scheme(right - left, top - bottom, tuple(shapes))


def scheme_svg(scheme: Scheme, width_mm: float, height_mm: float) -> str:
    """The scheme as an SVG element that fits into a box on paper."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm:g}mm" height="{height_mm:g}mm" '
        f'viewBox="0 0 {scheme.width:.2f} {scheme.height:.2f}" role="img">'
        f'<rect width="100%" height="100%" fill="{PAPER_COLOR}"/>'
    ]
    parts += [_svg(shape) for shape in scheme.shapes]
    return "".join([*parts, "</svg>"])


def _svg(shape: Shape) -> str:
    if isinstance(shape, Line):
        dash = ' stroke-dasharray="1.5 1"' if shape.dashed else ""
        return (
            f'<line x1="{shape.x1:.2f}" y1="{shape.y1:.2f}" x2="{shape.x2:.2f}" y2="{shape.y2:.2f}" '
            f'stroke="{shape.color}" stroke-width="{shape.width:g}"{dash}/>'
        )
    if isinstance(shape, Circle):
        fill = shape.color if shape.filled else "none"
        return (
            f'<circle cx="{shape.x:.2f}" cy="{shape.y:.2f}" r="{shape.radius:.2f}" fill="{fill}" '
            f'stroke="{shape.color}" stroke-width="{shape.width:g}"/>'
        )
    return (
        f'<text x="{shape.x:.2f}" y="{shape.y:.2f}" font-size="{TEXT_MM:g}" font-family="sans-serif" '
        f'text-anchor="{"end" if shape.ends_here else "start"}" fill="{shape.color}">{escape(shape.text)}</text>'
    )


def _grid(left: float, right: float, bottom: float, top: float) -> list[Line]:
    lines = []
    for number in range(-40, 41):
        at = number * GRID_MM
        if left < at < right:
            lines.append(Line(at - left, 0.0, at - left, top - bottom, GRID_COLOR, 0.15))
        if bottom < at < top:
            lines.append(Line(0.0, top - at, right - left, top - at, GRID_COLOR, 0.15))
    return lines


def _widened(low: float, high: float, least: float) -> tuple[float, float]:
    extra = max(0.0, least - (high - low)) / 2
    return low - extra, high + extra
