"""The section *Log*: mark cores, and keep, annotate and export them."""

import logging
import time
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.case_name import default_case_name
from InstrumentTrackerLib.case_log.frame_picture import frame_picture
from InstrumentTrackerLib.case_log.marking import core_record, reason_without_numbers
from InstrumentTrackerLib.module.mrml_core_details import CoreDetails
from InstrumentTrackerLib.module.mrml_core_export import CoreExport
from InstrumentTrackerLib.module.mrml_core_rows import showCores
from InstrumentTrackerLib.module.mrml_log_text import markText, savedText, statusText
from InstrumentTrackerLib.scene.mrml_case_picture import desktop_picture, png_bytes
from InstrumentTrackerLib.scene.mrml_case_scene import CaseScene, case_of_scene, events_of_scene

MARK_KEY = "F9"  # no key of Slicer's; foot switches can send it
FOLDER_SETTING = "InBoreGuidance/CaseFolder"
DEFAULT_FOLDER = Path.home() / "InBoreGuidance cases"
# Gloves press twice: a second press within this time is the same press.
SAME_PRESS_S = 0.8
CONFIRM_WITHIN_S = 5.0
_POLL_MSEC = 200
_CLOSE_WAIT_S = 2.0


class LogSection(VTKObservationMixin):
    """Controls of Log.ui.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Log")``.
    :param shownGuidance: gives what the display shows now as
      :class:`~InstrumentTrackerLib.case_log.marking.ShownGuidance`, None without guidance: ``logic.shownGuidance``.
    :param provenance: gives what computes the numbers now as
      :class:`~InstrumentTrackerLib.case_log.provenance.Provenance`, or None: a ProvenanceSource.
    :param capture: gives the PNG of the views at this moment, None without views; by default of the desktop's.
    """

    def __init__(self, ui, shownGuidance, provenance, capture=None):
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self._shownGuidance = shownGuidance
        self._provenance = provenance
        self._capture = capture or (lambda: desktop_picture(slicer.app.layoutManager()))
        self._parent = Path(slicer.app.userSettings().value(FOLDER_SETTING, "") or DEFAULT_FOLDER)
        self._unsavedLogs = []
        self._markedAt = self._askedAt = -1e9
        self._message = ""
        self._shownState = None
        self.log = CaseLog(self._parent, default_case_name())
        self._scene = CaseScene(slicer.mrmlScene)
        self._details = CoreDetails(ui, lambda: self.log, self.showLog, self.showMessage)
        self._export = CoreExport(ui, lambda: self.log)
        self._connect()
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MSEC)
        self._timer.connect("timeout()", self.update)
        self._timer.start()
        self.restoreFromScene()

    def _connect(self):
        ui = self.ui
        ui.markButton.connect("clicked(bool)", self.onMark)
        ui.markWithoutMeasurementButton.connect("clicked(bool)", self.onMarkWithoutMeasurement)
        ui.undoCoreButton.connect("clicked(bool)", self.onUndo)
        ui.newCaseButton.connect("clicked(bool)", self.onNewCase)
        ui.openCaseButton.connect("clicked(bool)", self.onOpenCase)
        ui.caseFolderButton.connect("clicked(bool)", self.onChooseFolder)
        ui.caseNameLineEdit.connect("editingFinished()", self.onCaseName)
        # The key belongs to the main window, so that it works while another module or no section is open.
        self._keyOwner = slicer.util.mainWindow() or ui.coreLogCollapsibleButton
        self._keyAction = qt.QAction(self._keyOwner)
        self._keyAction.setShortcut(qt.QKeySequence(MARK_KEY))
        self._keyAction.autoRepeat = False
        self._keyAction.connect("triggered(bool)", self.onKey)
        self._keyOwner.addAction(self._keyAction)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)

    def close(self):
        """Let go of everything; what is not on disk yet is tried once more, elsewhere if need be."""
        self._timer.stop()
        self._keyOwner.removeAction(self._keyAction)
        self.removeObservers()
        for log in (*self._unsavedLogs, self.log):
            if log.close(_CLOSE_WAIT_S):
                continue
            logging.error(f"Case '{log.name}' could not be saved in {log.folder}: {log.problem}")
            log.move_to(Path(slicer.app.temporaryPath))
            if log.close(_CLOSE_WAIT_S):
                logging.error(f"Case '{log.name}' was saved in {log.folder} instead")

    def update(self):
        """Show whether a core can be measured now, and whether everything is on disk; call it often."""
        now = time.monotonic()
        self._unsavedLogs = [log for log in self._unsavedLogs if log.n_unsaved or not log.close(0.0)]
        shown = self._shownGuidance()
        reason = reason_without_numbers(shown)
        asks = now - self._askedAt < CONFIRM_WITHIN_S
        status = statusText(shown, reason, asks, self._message, MARK_KEY)
        saved = savedText(self.log, self._unsavedLogs)
        state = (bool(reason), asks, self.log.next_number, status, saved)
        self._export.update()
        if shown is not None:
            self._provenance()  # looks things up ahead of the first core
        if state == self._shownState:
            return
        self._shownState = state
        ui = self.ui
        ui.markButton.enabled = not reason
        ui.markButton.text = markText(self.log.next_number, MARK_KEY)
        ui.markWithoutMeasurementButton.visible = bool(reason)
        question = _("Press again: no measurement") if asks else _("Mark without measurement")
        ui.markWithoutMeasurementButton.text = question
        ui.markStatusLabel.text = status
        ui.caseSavedLabel.text = saved

    def onKey(self, checked=False):
        """The key does what the shown button does."""
        if self.ui.markButton.enabled:
            self.onMark()
        else:
            self.onMarkWithoutMeasurement()

    def onMark(self, checked=False):
        """Record a core with the numbers of this moment; without numbers it asks first."""
        shown = self._shownGuidance()
        if reason_without_numbers(shown):
            self.onMarkWithoutMeasurement()
            return
        self._mark(shown)

    def onMarkWithoutMeasurement(self, checked=False):
        """Record a core without numbers at the second press."""
        now = time.monotonic()
        waited = now - self._askedAt
        if waited < SAME_PRESS_S or now - self._markedAt < SAME_PRESS_S:
            return
        if waited > CONFIRM_WITHIN_S:
            self._askedAt = now
            self._message = ""
        else:
            self._mark(self._shownGuidance())
        self.update()

    def _mark(self, shown):
        now = time.monotonic()
        if now - self._markedAt < SAME_PRESS_S:
            return
        self._markedAt, self._askedAt = now, -1e9
        record = core_record(self.log.next_number, time.time(), shown)
        picture = self._pictureOf(shown, record)
        self.log.append(record, picture, self._known(self._provenance))
        self.showLog()
        self._details.select(record.number)
        text = _("{core} marked") if picture else _("{core} marked, but WITHOUT a picture: none could be taken")
        self.showMessage(text.format(core=record.name))

    def _pictureOf(self, shown, record):
        picture = self._known(self._capture)
        if picture is None and shown is not None and shown.image is not None:
            picture = self._known(lambda: png_bytes(frame_picture(shown.image, record)))
        return picture

    def _known(self, function):
        """What a function gives, None where it fails: a picture must never cost a core."""
        try:
            return function()
        except Exception:
            logging.exception("A core was marked without a part of its record")
            return None

    def onUndo(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The core could not be undone.")):
            record = self.log.undo_last(time.time())
            self.showLog()
            self.showMessage(_("{core} undone; it stays in the log file").format(core=record.name))

    def onCaseName(self):
        """A new name for a case that has not begun."""
        name = self.ui.caseNameLineEdit.text
        if name == self.log.name or self.log.events:
            return
        try:
            self.log = CaseLog(self._parent, name)
            self.showMessage("")
        except InputError as error:
            self.showMessage(str(error))
        self.showLog()

    def onNewCase(self, checked=False):
        self._putAside()
        self._useLog(CaseLog(self._parent, default_case_name()))

    def onOpenCase(self, checked=False):
        folder = qt.QFileDialog.getExistingDirectory(None, _("Case folder"), str(self._parent))
        if folder:
            self.openCase(folder)

    def openCase(self, folder):
        """Continue the case in a folder."""
        try:
            log = CaseLog.open(Path(folder))
        except InputError as error:
            self.showMessage(str(error))
            return
        self._putAside()
        self._useLog(log)

    def onChooseFolder(self, checked=False):
        folder = qt.QFileDialog.getExistingDirectory(None, _("Folder for cases"), str(self._parent))
        if folder:
            self.setFolder(folder)

    def setFolder(self, folder):
        """Keep cases below this folder from now on; a case that has begun is written there as a whole."""
        self._parent = Path(folder)
        slicer.app.userSettings().setValue(FOLDER_SETTING, str(folder))
        if self.log.events:
            self.log.move_to(self._parent)
        else:
            self.log = CaseLog(self._parent, self.log.name)
        self.showLog()

    def onSceneStartClose(self, caller, event):
        """The next scene may be another patient's: it is another case."""
        self.onNewCase()

    def onSceneEndImport(self, caller, event):
        self.restoreFromScene()

    def restoreFromScene(self):
        """Go on with the case of a loaded scene; a case that has begun is never left for it."""
        if self.log.events:
            if events_of_scene(slicer.mrmlScene) not in (None, list(self.log.events)):
                self.showMessage(_("The loaded scene holds another case; press Open... to continue that one"))
        else:
            try:
                log = case_of_scene(slicer.mrmlScene, self._parent)
                self.log = self.log if log is None else log
            except InputError as error:
                self.showMessage(str(error))
        self.showLog()

    def _putAside(self):
        """A case that is not on disk as a whole is kept until it is."""
        if self.log.n_unsaved or not self.log.close(0.0):
            self._unsavedLogs.append(self.log)

    def _useLog(self, log):
        self._scene.remove()
        self.log = log
        self._message = ""
        self.showLog()

    def showMessage(self, text):
        """Say one thing below the big button."""
        self._message = text
        self.update()

    def showLog(self):
        """Bring table, scene and buttons up to date with the log."""
        ui, log = self.ui, self.log
        ui.caseNameLineEdit.text = log.name
        ui.caseNameLineEdit.enabled = not log.events
        ui.caseFolderLineEdit.text = str(log.folder)
        ui.caseFolderLineEdit.toolTip = str(log.folder)
        self._scene.show(log)
        showCores(ui.coreTable, log.records)
        for button in (ui.undoCoreButton, ui.coresCsvButton, ui.reportHtmlButton, ui.reportPdfButton):
            button.enabled = bool(log.records)
        self._details.show()
        self.update()
