"""The section *Review*: recorded cases, moment by moment and core by core, with statistics over all of them."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.case_log.background_job import BackgroundJob
from InstrumentTrackerLib.case_log.case_log import case_folders
from InstrumentTrackerLib.case_log.core_table import write_cores_csv, write_cores_json
from InstrumentTrackerLib.case_log.recorded_case import load_case, with_images
from InstrumentTrackerLib.case_log.report import ReportCase, html_report
from InstrumentTrackerLib.module.mrml_core_rows import selectedNumber, showCores
from InstrumentTrackerLib.module.mrml_review_player import ReviewPlayer
from InstrumentTrackerLib.module.mrml_review_text import errorText, showCases, writtenText
from InstrumentTrackerLib.scene.mrml_case_review import images_of_sequence

SERIES_FILTER = "*.nrrd *.nhdr *.mha *.mhd *.nii *.nii.gz *.h5 *.hdf5 *.mrd"
_POLL_MSEC = 100


class ReviewSection(VTKObservationMixin):
    """Controls of Review.ui. Files are read and written on a thread.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Review")``.
    :param isGuidanceActive: says whether a live session is going on; then nothing recorded is shown in the views.
    """

    def __init__(self, ui, isGuidanceActive=lambda: False):
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self.cases = []
        self._job = BackgroundJob()
        self._onDone = None
        self._player = ReviewPlayer(ui, lambda: self.case, isGuidanceActive)
        ui.reviewAddCaseButton.connect("clicked(bool)", self.onAddCases)
        ui.reviewAddTrackButton.connect("clicked(bool)", self.onAddTrack)
        ui.reviewRemoveCaseButton.connect("clicked(bool)", self.onRemoveCase)
        ui.reviewSeriesButton.connect("clicked(bool)", self.onSeries)
        ui.reviewSceneButton.connect("clicked(bool)", self.onOpenScene)
        ui.reviewSequenceButton.connect("clicked(bool)", self.onSequence)
        ui.reviewCsvButton.connect("clicked(bool)", self.onCsv)
        ui.reviewJsonButton.connect("clicked(bool)", self.onJson)
        ui.reviewReportButton.connect("clicked(bool)", self.onReport)
        ui.reviewCaseTable.connect("itemSelectionChanged()", self.showCase)
        ui.reviewCoreTable.connect("itemSelectionChanged()", self.onCoreSelected)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MSEC)
        self._timer.connect("timeout()", self.update)
        self._shows = None
        self.showCases()

    def close(self):
        """Let go of timer and observers, and take the review out of the scene."""
        self._timer.stop()
        self.removeObservers()
        self._player.close()

    @property
    def case(self):
        """The selected case, None without one."""
        row = self.ui.reviewCaseTable.currentRow()
        return self.cases[row] if 0 <= row < len(self.cases) else None

    def update(self):
        """Take what the thread has read or written."""
        outcome = self._job.take()
        if outcome is None:
            return
        self._timer.stop()
        self._setBusy(False)
        if outcome.error is None:
            self._onDone(outcome.result)
        else:
            self._say(errorText(outcome.error))

    def onAddCases(self, checked=False):
        folder = qt.QFileDialog.getExistingDirectory(None, _("Folder of a case, or of several"), "")
        if folder:
            self.addCases(folder)

    def addCases(self, folder):
        """Load the case in a folder, or those one folder below."""
        self._run(_("Reading {path}...").format(path=folder), lambda: _loadedCases(Path(folder)), self._onLoaded)

    def onAddTrack(self, checked=False):
        path = qt.QFileDialog.getOpenFileName(None, _("Track"), "", "track.csv (*.csv)")
        if path:
            self.addTrack(path)

    def addTrack(self, path):
        """Load a track of ``instrument-tracker track``; its pictures come with :meth:`useSeries`."""
        self._run(_("Reading {path}...").format(path=path), lambda: ([load_case(Path(path))], []), self._onLoaded)

    def onSeries(self, checked=False):
        path = qt.QFileDialog.getOpenFileName(None, _("Recorded pictures"), "", f"{_('Pictures')} ({SERIES_FILTER})")
        if path:
            self.useSeries(path)

    def useSeries(self, path):
        """Take the selected case's pictures from a file."""
        case = self.case
        source = case.folder if case.log is not None else case.folder / f"{case.name}.csv"

        def onLoaded(loaded):
            self._replace(case, loaded)

        self._run(_("Reading {path}...").format(path=path), lambda: load_case(source, Path(path)), onLoaded)

    def onSequence(self, checked=False):
        """Take the selected case's pictures from the sequence in the scene."""
        case, sequence = self.case, self._sequence()
        if case is None or sequence is None:
            return
        try:
            self._replace(case, with_images(case, images_of_sequence(sequence)))
        except InputError as error:
            self._say(errorText(error))

    def onOpenScene(self, checked=False):
        case = self.case
        question = _("Open {name}? It takes the place of the present scene.").format(name=case.scene_file.name)
        if slicer.util.confirmOkCancelDisplay(question, _("Open scene")):
            with slicer.util.tryWithErrorDisplay(_("The scene could not be opened."), waitCursor=True):
                slicer.util.loadScene(str(case.scene_file))
                self._showButtons()

    def onRemoveCase(self, checked=False):
        self.cases.remove(self.case)
        self.showCases()

    def onCsv(self, checked=False):
        self._save(_("Table of cores"), "*.csv", write_cores_csv)

    def onJson(self, checked=False):
        self._save(_("Cores"), "*.json", write_cores_json)

    def onReport(self, checked=False):
        case = self.case
        path = qt.QFileDialog.getSaveFileName(None, _("Report"), str(case.folder / "report.html"), "*.html")
        if path:
            self.saveReport(path)

    def saveReport(self, path):
        """Write the selected case's report as HTML."""
        log = self.case.log

        def write():
            with written_atomically(Path(path)) as temporary:
                temporary.write_text(html_report(ReportCase.of(log), log.picture), encoding="utf-8")
            return path

        self._run(_("Writing {path}...").format(path=path), write, lambda done: self._say(writtenText(done)))

    def saveCores(self, path, write):
        """Write the cores of all cases with ``write(path, [(name, records), ...])``."""
        cases = [(case.name, case.records) for case in self.cases]

        def run():
            write(Path(path), cases)
            return path

        self._run(_("Writing {path}...").format(path=path), run, lambda done: self._say(writtenText(done)))

    def onSceneEndClose(self, caller, event):
        """Shown pictures went with the scene; the loaded cases stay."""
        self._player.forget()
        self._showButtons()

    def onCoreSelected(self):
        number = selectedNumber(self.ui.reviewCoreTable)
        case = self.case
        record = None if case is None else next((core for core in case.records if core.number == number), None)
        self._player.showCore(record)

    def showCases(self):
        """The list of cases with their statistics, and the selected one below."""
        showCases(self.ui.reviewCaseTable, self.cases)
        if self.cases:
            self.ui.reviewCaseTable.selectRow(len(self.cases) - 1)
        else:
            self._say(_("No case loaded"))
        self.showCase()

    def showCase(self):
        """The selected case's cores and first picture."""
        case = self.case
        if case is not self._shows:
            self._shows = case
            showCores(self.ui.reviewCoreTable, () if case is None else case.records)
            self.ui.reviewCoreTable.clearSelection()
            self._player.showCase()
            self._say("" if case is None else case.remark)
        self._showButtons()

    def _showButtons(self):
        ui, case = self.ui, self.case
        hasCores = any(other.records for other in self.cases)
        ui.reviewRemoveCaseButton.enabled = ui.reviewSeriesButton.enabled = case is not None
        ui.reviewSceneButton.enabled = case is not None and case.scene_file is not None
        ui.reviewSequenceButton.enabled = case is not None and self._sequence() is not None
        ui.reviewCsvButton.enabled = ui.reviewJsonButton.enabled = hasCores
        ui.reviewReportButton.enabled = case is not None and bool(case.records)

    def _sequence(self):
        """The recording in the scene, None without one."""
        return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSequenceNode")

    def _onLoaded(self, loaded):
        cases, problems = loaded
        known = {case.folder for case in self.cases if case.log is not None}
        self.cases += [case for case in cases if case.log is None or case.folder not in known]
        self.showCases()
        if problems:
            self._say("<br>".join(errorText(problem) for problem in problems))

    def _replace(self, case, other):
        if case in self.cases:
            self.cases[self.cases.index(case)] = other
            row = self.cases.index(other)
            showCases(self.ui.reviewCaseTable, self.cases)
            self.ui.reviewCaseTable.selectRow(row)
            self.showCase()

    def _save(self, title, pattern, write):
        path = qt.QFileDialog.getSaveFileName(None, title, f"cores{pattern[1:]}", pattern)
        if path:
            self.saveCores(path, write)

    def _run(self, message, function, onDone):
        if self._job.is_running:
            return
        self._onDone = onDone
        self._say(message)
        self._setBusy(True)
        self._job.start(function)
        self._timer.start()

    def _setBusy(self, busy):
        for button in (self.ui.reviewAddCaseButton, self.ui.reviewAddTrackButton):
            button.enabled = not busy

    def _say(self, text):
        self.ui.reviewStatusLabel.text = text


def _loadedCases(folder):
    """Cases that could be read, and the errors of the others."""
    cases, problems = [], []
    for path in case_folders(folder):
        try:
            cases.append(load_case(path))
        except InputError as error:
            problems.append(error)
    return cases, problems
