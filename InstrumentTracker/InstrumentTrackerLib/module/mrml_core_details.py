"""Picture, scheme, note and removal of the selected core."""

import time

import qt
from slicer.i18n import tr as _
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.case_log.core_scheme import core_scheme
from InstrumentTrackerLib.module.mrml_core_rows import selectedNumber, selectNumber
from InstrumentTrackerLib.module.mrml_scheme_painter import pngPixmap, schemeImage

_PICTURE_SIZE, _SCHEME_SIZE = (270, 160), (120, 160)


class CoreDetails:
    """The lower half of Log.ui.

    :param currentLog: gives the case's log.
    :param onChanged: called after a note or a removal.
    :param onMessage: called with what cannot be done.
    """

    def __init__(self, ui, currentLog, onChanged, onMessage):
        self.ui = ui
        self._currentLog = currentLog
        self._onChanged = onChanged
        self._onMessage = onMessage
        ui.coreTable.connect("itemSelectionChanged()", self.show)
        ui.corePictureButton.connect("clicked(bool)", self.onOpenPicture)
        ui.coreNoteLineEdit.connect("editingFinished()", self.onNote)
        ui.removeReasonLineEdit.connect("textChanged(QString)", self.onReason)
        ui.removeCoreButton.connect("clicked(bool)", self.onRemove)

    @property
    def record(self):
        """The selected core's record, or None."""
        number = selectedNumber(self.ui.coreTable)
        return next((record for record in self._currentLog().records if record.number == number), None)

    def select(self, number):
        selectNumber(self.ui.coreTable, number)

    def show(self):
        """Show the selected core, or nothing."""
        ui, record = self.ui, self.record
        data = None if record is None else self._currentLog().picture(record)
        pixmap = None if data is None else pngPixmap(data, *_PICTURE_SIZE)
        ui.corePictureButton.visible = pixmap is not None
        if pixmap is not None:
            ui.corePictureButton.setIcon(qt.QIcon(pixmap))
            ui.corePictureButton.setIconSize(pixmap.size())
        scheme = None if record is None else core_scheme(record)
        ui.coreSchemeLabel.visible = scheme is not None
        if scheme is not None:
            ui.coreSchemeLabel.setPixmap(qt.QPixmap.fromImage(schemeImage(scheme, *_SCHEME_SIZE)))
        ui.coreNoteLineEdit.enabled = ui.removeReasonLineEdit.enabled = record is not None
        ui.coreNoteLineEdit.placeholderText = (
            _("select a core") if record is None else _("note of core {number}").format(number=record.number)
        )
        ui.coreNoteLineEdit.text = "" if record is None else record.note
        ui.removeReasonLineEdit.text = ""

    def onOpenPicture(self, checked=False):
        record = self.record
        if record is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._currentLog().folder / record.picture)))

    def onNote(self):
        record = self.record
        if record is not None and self.ui.coreNoteLineEdit.text != record.note:
            self._currentLog().edit_note(record.number, self.ui.coreNoteLineEdit.text, time.time())
            self._onChanged()

    def onReason(self, text):
        self.ui.removeCoreButton.enabled = bool(text.strip())

    def onRemove(self, checked=False):
        record = self.record
        if record is None:
            return
        try:
            self._currentLog().remove(record.number, self.ui.removeReasonLineEdit.text, time.time())
        except InputError as error:
            self._onMessage(str(error))
            return
        self._onChanged()
        self._onMessage(_("{core} removed; it stays in the log file").format(core=record.name))
