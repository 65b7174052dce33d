"""The readout drawn over a view: state badge, words and numbers, large enough to read across the room.

Works on the renderer of any slice or 3D view, in the desktop
(``sliceWidget.sliceView().renderWindow().GetRenderers().GetFirstRenderer()``) or offscreen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from TemporalReconLib.scene.mrml_nodes import numpy_matrix

from InstrumentTrackerLib.notice import NOTICE
from InstrumentTrackerLib.palette import BLACK, WHITE
from InstrumentTrackerLib.scene.mrml_drawing import Shape, Text, badge_polygons, frame_polygons, rectangle
from InstrumentTrackerLib.scene.mrml_readout import Readout
from InstrumentTrackerLib.scene.mrml_style import DisplayStatus

# How much of an old picture is taken away: it must not look like a live one.
_VEIL = 0.55


def direction_letters(direction: ArrayLike) -> str:
    """Patient directions of a RAS vector, strongest first: "S", or "SA" where it is oblique."""
    vector = np.asarray(direction, dtype=np.float64)
    order = np.argsort(-np.abs(vector))
    strong = [index for index in order if abs(vector[index]) > 0.35 * abs(vector[order[0]])]
    return "".join("RAS"[index] if vector[index] > 0 else "LPI"[index] for index in strong[:2])


class ViewOverlay:
    """Compact readout in the corners of a view; a frame around it when something is wrong, a veil over what is old.

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
        self._veil = Shape(renderer, opacity=_VEIL)
        self._frame, self._badge, self._mark = Shape(renderer), Shape(renderer), Shape(renderer)
        self._status, self._headline, self._verdict = (Text(renderer, bold=True) for _ in range(3))
        self._detail, self._age, self._title, self._notice = (Text(renderer) for _ in range(4))
        self._letters = [Text(renderer) for _ in range(4)] if slice_node is not None else []

    def show(self, readout: Readout) -> None:
        """Draw at the next render of the view."""
        width, height = self._renderer.GetSize()
        color, line = readout.style.color, 0.052 * height
        left, top = 0.025 * height, height - 0.025 * height
        big = (1.7 if readout.style.warns else 1.0) * line
        is_tracked, is_stale = readout.status is DisplayStatus.TRACKED, readout.status is DisplayStatus.STALE
        self._veil.show([rectangle(0, 0, width, height)] if is_stale else [], BLACK)
        self._frame.show(frame_polygons(0, 0, width, height, 0.016 * height) if readout.style.warns else [], color)
        self._badge.show(badge_polygons(readout.style.badge, left + 0.5 * big, top - 0.6 * big, big), color)
        word = f"{readout.status.value} {readout.age}" if is_stale else readout.status.value
        words = f"{word} - {readout.event}" if readout.event else word
        self._status.show(words, left + 1.4 * big, top - 1.25 * big, big, color)
        number_color = WHITE if is_tracked else color
        self._headline.show(readout.headline, left, top - 2.95 * line, 1.3 * line, number_color, italic=not is_tracked)
        self._detail.show(
            readout.headline_label if readout.headline else "", left, top - 3.85 * line, 0.65 * line, WHITE
        )
        self._show_verdict(readout, left, top - 5.2 * line, line)
        age = f"age {readout.age}" if readout.age else ""
        self._age.show(age, width - left, left, 0.85 * line, color, align="right")
        self._title.show(self._title_text, width - left, top - 0.9 * line, 0.7 * line, WHITE, align="right")
        self._notice.show(readout.warning or NOTICE, left, left + 1.05 * line, 0.54 * line, WHITE, width=0.75 * width)
        self._show_letters(width, height, left, 0.75 * line)

    def _show_verdict(self, readout: Readout, left: float, y: float, line: float) -> None:
        style = readout.verdict_style
        if style is None:
            self._mark.show([], WHITE)
            self._verdict.show("", left, y, line, WHITE)
            return
        self._mark.show(badge_polygons(style.badge, left + 0.4 * line, y + 0.55 * line, 0.8 * line), style.color)
        self._verdict.show(readout.verdict_text, left + 1.1 * line, y, 0.85 * line, style.color)

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
        texts = (self._status, self._headline, self._verdict, self._detail, self._age, self._title, self._notice)
        shapes = (self._veil, self._frame, self._badge, self._mark)
        for actor in (*(shape.actor for shape in shapes), *(text.actor for text in (*texts, *self._letters))):
            self._renderer.RemoveViewProp(actor)
