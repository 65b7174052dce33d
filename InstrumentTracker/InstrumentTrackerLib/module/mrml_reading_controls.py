"""Buttons and labels of the reader study in each state of a reading."""

from slicer.i18n import tr as _

from InstrumentTrackerLib.module.mrml_reading_text import chosenText, readingName, taskText
from InstrumentTrackerLib.reading.answers import CONFIDENCES
from InstrumentTrackerLib.reading.reading_session import ReadingState


class ReadingControls:
    """Shows a :class:`~InstrumentTrackerLib.reading.reading_session.ReadingSession` in the widgets of Reading.ui.

    :param ui: widgets of the panel by name.
    """

    def __init__(self, ui):
        self.ui = ui
        self.ratings = [getattr(ui, f"readingConfidenceButton{number}") for number in CONFIDENCES]
        self._folded = []

    def show(self, session, isBusy):
        """Bring all controls up to date.

        :param session: None where nothing is read.
        :param isBusy: a file is being read.
        """
        ui, isOpen = self.ui, session is not None
        ui.readingSetupFrame.visible, ui.readingFrame.visible = not isOpen, isOpen
        ui.readingStartButton.enabled = bool(ui.readingReaderComboBox.currentText) and not isBusy
        ui.readingFolderButton.enabled = not isBusy
        if isOpen:
            self._showSession(session)

    def _showSession(self, session):
        ui, isReading = self.ui, session.state is ReadingState.READING
        part, parts = session.part
        ui.readingProgressLabel.text = readingName(session)
        ui.readingPartLabel.text = _("Part {part} of {parts}").format(part=part, parts=parts)
        ui.readingProgressBar.maximum, ui.readingProgressBar.value = session.count, session.position
        ui.readingTaskLabel.text = taskText(session)
        ui.readingNotVisibleButton.enabled = ui.readingAgainButton.enabled = isReading
        ui.readingNotVisibleButton.checked = session.says_not_visible
        ui.readingNotVisibleButton.text = chosenText(_("Not visible (N)"), session.says_not_visible)
        for number, button in zip(CONFIDENCES, self.ratings, strict=True):
            isChosen = session.confidence == number
            button.enabled, button.checked, button.text = isReading, isChosen, chosenText(str(number), isChosen)
        ui.readingNextButton.enabled = isReading and session.is_answered
        isPaused = session.state is ReadingState.PAUSED
        ui.readingPauseButton.enabled = session.state is not ReadingState.FINISHED
        ui.readingPauseButton.text = _("Go on (P)") if isPaused else _("Pause (P)")

    def fold(self):
        """Close all other sections: nothing of other cases is on the screen."""
        own = self.ui.readingCollapsibleButton
        every = [widget for name, widget in vars(self.ui).items() if name.endswith("CollapsibleButton")]
        self._folded = [widget for widget in every if widget is not own and not widget.collapsed]
        for widget in self._folded:
            widget.collapsed = True

    def unfold(self):
        """Open again what was open."""
        for widget in self._folded:
            widget.collapsed = False
        self._folded = []
