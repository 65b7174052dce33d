"""Core schemes and pictures as Qt images."""

import qt

from InstrumentTrackerLib.case_log.core_scheme import PAPER_COLOR, TEXT_MM, Circle, Line


def schemeImage(scheme, width, height):
    """A core's scheme as QImage that fits into width x height pixels."""
    scale = min(width / scheme.width, height / scheme.height)
    image = qt.QImage(round(scale * scheme.width), round(scale * scheme.height), qt.QImage.Format_ARGB32)
    image.fill(qt.QColor(PAPER_COLOR))
    painter = qt.QPainter()
    painter.begin(image)
    painter.setRenderHint(qt.QPainter.Antialiasing, True)
    font = painter.font()
    font.setPixelSize(max(7, round(scale * TEXT_MM)))
    painter.setFont(font)
    for shape in scheme.shapes:
        _draw(painter, shape, scale)
    painter.end()
    return image


def pngPixmap(data, width, height):
    """A PNG file's content as QPixmap that fits into width x height pixels; None where it is no picture."""
    pixmap = qt.QPixmap()
    if not pixmap.loadFromData(data):
        return None
    return pixmap.scaled(width, height, qt.Qt.KeepAspectRatio, qt.Qt.SmoothTransformation)


def _draw(painter, shape, scale):
    color = qt.QColor(shape.color)
    if isinstance(shape, Line):
        pen = qt.QPen(color)
        pen.setWidthF(scale * shape.width)
        pen.setCapStyle(qt.Qt.FlatCap)
        pen.setStyle(qt.Qt.DashLine if shape.dashed else qt.Qt.SolidLine)
        painter.setPen(pen)
        painter.drawLine(qt.QPointF(scale * shape.x1, scale * shape.y1), qt.QPointF(scale * shape.x2, scale * shape.y2))
    elif isinstance(shape, Circle):
        pen = qt.QPen(color)
        pen.setWidthF(scale * shape.width)
        painter.setPen(pen)
        painter.setBrush(qt.QBrush(color) if shape.filled else qt.QBrush())
        painter.drawEllipse(qt.QPointF(scale * shape.x, scale * shape.y), scale * shape.radius, scale * shape.radius)
    else:
        painter.setPen(qt.QPen(color))
        width = painter.fontMetrics().boundingRect(shape.text).width()
        x = scale * shape.x - (width if shape.ends_here else 0)
        painter.drawText(qt.QPointF(x, scale * shape.y), shape.text)
