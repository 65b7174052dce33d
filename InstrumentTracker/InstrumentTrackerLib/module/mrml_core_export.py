"""Cores as CSV, and the report as HTML or PDF, written into the case's folder."""

import html

import qt
from slicer.i18n import tr as _
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.case_log.background_job import BackgroundJob
from InstrumentTrackerLib.case_log.core_table import write_cores_csv
from InstrumentTrackerLib.case_log.report import ReportCase, html_report
from InstrumentTrackerLib.module.mrml_report_pdf import writePdfReport


class CoreExport:
    """The export buttons of Log.ui.

    :param currentLog: gives the case's log.
    """

    def __init__(self, ui, currentLog):
        self.ui = ui
        self._currentLog = currentLog
        self._job = BackgroundJob()
        ui.coresCsvButton.connect("clicked(bool)", self.onCsv)
        ui.reportHtmlButton.connect("clicked(bool)", self.onHtml)
        ui.reportPdfButton.connect("clicked(bool)", self.onPdf)

    def onCsv(self, checked=False):
        log = self._currentLog()
        records = log.records
        self._write(log.folder / "cores.csv", lambda path: write_cores_csv(path, [(log.name, records)]))

    def onHtml(self, checked=False):
        log = self._currentLog()
        case = ReportCase.of(log)

        def write(path):
            with written_atomically(path) as temporary:
                temporary.write_text(html_report(case, log.picture), encoding="utf-8")

        self._write(log.folder / "report.html", write)

    def onPdf(self, checked=False):
        """Qt draws on the main thread only."""
        log = self._currentLog()
        path = log.folder / "report.pdf"
        try:
            writePdfReport(path, ReportCase.of(log), log.picture)
        except InputError as error:
            self._showError(error)
        else:
            self._showPath(path)

    def update(self):
        """Say how writing ended; call it often."""
        outcome = self._job.take()
        if outcome is None:
            return
        if outcome.error is None:
            self._showPath(outcome.result)
        else:
            self._showError(outcome.error)

    def _write(self, path, write):
        """Write on a thread; the disk may be slow."""
        if self._job.is_running:
            return
        self.ui.coreExportLabel.text = _("Writing {name}...").format(name=html.escape(path.name))

        def run():
            write(path)
            return path

        self._job.start(run)

    def _showPath(self, path):
        link = html.escape(qt.QUrl.fromLocalFile(str(path)).toString())
        self.ui.coreExportLabel.text = _("Written: {link}").format(
            link=f'<a href="{link}">{html.escape(str(path.name))}</a>'
        )

    def _showError(self, error):
        self.ui.coreExportLabel.text = f"\N{MULTIPLICATION X} <b>{html.escape(str(error))}</b>"
