"""The section *Run*: where the engine runs, Start, Stop, Reset, progress, state and log."""

import qt
from slicer.i18n import tr as _

from TemporalReconLib.engine_client.session import SessionState
from TemporalReconLib.module.mrml_status_text import stateText, stepText

_CONNECTED = (SessionState.WAITING, SessionState.RUNNING, SessionState.STALLED, SessionState.PAUSED)


class RunSection:
    """Controls of Run.ui.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Run")``.
    :param logic: EngineLogic, whose engine's log is shown.
    :param onStart, onStop, onReset: called when the user asks for it.
    """

    def __init__(self, ui, logic, onStart, onStop, onReset):
        self.ui = ui
        self._logic = logic
        self._shownLog = None
        ui.startButton.connect("clicked(bool)", onStart)
        ui.stopButton.connect("clicked(bool)", onStop)
        ui.resetButton.connect("clicked(bool)", onReset)
        ui.copyLogButton.connect("clicked(bool)", self.onCopyLog)
        ui.logCollapsibleButton.connect("contentsCollapsed(bool)", self.onLogFolded)

    def update(self, status):
        """State in words, shape and color, progress, log, and which buttons make sense now."""
        ui, state = self.ui, status.state
        ui.stateLabel.text = stateText(status)
        ui.startButton.enabled = not state.is_active
        ui.stopButton.enabled = state.is_active and state is not SessionState.STOPPING
        ui.stopButton.text = _("Cancel") if state is SessionState.STARTING else _("S&top")
        ui.resetButton.enabled = state in _CONNECTED
        for widget in (ui.hostLineEdit, ui.portSpinBox):
            widget.enabled = not state.is_active
        ui.answerLabel.text = answersText(self._logic.recentAnswers())
        ui.answerLabel.visible = bool(ui.answerLabel.text)
        self._showProgress(status)
        self.showLog()

    def _showProgress(self, status):
        bar, step = self.ui.startUpProgressBar, status.start_up
        bar.visible = status.state is SessionState.STARTING
        if step is None:
            bar.maximum = 0  # busy, of unknown length
            bar.format = ""
        else:
            bar.maximum = step.n_steps
            bar.value = step.number
            bar.format = stepText(step)

    def onLogFolded(self, folded):
        self.showLog()

    def showLog(self):
        """Show the newest lines; nothing is done while the log is folded away or unchanged."""
        ui = self.ui
        if ui.logCollapsibleButton.collapsed:
            return
        process = self._logic.session.process
        text = "\n".join(process.log_tail)
        if text == self._shownLog:
            return
        self._shownLog = text
        ui.logTextEdit.setPlainText(text)
        ui.logTextEdit.moveCursor(qt.QTextCursor.End)
        ui.logTextEdit.moveCursor(qt.QTextCursor.StartOfLine)
        ui.logPathLabel.text = "" if process.log_path is None else str(process.log_path)

    def onCopyLog(self, checked=False):
        qt.QApplication.clipboard().setText("\n".join(self._logic.session.process.log_tail))


def answersText(answers):
    """What the engine answered to commands, one line each."""
    done = {"RESET": _("Reset: the series begins afresh"), "RECORD": _("Recording switched")}
    refused = {"RESET": _("Reset refused: {error}"), "RECORD": _("Recording refused: {error}")}
    return "\n".join(refused[name].format(error=error) if error else done[name] for name, error in answers)
