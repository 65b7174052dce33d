"""The whole readout in very large letters, for a screen that is read from three meters in a dark room."""

from __future__ import annotations

from typing import Any

from InstrumentTrackerLib.notice import NOTICE
from InstrumentTrackerLib.palette import BLACK, WHITE, Color
from InstrumentTrackerLib.scene.mrml_drawing import Shape, Text, badge_polygons, frame_polygons, rectangle
from InstrumentTrackerLib.scene.mrml_readout import Readout
from InstrumentTrackerLib.scene.mrml_style import DisplayStatus

_N_FIGURES = 4


class ReadoutPanel:
    """Fills a renderer; whatever the renderer draws beside it is covered.

    From top to bottom: state and age, verdict on the core, distance and steering, the side to steer to, and what
    the numbers rest on.

    Parameters
    ----------
    renderer
        ``vtkRenderer`` of a 3D view, or of a view of its own.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._ground, self._frame, self._badge = Shape(renderer), Shape(renderer), Shape(renderer)
        self._band, self._mark = Shape(renderer), Shape(renderer)

        def text(bold: bool = False) -> Text:
            return Text(renderer, bold, plate=False)

        self._status, self._event, self._age, self._verdict, self._headline = (text(bold=True) for _ in range(5))
        self._explanation, self._age_label, self._note, self._label = (text() for _ in range(4))
        self._captions = [text() for _ in range(_N_FIGURES)]
        self._values = [text(bold=True) for _ in range(_N_FIGURES)]
        self._direction, self._warning, self._notice = text(bold=True), text(bold=True), text()

    def show(self, readout: Readout) -> None:
        """Draw at the next render."""
        width, height = self._renderer.GetSize()
        color, unit = readout.style.color, height / 100.0
        left, right = 4 * unit, width - 4 * unit
        is_tracked = readout.status is DisplayStatus.TRACKED
        number_color = WHITE if is_tracked else color
        self._ground.show([rectangle(0, 0, width, height)], BLACK)
        self._frame.show(frame_polygons(0, 0, width, height, (3.0 if readout.style.warns else 1.2) * unit), color)
        self._badge.show(badge_polygons(readout.style.badge, left + 6 * unit, 89 * unit, 10 * unit), color)
        self._status.show(readout.status.value, left + 14 * unit, 83 * unit, 11 * unit, color, width=0.6 * width)
        y, size = (76, 5) if readout.status.has_numbers else (60, 9)
        self._explanation.show(readout.explanation, left, y * unit, size * unit, color, width=right - left)
        self._event.show(readout.event, right, 75 * unit, 7.5 * unit, WHITE, align="right")
        self._age_label.show("picture age" if readout.age else "", right, 92 * unit, 4.2 * unit, color, align="right")
        self._age.show(readout.age, right, 84 * unit, 8 * unit, color, align="right")
        self._show_verdict(readout, width, unit)
        self._show_figures(readout, left, right, unit, number_color, italic=not is_tracked)
        self._direction.show(
            readout.direction, left, 14.5 * unit, 6.2 * unit, number_color, width=right - left, italic=not is_tracked
        )
        remarks = [readout.warning, *readout.notes]
        remark = next(filter(None, remarks), "")
        self._warning.show(remark, left, 8 * unit, 4.8 * unit, WHITE, width=right - left)
        self._notice.show(NOTICE, left, 3.4 * unit, 3.2 * unit, WHITE, width=right - left)

    def remove(self) -> None:
        """Take the readout off the renderer."""
        shapes = (self._ground, self._frame, self._badge, self._band, self._mark)
        texts = (
            *(self._status, self._event, self._age, self._verdict, self._headline),
            *(self._explanation, self._age_label, self._note, self._label),
            *(*self._captions, *self._values, self._direction, self._warning, self._notice),
        )
        for actor in (*(shape.actor for shape in shapes), *(text.actor for text in texts)):
            self._renderer.RemoveViewProp(actor)

    def _show_verdict(self, readout: Readout, width: int, unit: float) -> None:
        """A band in the verdict's color with its shape and its word; of a predicted one only the rim."""
        style = readout.verdict_style
        bottom, top, left = 56 * unit, 74 * unit, 4 * unit
        if style is None:
            self._band.show([], WHITE)
            self._mark.show([], WHITE)
            self._verdict.show("", left, bottom, unit, BLACK)
            self._note.show("", left, bottom, unit, BLACK)
            return
        is_hollow = readout.status is DisplayStatus.PREDICTED
        band = frame_polygons(left, bottom, width - left, top, 1.2 * unit)
        self._band.show(band if is_hollow else [rectangle(left, bottom, width - left, top)], style.color)
        ink = style.color if is_hollow else BLACK
        self._mark.show(badge_polygons(style.badge, left + 9 * unit, 0.5 * (bottom + top), 11 * unit), ink)
        start = left + 18 * unit
        self._verdict.show(readout.verdict_text, start, 63 * unit, 9.5 * unit, ink, width=width - start - 2 * left)
        self._note.show(readout.verdict_note, start, 57.3 * unit, 4.8 * unit, ink, width=width - start - 2 * left)

    def _show_figures(
        self, readout: Readout, left: float, right: float, unit: float, color: Color, italic: bool
    ) -> None:
        """Distance on the left, the other figures in two columns beside it."""
        has = bool(readout.headline)
        third = (right - left) / 3
        self._headline.show(readout.headline, left, 30 * unit, 17 * unit, color, width=1.15 * third, italic=italic)
        self._label.show(readout.headline_label, left, 48 * unit if has else 40 * unit, 4.6 * unit, WHITE, width=third)
        for index, (caption, value) in enumerate(zip(self._captions, self._values, strict=True)):
            words = readout.figures[index] if index < len(readout.figures) else ("", "")
            x = left + (1.22 if index % 2 == 0 else 2.13) * third
            y = (38.5 if index < 2 else 21.5) * unit
            caption.show(words[0], x, y + 9 * unit, 4.6 * unit, WHITE, width=0.82 * third)
            value.show(words[1], x, y, 9 * unit, color, width=0.82 * third, italic=italic)
