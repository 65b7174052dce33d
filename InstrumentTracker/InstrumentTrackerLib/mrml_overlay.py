"""The readout drawn over a view: state badge, words and numbers, large enough to read across the room.

Works on the renderer of any slice or 3D view, in the desktop
(``sliceWidget.sliceView().renderWindow().GetRenderers().GetFirstRenderer()``) or offscreen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import ArrayLike
from TemporalReconLib.mrml_nodes import numpy_matrix

from InstrumentTrackerLib.mrml_readout import NOTICE, Readout
from InstrumentTrackerLib.mrml_style import WHITE, Badge, Color, DisplayStatus


def direction_letters(direction: ArrayLike) -> str:
    """Patient directions of a RAS vector, strongest first: "S", or "SA" where it is oblique."""
    vector = np.asarray(direction, dtype=np.float64)
    order = np.argsort(-np.abs(vector))
    strong = [index for index in order if abs(vector[index]) > 0.35 * abs(vector[order[0]])]
    return "".join("RAS"[index] if vector[index] > 0 else "LPI"[index] for index in strong[:2])


class _Text:
    """One line of text at a place given in pixels, with a dark plate behind it."""

    def __init__(self, renderer: Any, bold: bool = False, plate: bool = True) -> None:
        self.actor = vtk.vtkTextActor()
        properties = self.actor.GetTextProperty()
        properties.SetFontFamilyToArial()
        properties.SetBold(bold)
        if plate:
            properties.SetBackgroundColor(0.0, 0.0, 0.0)
            properties.SetBackgroundOpacity(0.6)
        renderer.AddViewProp(self.actor)

    def show(self, text: str, x: float, y: float, height: float, color: Color, align: str = "left") -> None:
        properties = self.actor.GetTextProperty()
        properties.SetFontSize(max(8, round(height)))
        properties.SetColor(*color)
        properties.SetVerticalJustificationToBottom()
        {
            "left": properties.SetJustificationToLeft,
            "center": properties.SetJustificationToCentered,
            "right": properties.SetJustificationToRight,
        }[align]()
        self.actor.SetInput(text)
        self.actor.SetPosition(x, y)
        self.actor.SetVisibility(bool(text))


class _Shape:
    """A flat polygon or outline in pixels."""

    def __init__(self, renderer: Any) -> None:
        self._data = vtk.vtkPolyData()
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputData(self._data)
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(mapper)
        renderer.AddViewProp(self.actor)

    def show(self, polygons: list[np.ndarray], color: Color) -> None:
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


def badge_polygons(badge: Badge, x: float, y: float, size: float) -> list[np.ndarray]:
    """The badge as convex polygons (n, 2) in pixels, centred on (x, y)."""
    radius = 0.5 * size
    angles = np.linspace(0.0, 2.0 * np.pi, 25)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    if badge is Badge.DISK:
        shapes = [circle[:-1]]
    elif badge is Badge.RING:
        shapes = [
            np.array([circle[i], circle[i + 1], 0.6 * circle[i + 1], 0.6 * circle[i]]) for i in range(len(circle) - 1)
        ]
    elif badge is Badge.CROSS:
        bar = np.array([[-1.0, -0.22], [1.0, -0.22], [1.0, 0.22], [-1.0, 0.22]])
        turn = np.sqrt(0.5) * np.array([[1.0, -1.0], [1.0, 1.0]])
        shapes = [bar @ turn, bar @ turn.T]
    elif badge is Badge.TRIANGLE:
        shapes = [np.array([[-1.0, -0.8], [1.0, -0.8], [0.0, 1.0]])]
    else:
        shapes = [_side for _side in _frame_polygons(-0.9, -0.9, 0.9, 0.9, 0.3)]
    return [np.array([x, y]) + radius * shape for shape in shapes]


def _frame_polygons(left: float, bottom: float, right: float, top: float, width: float) -> list[np.ndarray]:
    """Four bars that frame a rectangle, inside it."""
    bars = (
        (left, bottom, right, bottom + width),
        (left, top - width, right, top),
        (left, bottom, left + width, top),
        (right - width, bottom, right, top),
    )
    return [np.array([[a, b], [c, b], [c, d], [a, d]]) for a, b, c, d in bars]


class ViewOverlay:
    """Compact readout in the corners of a view, and a frame around it when something is wrong.

    Parameters
    ----------
    renderer
        ``vtkRenderer`` of the view.
    title
        Name of the view, top right.
    slice_node
        The view's ``vtkMRMLSliceNode``, whose edges are then lettered R, L, A, P, S, I; None for a 3D view.
    """

    def __init__(self, renderer: Any, title: str = "", slice_node: Any | None = None) -> None:
        self._renderer = renderer
        self._title_text = title
        self._slice_node = slice_node
        self._frame, self._badge = _Shape(renderer), _Shape(renderer)
        self._status, self._headline = _Text(renderer, bold=True), _Text(renderer, bold=True)
        self._detail, self._age = _Text(renderer), _Text(renderer)
        self._title, self._notice = _Text(renderer), _Text(renderer)
        self._letters = [_Text(renderer) for _ in range(4)] if slice_node is not None else []

    def show(self, readout: Readout) -> None:
        """Draw at the next render of the view."""
        width, height = self._renderer.GetSize()
        color, line = readout.style.color, 0.052 * height
        left, top = 0.025 * height, height - 0.025 * height
        big = (1.7 if readout.style.warns else 1.0) * line
        number_color = WHITE if readout.status is DisplayStatus.TRACKED else color
        self._frame.show(_frame_polygons(0, 0, width, height, 0.016 * height) if readout.style.warns else [], color)
        self._badge.show(badge_polygons(readout.style.badge, left + 0.5 * big, top - 0.6 * big, big), color)
        self._status.show(readout.status.value, left + 1.4 * big, top - 1.25 * big, big, color)
        self._headline.show(readout.headline, left, top - 2.95 * line, 1.3 * line, number_color)
        label = readout.headline_label if readout.headline else ""
        self._detail.show(label, left, top - 3.85 * line, 0.65 * line, WHITE)
        age = f"age {readout.age}" if readout.age else ""
        self._age.show(age, width - left, left, 0.85 * line, color, align="right")
        self._title.show(self._title_text, width - left, top - 0.9 * line, 0.7 * line, WHITE, align="right")
        self._notice.show(readout.warning or NOTICE, left, left + 1.05 * line, 0.54 * line, WHITE)
        self._show_letters(width, height, left, 0.75 * line)

    def _show_letters(self, width: int, height: int, margin: float, size: float) -> None:
        if self._slice_node is None:
            return
        matrix = numpy_matrix(self._slice_node.GetSliceToRAS())
        right, up = matrix[:3, 0], matrix[:3, 1]
        middle = 0.5 * height - 0.5 * size
        places = (
            (right, width - margin, middle, "right"),
            (-right, margin, middle, "left"),
            (up, 0.5 * width, height - margin - size, "center"),
            (-up, 0.5 * width, margin + 1.35 * size, "center"),  # above Slicer's ruler
        )
        for letter, (direction, x, y, align) in zip(self._letters, places, strict=True):
            letter.show(direction_letters(direction), x, y, size, WHITE, align)

    def remove(self) -> None:
        """Take the overlay off the view."""
        texts = (self._status, self._headline, self._detail, self._age, self._title, self._notice, *self._letters)
        for actor in (self._frame.actor, self._badge.actor, *(text.actor for text in texts)):
            self._renderer.RemoveViewProp(actor)


class ReadoutPanel:
    """The whole readout in very large letters, filling a renderer of its own."""

    N_ROWS = 5

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._frame, self._badge = _Shape(renderer), _Shape(renderer)
        self._status, self._headline = _Text(renderer, True, plate=False), _Text(renderer, True, plate=False)
        self._explanation, self._label = _Text(renderer, plate=False), _Text(renderer, plate=False)
        self._labels = [_Text(renderer, plate=False) for _ in range(self.N_ROWS)]
        self._values = [_Text(renderer, True, plate=False) for _ in range(self.N_ROWS)]
        self._age_label, self._age = _Text(renderer, plate=False), _Text(renderer, True, plate=False)
        self._notice = _Text(renderer, plate=False)

    def show(self, readout: Readout) -> None:
        """Draw at the next render."""
        width, height = self._renderer.GetSize()
        color, unit = readout.style.color, height / 100.0
        left, right = 4 * unit, width - 4 * unit
        self._frame.show(_frame_polygons(0, 0, width, height, 1.5 * unit), color)
        self._badge.show(badge_polygons(readout.style.badge, left + 5 * unit, 90 * unit, 9 * unit), color)
        self._status.show(readout.status.value, left + 13 * unit, 84.5 * unit, 11 * unit, color)
        self._explanation.show(readout.explanation, left, 76.5 * unit, 5 * unit, color)
        number_color = WHITE if readout.status is DisplayStatus.TRACKED else color
        self._headline.show(readout.headline, left, 56 * unit, 18 * unit, number_color)
        self._label.show(readout.headline_label, left, 50.5 * unit, 5 * unit, WHITE)
        for index, (label, value) in enumerate(zip(self._labels, self._values, strict=True)):
            words = readout.rows[index] if index < len(readout.rows) else ("", "")
            y = (42.0 - 6.8 * index) * unit
            label.show(words[0], left, y, 4.8 * unit, WHITE)
            value.show(words[1], right, y, 5.2 * unit, number_color, align="right")
        self._age_label.show("Picture age" if readout.age else "", left, 7.5 * unit, 5.2 * unit, color)
        self._age.show(readout.age, right, 7.5 * unit, 5.6 * unit, color, align="right")
        self._notice.show(readout.warning or NOTICE, left, 2.2 * unit, 3.6 * unit, WHITE)
