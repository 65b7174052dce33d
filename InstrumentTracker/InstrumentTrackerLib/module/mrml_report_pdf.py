"""The report as PDF, by Qt's text document."""

from pathlib import Path

import qt
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.case_log.core_scheme import core_scheme
from InstrumentTrackerLib.case_log.report import PICTURE_SIZE_MM, SCHEME_SIZE_MM, compose_report
from InstrumentTrackerLib.module.mrml_scheme_painter import schemeImage

# The page is laid out in these units and then scaled to the paper, whatever the screen's resolution.
_PAGE_WIDTH = 794  # A4 at 96 per inch
_MM = 96 / 25.4
_MARGIN = 38
_SCHEME_SCALE = 4  # finer than the page's units
_RESOLUTION = 300


def writePdfReport(path, case, picture):
    """Write the report of a case on A4 pages.

    Raises InputError if the file cannot be written.

    :param case: ReportCase.
    :param picture: gives the PNG of a core, or None.
    """
    document = qt.QTextDocument()
    document.setDocumentMargin(_MARGIN)
    document.setHtml(
        compose_report(
            case,
            lambda record: _pictureTag(document, record, picture(record)),
            lambda record: _schemeTag(document, record),
        )
    )
    with written_atomically(Path(path)) as temporary:
        _paint(document, str(temporary))
        if not temporary.is_file() or temporary.stat().st_size == 0:
            raise InputError(f"cannot write {path}: the PDF could not be made; check free space and permissions")


def _paint(document, path):
    writer = qt.QPdfWriter(path)  # A4 is its default
    writer.setResolution(_RESOLUTION)
    painter = qt.QPainter()
    if not painter.begin(writer):
        return
    paper = painter.viewport()
    scale = paper.width() / _PAGE_WIDTH
    pageHeight = paper.height() / scale
    document.setPageSize(qt.QSizeF(_PAGE_WIDTH, pageHeight))
    painter.scale(scale, scale)
    for page in range(document.pageCount()):
        if page > 0:
            writer.newPage()
        painter.save()
        painter.translate(0, -page * pageHeight)
        document.drawContents(painter, qt.QRectF(0, page * pageHeight, _PAGE_WIDTH, pageHeight))
        painter.restore()
    painter.end()


def _pictureTag(document, record, data):
    image = qt.QImage()
    if data is None or not image.loadFromData(data):
        return ""
    return _imageTag(document, f"picture-{record.number}", image, PICTURE_SIZE_MM)


def _schemeTag(document, record):
    scheme = core_scheme(record)
    if scheme is None:
        return ""
    size = [round(_SCHEME_SCALE * _MM * length) for length in SCHEME_SIZE_MM]
    return _imageTag(document, f"scheme-{record.number}", schemeImage(scheme, *size), SCHEME_SIZE_MM)


def _imageTag(document, name, image, sizeMm):
    """Give the image to the document under a name; returns the tag that shows it within a box on paper."""
    document.addResource(qt.QTextDocument.ImageResource, qt.QUrl(name), image)
    scale = min(_MM * sizeMm[0] / image.width(), _MM * sizeMm[1] / image.height())
    return f'<img src="{name}" width="{round(scale * image.width())}" height="{round(scale * image.height())}">'
