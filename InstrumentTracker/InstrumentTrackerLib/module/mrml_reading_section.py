"""The section *Reader study*: blinded pictures one after the other, marked and rated by keyboard and mouse."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from InstrumentTrackerLib.case_log.background_job import BackgroundJob
from InstrumentTrackerLib.module.mrml_plan_section import startPlacing
from InstrumentTrackerLib.module.mrml_reading_controls import ReadingControls
from InstrumentTrackerLib.module.mrml_reading_keys import ReadingKeys
from InstrumentTrackerLib.module.mrml_reading_text import readingName, savedText
from InstrumentTrackerLib.module.mrml_reading_view import ReadingView
from InstrumentTrackerLib.module.mrml_review_text import errorText
from InstrumentTrackerLib.reading.answers import CONFIDENCES, AnswerFile
from InstrumentTrackerLib.reading.reading_list import read_list, readers_in
from InstrumentTrackerLib.reading.reading_session import ReadingSession, ReadingState
from InstrumentTrackerLib.scene.mrml_reading_scene import ReadingScene, has_other_data

_POLL_MSEC = 20
_COARSE_STEP = 10
_MARK_EVENTS = ("PointPositionDefinedEvent", "PointModifiedEvent", "PointRemovedEvent")


class ReadingSection(VTKObservationMixin):
    """Controls of Reading.ui. Files are read and written on threads.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Reading")``.
    :param isGuidanceActive: says whether a live session is going on; then nothing is read.
    """

    def __init__(self, ui, isGuidanceActive=lambda: False):
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self.session = None
        self._folder = None
        self._isGuidanceActive = isGuidanceActive
        self._job = BackgroundJob()
        self._onDone = None
        self._pictures = {}
        self._message = ""
        self._isPutting = False
        self._scene = ReadingScene(slicer.mrmlScene)
        self._view = ReadingView(self._scene)
        self._controls = ReadingControls(ui)
        self._keys = ReadingKeys(ui.readingCollapsibleButton)
        self._connect()
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MSEC)
        self._timer.connect("timeout()", self.update)
        self.refresh()

    def _connect(self):
        ui = self.ui
        ui.readingFolderButton.connect("clicked(bool)", self.onChooseFolder)
        ui.readingStartButton.connect("clicked(bool)", self.onStart)
        ui.readingNotVisibleButton.connect("clicked(bool)", self.onNotVisible)
        ui.readingAgainButton.connect("clicked(bool)", self.onAgain)
        ui.readingNextButton.connect("clicked(bool)", self.onNext)
        ui.readingPauseButton.connect("clicked(bool)", self.onPause)
        ui.readingEndButton.connect("clicked(bool)", self.onEnd)
        keys = self._keys
        for number, button in zip(CONFIDENCES, self._controls.ratings, strict=True):
            button.connect("clicked(bool)", lambda checked=False, number=number: self.onRate(number))
            keys.add(str(number), lambda number=number: self.onRate(number))
        keys.add("N", self.onNotVisible)
        keys.add("Backspace", self.onAgain)
        for key in ("Return", "Enter"):
            keys.add(key, self.onNext)
        keys.add("PgUp", lambda: self._view.step(1), repeats=True)
        keys.add("PgDown", lambda: self._view.step(-1), repeats=True)
        for key, columns, rows in (("Left", -1, 0), ("Right", 1, 0), ("Up", 0, 1), ("Down", 0, -1)):
            keys.add(key, lambda x=columns, y=rows: self.onMove(x, y), repeats=True)
            keys.add(f"Shift+{key}", lambda x=columns, y=rows: self.onMove(_COARSE_STEP * x, _COARSE_STEP * y), True)
        self._pauseKeys = ReadingKeys(ui.readingCollapsibleButton)
        self._pauseKeys.add("P", self.onPause)

    def close(self):
        """Let go of everything; answers that are not on disk are tried once more."""
        self.end()
        self._keys.close()
        self._pauseKeys.close()
        self.removeObservers()

    def onChooseFolder(self, checked=False):
        folder = qt.QFileDialog.getExistingDirectory(None, _("Folder of the reading"), str(self._folder or ""))
        if folder:
            self.setFolder(folder)

    def setFolder(self, folder):
        """Look which readers' lists a folder holds."""

        def onFound(readers):
            self._folder = Path(folder)
            self.ui.readingFolderLineEdit.text = self.ui.readingFolderLineEdit.toolTip = str(folder)
            self.ui.readingReaderComboBox.clear()
            self.ui.readingReaderComboBox.addItems([str(number) for number in readers])

        self._run(lambda: readers_in(Path(folder)), onFound)

    def onStart(self, checked=False):
        """Begin, or go on where the reader stopped, in a scene of its own."""
        reader = self.ui.readingReaderComboBox.currentText
        if self._folder is None or not reader or self.session is not None:
            return
        if self._isGuidanceActive():
            self._say(_("\N{MULTIPLICATION X} <b>Guidance is running: stop it first.</b>"))
            return
        if has_other_data(slicer.mrmlScene):
            question = _(
                "A reading needs a scene of its own, so that nothing else is on the screen. Close the scene? "
                "What is not saved in it is lost."
            )
            if not slicer.util.confirmOkCancelDisplay(question, _("Reader study")):
                return
            slicer.mrmlScene.Clear(0)
        folder = self._folder

        def opened():
            content = read_list(folder, int(reader))
            return ReadingSession(content, AnswerFile(folder, content))

        self._run(opened, self._begin)

    def _begin(self, session):
        self.session = session
        self._pictures = {}
        self._controls.fold()
        self._view.open()
        self.ui.readingNextButton.setFocus()
        session.go_on()
        self.refresh()

    def onPause(self, checked=False):
        """Hide the picture, or go on."""
        if self.session is None:
            return
        if self.session.state is ReadingState.PAUSED:
            if not self._isGuidanceActive():
                self._message = ""
                self.session.go_on()
        else:
            self.pause()
        self.refresh()

    def pause(self):
        """Hide the picture and stop the time; when the panel is left, too."""
        if self.session is not None and self.session.state in (ReadingState.READING, ReadingState.WAITING):
            self.session.pause()
            self._hide()
            self.refresh()

    def onEnd(self, checked=False):
        self.end()

    def end(self):
        """Take the reading off the screen; it goes on where it stopped at the next start."""
        session, self.session = self.session, None
        self._timer.stop()
        if session is None:
            return
        session.pause()
        self._hide()
        self._view.close()
        self._controls.unfold()
        self._pictures = {}
        if not session.answers.close():
            self._message = savedText(session.answers)
        self.refresh()

    def onSceneStartClose(self, caller, event):
        """The picture goes with the scene; the reading waits."""
        self.pause()

    def onNotVisible(self, checked=False):
        """The reader cannot see the tip; a second time takes it back."""
        if self._isReading():
            if self.session.says_not_visible:
                self.onAgain()
                return
            self.session.mark_not_visible()
            self._clearMark()
            self._stopPlacing()
            self.refresh()

    def onAgain(self, checked=False):
        """Take back what was said of the tip; the next click places it anew."""
        if self._isReading():
            self.session.take_back()
            self._clearMark()
            startPlacing(self._scene.mark_node)
            self.refresh()

    def onRate(self, number):
        if self._isReading():
            self.session.rate(number)
            self.refresh()

    def onMove(self, columns, rows):
        """Move the mark by pixels on the screen; without one, it begins in the middle of the view."""
        if self._isReading():
            self._stopPlacing()
            tip = self._view.moved(self.session.tip, columns, rows)
            self.session.mark(tuple(float(value) for value in tip))
            self._putMark()
            self.refresh()

    def onNext(self, checked=False):
        """The answer is given; nothing of it can be changed afterwards."""
        if self._isReading() and self.session.finish_picture():
            self._hide()
            self.refresh()

    def onMarkModified(self, caller, event):
        """The reader placed, dragged or deleted the point."""
        if self._isPutting or not self._isReading():
            return
        tip = self._scene.mark
        if tip is not None:
            self.session.mark(tuple(float(value) for value in tip))
        elif self.session.tip is not None:
            self.session.take_back()
        self.refresh()

    def update(self):
        """Take what the threads have done; show the next picture once the last answer is on disk."""
        outcome = self._job.take()
        if outcome is not None:
            if outcome.error is None:
                self._onDone(outcome.result)
            else:
                self._say(errorText(outcome.error))
                self.pause()
        session = self.session
        if session is None:
            if not self._job.is_running:
                self._timer.stop()
            self.refresh()
            return
        if self._isGuidanceActive():
            self._message = _("\N{MULTIPLICATION X} <b>Guidance is running: stop it to go on.</b>")
            self.pause()
        if session.state is ReadingState.WAITING and not session.answers.n_unsaved:
            if session.picture in self._pictures:
                self._show()
            elif not self._job.is_running:
                self._load(session.position)
        elif session.state is ReadingState.READING and not self._job.is_running:
            self._load(session.position + 1)
        self._showSaved()

    def _load(self, position):
        """Read a picture ahead of its time."""
        session, folder = self.session, self._folder
        if position >= session.count or session.content.pictures[position] in self._pictures:
            return
        picture = session.content.pictures[position]

        def onRead(image):
            if self.session is session:
                self._pictures = {name: each for name, each in self._pictures.items() if name == session.picture}
                self._pictures[picture] = image

        def read():
            from InstrumentTrackerLib.reading.picture_file import picture_file, read_picture

            return read_picture(picture_file(folder, picture))

        self._run(read, onRead)

    def _show(self):
        """The picture that is due, with what was said of it before a pause; placing begins by itself."""
        session = self.session
        self._scene.show(self._pictures[session.picture], readingName(session))
        self._view.show()
        node = self._scene.mark_node
        for name in _MARK_EVENTS:
            event = getattr(node, name)
            if not self.hasObserver(node, event, self.onMarkModified):
                self.addObserver(node, event, self.onMarkModified)
        session.shown()
        if session.tip is not None:
            self._putMark()
        elif not session.says_not_visible:
            startPlacing(node)
        self.refresh()

    def _hide(self):
        self._stopPlacing()
        self._isPutting = True
        self._view.hide()
        self._scene.hide()
        self._isPutting = False

    def _putMark(self):
        self._isPutting = True
        self._scene.put_mark(self.session.tip)
        self._isPutting = False

    def _clearMark(self):
        self._isPutting = True
        self._scene.clear_mark()
        self._isPutting = False

    def _stopPlacing(self):
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        if interaction is not None:
            interaction.SwitchToViewTransformMode()

    def _isReading(self):
        return self.session is not None and self.session.state is ReadingState.READING

    def refresh(self):
        """Bring all controls up to date."""
        self._controls.show(self.session, self._job.is_running)
        self._keys.setEnabled(self._isReading())
        self._pauseKeys.setEnabled(self.session is not None and self.session.state is not ReadingState.FINISHED)
        self._showSaved()

    def _showSaved(self):
        words = self._message or ("" if self.session is None else savedText(self.session.answers))
        if self.ui.readingStatusLabel.text != words:
            self.ui.readingStatusLabel.text = words

    def _run(self, function, onDone):
        if self._job.is_running:
            return
        self._onDone = onDone
        self._message = ""
        self._job.start(function)
        self._timer.start()
        if self.session is None:
            self.refresh()

    def _say(self, text):
        self._message = text
        self._showSaved()
