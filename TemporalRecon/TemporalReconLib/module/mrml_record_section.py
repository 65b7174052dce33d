"""The part *Record* of the monitor: raw data to disk by the engine, pictures into a Slicer sequence."""

from slicer.i18n import tr as _
from slicer.util import tryWithErrorDisplay

from TemporalReconLib.engine_client.session import is_this_computer
from TemporalReconLib.module.mrml_status_text import NOT_KNOWN


class RecordSection:
    """Controls of Record.ui.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Record")``.
    :param logic: TemporalReconLogic, which records the pictures.
    """

    def __init__(self, ui, logic):
        self.ui = ui
        self._logic = logic
        self._settings = None
        ui.recordFolderLineEdit.connect("currentPathChanged(QString)", self.onFolderChanged)
        ui.recordPicturesButton.connect("clicked(bool)", self.onRecordPictures)
        ui.playSequenceButton.connect("clicked(bool)", self.onPlay)
        ui.saveSequenceButton.connect("clicked(bool)", self.onSave)

    def setSettings(self, settings):
        """Show the settings of a parameter node, whose connectGui has bound the rest; None is no node."""
        self._settings = settings
        if settings is not None:
            self.ui.recordFolderLineEdit.currentPath = settings.recordFolder

    def onFolderChanged(self, path):
        if self._settings is not None:
            self._settings.recordFolder = path

    def onRecordPictures(self, checked=False):
        self._logic.record(checked)
        self.showSequence()

    def onPlay(self, checked=False):
        """Make the recording playable with Slicer's own sequence controls."""
        self._logic.recorder.add_browser()

    def onSave(self, checked=False):
        with tryWithErrorDisplay(_("The recording could not be saved.")):
            path = self._logic.recorder.save(self.ui.sequencePathLineEdit.currentPath)
            self.ui.sequenceLabel.text = _("saved: {path}").format(path=path)

    def update(self, status):
        """Show what the recordings are doing."""
        ui = self.ui
        ui.recordFolderLineEdit.enabled = not status.state.is_active
        ui.recordStateLabel.text = self._diskText(status)
        self.showSequence()

    def _diskText(self, status):
        folder = "" if self._settings is None else self._settings.recordFolder
        recording = status.report.recording
        if status.report.recording_has_failed and folder and is_this_computer(self._settings.engineHost):
            return _("{state} (folder: {folder})").format(state=recording, folder=folder)
        if recording:
            return recording
        if status.state.is_active and self.ui.recordCheckBox.checked and not folder:
            return _("this engine has no folder: choose one, then Stop and Start")
        return NOT_KNOWN

    def showSequence(self):
        """Number and size of the recorded pictures, and what can be done with them."""
        ui, recorder = self.ui, self._logic.recorder
        nFrames = 0 if recorder is None else recorder.n_frames
        ui.recordPicturesButton.checked = self._logic.isRecording
        ui.playSequenceButton.enabled = nFrames > 0
        ui.saveSequenceButton.enabled = nFrames > 0 and not self._logic.isRecording
        if nFrames == 0:
            ui.sequenceLabel.text = NOT_KNOWN
        elif recorder.is_full:
            ui.sequenceLabel.text = _("{frames} pictures; ended, the size limit of {size:.0f} MB is reached").format(
                frames=nFrames, size=recorder.max_bytes / 1e6
            )
        elif self._logic.isRecording or not ui.sequenceLabel.text.startswith(_("saved")):
            ui.sequenceLabel.text = _("{frames} pictures, {size:.0f} MB").format(
                frames=nFrames, size=recorder.n_bytes / 1e6
            )
