"""Texts and flat shapes drawn over a view, in pixels from its lower left corner."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import vtk

from InstrumentTrackerLib.palette import BLACK, Color
from InstrumentTrackerLib.scene.mrml_style import Badge

# Width of a letter by the height of the font: Arial, bold, the mean of what is written here.
_LETTER_WIDTH = 0.59


class Text:
    """One line of text, with a dark plate behind it unless it stands on a dark ground already."""

    def __init__(self, renderer: Any, bold: bool = False, plate: bool = True) -> None:
        self.actor = vtk.vtkTextActor()
        properties = self.actor.GetTextProperty()
        properties.SetFontFamilyToArial()
        properties.SetBold(bold)
        if plate:
            properties.SetBackgroundColor(*BLACK)
            properties.SetBackgroundOpacity(0.6)
        renderer.AddViewProp(self.actor)

    def show(
        self,
        text: str,
        x: float,
        y: float,
        height: float,
        color: Color,
        align: str = "left",
        width: float | None = None,
        italic: bool = False,
    ) -> None:
        """Draw at (x, y), the lower end of the line at ``align``; smaller where it would be wider than ``width``."""
        if width is not None and text:
            height = min(height, width / (_LETTER_WIDTH * len(text)))
        properties = self.actor.GetTextProperty()
        properties.SetFontSize(max(8, round(height)))
        properties.SetColor(*color)
        properties.SetItalic(italic)
        properties.SetVerticalJustificationToBottom()
        {
            "left": properties.SetJustificationToLeft,
            "center": properties.SetJustificationToCentered,
            "right": properties.SetJustificationToRight,
        }[align]()
        self.actor.SetInput(text)
        self.actor.SetPosition(x, y)
        self.actor.SetVisibility(bool(text))


class Shape:
    """Filled polygons of one color."""

    def __init__(self, renderer: Any, opacity: float = 1.0) -> None:
        self._data = vtk.vtkPolyData()
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputData(self._data)
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(mapper)
        self.actor.GetProperty().SetOpacity(opacity)
        renderer.AddViewProp(self.actor)

    def show(self, polygons: list[np.ndarray], color: Color) -> None:
        """Draw convex polygons (n, 2); none of them hides the shape."""
        points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
        for polygon in polygons:
            cells.InsertNextCell(len(polygon))
            for x, y in polygon:
                cells.InsertCellPoint(points.InsertNextPoint(float(x), float(y), 0.0))
        self._data.Initialize()
        self._data.SetPoints(points)
        self._data.SetPolys(cells)
        self.actor.GetProperty().SetColor(*color)
        self.actor.SetVisibility(bool(polygons))


def rectangle(left: float, bottom: float, right: float, top: float) -> np.ndarray:
    """A rectangle as a polygon (4, 2)."""
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])


def frame_polygons(left: float, bottom: float, right: float, top: float, width: float) -> list[np.ndarray]:
    """Four bars that frame a rectangle, inside it."""
    return [
        rectangle(left, bottom, right, bottom + width),
        rectangle(left, top - width, right, top),
        rectangle(left, bottom, left + width, top),
        rectangle(right - width, bottom, right, top),
    ]


def badge_polygons(badge: Badge, x: float, y: float, size: float) -> list[np.ndarray]:
    """The badge as convex polygons (n, 2) in pixels, centred on (x, y)."""
    return [np.array([x, y]) + 0.5 * size * shape for shape in _BADGES[badge]]


def _arc(start_deg: float, end_deg: float, radius: float, width: float, steps: int = 24) -> list[np.ndarray]:
    angles = np.radians(np.linspace(start_deg, end_deg, steps + 1))
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner = radius - width
    return [np.array([radius * a, radius * b, inner * b, inner * a]) for a, b in pairwise(rim)]


def _bar(start: tuple[float, float], end: tuple[float, float], width: float) -> np.ndarray:
    first, last = np.array(start), np.array(end)
    along = (last - first) / np.linalg.norm(last - first)
    side = 0.5 * width * np.array([-along[1], along[0]])
    return np.array([first - side, last - side, last + side, first + side])


_CIRCLE = np.array([[np.cos(angle), np.sin(angle)] for angle in np.linspace(0.0, 2.0 * np.pi, 25)[:-1]])
# Of radius 1 about the origin, y upward.
_BADGES: dict[Badge, list[np.ndarray]] = {
    Badge.DISK: [_CIRCLE],
    Badge.RING: _arc(0.0, 360.0, 1.0, 0.4),
    Badge.CROSS: [_bar((-0.7, -0.7), (0.7, 0.7), 0.44), _bar((-0.7, 0.7), (0.7, -0.7), 0.44)],
    Badge.SQUARE: frame_polygons(-0.9, -0.9, 0.9, 0.9, 0.3),
    Badge.TRIANGLE: [np.array([[-1.0, -0.8], [1.0, -0.8], [0.0, 1.0]])],
    Badge.CHECK: [_bar((-0.95, 0.05), (-0.2, -0.7), 0.42), _bar((-0.35, -0.75), (0.95, 0.75), 0.42)],
    Badge.DIAMOND: [np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])],
    Badge.QUESTION: [
        *(polygon + np.array([0.0, 0.35]) for polygon in _arc(180.0, -80.0, 0.62, 0.34)),
        _bar((0.0, -0.5), (0.0, -0.05), 0.34),
        rectangle(-0.18, -1.0, 0.18, -0.66),
    ],
}
