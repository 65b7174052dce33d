"""A small plot of the latency over the last minute, painted into a label."""

import itertools
import math
import statistics
from collections import deque

import qt
from slicer.i18n import tr as _

SHOWN_S = 60.0
# Left of the axis there is room for "1000 ms", below it for the times.
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 8, 8, 20
_LATENCY_COLOR = "#3f8fd2"


class LatencyPlot:
    """Latency in ms over time in s; the newest picture at the right edge.

    :param label: QLabel that shows the plot, at its own size.
    """

    def __init__(self, label):
        self._label = label
        self._samples = deque()

    @property
    def hasSamples(self):
        return bool(self._samples)

    def clear(self):
        self._samples.clear()

    def add(self, time_s, latency_s):
        """Note the latency of a picture that came at this time of a monotonic clock."""
        self._samples.append((time_s, 1e3 * latency_s))
        while self._samples[0][0] < time_s - SHOWN_S:
            self._samples.popleft()

    def draw(self, now_s):
        """Paint the last minute before ``now_s`` with the colors of the label, so that it suits any theme."""
        width, height = self._label.width, self._label.height
        pixmap = qt.QPixmap(width, height)
        pixmap.fill(qt.QColor(0, 0, 0, 0))
        painter = qt.QPainter()
        painter.begin(pixmap)
        try:
            self._paint(painter, width, height, now_s)
        finally:
            painter.end()
        self._label.setPixmap(pixmap)

    def _paint(self, painter, width, height, now_s):
        text = self._label.palette.color(qt.QPalette.WindowText)
        faint = qt.QColor(text.red(), text.green(), text.blue(), 70)
        right, bottom = width - _RIGHT, height - _BOTTOM
        top_ms = axisTop(max((latency for _time, latency in self._samples), default=0.0))

        def x(time_s):
            return round(right - (now_s - time_s) / SHOWN_S * (right - _LEFT))

        def y(latency_ms):
            return round(bottom - latency_ms / top_ms * (bottom - _TOP))

        for latency in (0.0, 0.5 * top_ms, top_ms):
            painter.setPen(penOf(faint))
            painter.drawLine(_LEFT, y(latency), right, y(latency))
            painter.setPen(penOf(text))
            painter.drawText(2, y(latency) + 5, durationText(latency))
        for seconds, place in ((60, _LEFT), (30, (_LEFT + right) // 2 - 16), (0, right - 26)):
            painter.drawText(place, height - 4, _("-{seconds} s").format(seconds=seconds) if seconds else _("now"))
        points = [(x(time_s), y(latency)) for time_s, latency in self._samples if time_s >= now_s - SHOWN_S]
        painter.setPen(penOf(qt.QColor(_LATENCY_COLOR), width=2))
        for before, after in itertools.pairwise(points):
            painter.drawLine(*before, *after)
        if len(points) > 1:
            median = statistics.median(latency for _time, latency in self._samples)
            painter.setPen(penOf(text, style=qt.Qt.DashLine))
            painter.drawLine(_LEFT, y(median), right, y(median))


def durationText(duration_ms):
    """Short enough for the axis."""
    if duration_ms < 1000:
        return _("{duration:.0f} ms").format(duration=duration_ms)
    return _("{duration:g} s").format(duration=duration_ms / 1e3)


def penOf(color, width=1, style=qt.Qt.SolidLine):
    pen = qt.QPen(color)
    pen.setWidth(width)
    pen.setStyle(style)
    return pen


def axisTop(latency_ms):
    """A round number for the end of the axis, at least 100 ms: 100, 200, 500, 1000, ..."""
    decade = 10.0 ** max(2, math.floor(math.log10(max(latency_ms, 1.0))))
    return next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= latency_ms)
