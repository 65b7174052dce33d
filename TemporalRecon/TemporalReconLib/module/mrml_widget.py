"""The panel of Temporal Recon."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from TemporalReconLib.engine_session import SessionState
from TemporalReconLib.module.mrml_dependencies import ensureDependencies
from TemporalReconLib.module.mrml_logic import LIVE_VOLUME_ATTRIBUTE, TemporalReconLogic
from TemporalReconLib.module.mrml_status_text import countersText, stateText

POLL_MSEC = 50


class TemporalReconWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Settings, Start and Stop, and what the engine is doing."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/TemporalRecon.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.outputVolumeSelector.addAttribute("vtkMRMLScalarVolumeNode", LIVE_VOLUME_ATTRIBUTE, "true")

        ui = self.ui
        self._settingWidgets = (
            *(ui.hostLineEdit, ui.portSpinBox, ui.scannerLineEdit),
            *(ui.methodComboBox, ui.deviceComboBox, ui.weightsPathLineEdit),
        )
        self.logic = TemporalReconLogic()
        self.ui.startButton.connect("clicked(bool)", self.onStart)
        self.ui.stopButton.connect("clicked(bool)", self.onStop)
        self.ui.weightsPathLineEdit.connect("currentPathChanged(QString)", self.onWeightsPathChanged)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MSEC)
        self._timer.connect("timeout()", self.onTimer)
        self.initializeParameterNode()
        self.showStatus(self.logic.session.status)

    def cleanup(self):
        """The module is unloaded or Slicer closes: the engine must not stay behind."""
        self._timer.stop()
        self.logic.stop(wait=True)
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def onSceneStartClose(self, caller, event):
        """The next scene may be another patient's: pictures of this one stop."""
        self.onStop()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode):
        """Bind the widgets to a parameter node, or to none."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._parameterNodeGuiTag = parameterNode.connectGui(self.ui)
            self.ui.weightsPathLineEdit.currentPath = parameterNode.weightsPath

    def onWeightsPathChanged(self, path):
        # Bound by hand: the path connector shows an empty path as ".", which looks like a choice.
        if self._parameterNode is not None:
            self._parameterNode.weightsPath = path

    def onStart(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The engine could not be started."), waitCursor=False):
            if self._parameterNode is None:
                self.initializeParameterNode()
            if not ensureDependencies():
                return
            self.logic.start(self._parameterNode)
            self._timer.start()
            self.showStatus(self.logic.session.status)

    def onStop(self, checked=False):
        self.logic.stop()
        self.showStatus(self.logic.session.status)

    def onTimer(self):
        """Show the newest picture and state; about 20 times per second while a session is active."""
        try:
            status = self.logic.update(self._parameterNode)
        except Exception:
            # Stop first: an error box twenty times per second could not be closed.
            self._timer.stop()
            self.logic.stop()
            with slicer.util.tryWithErrorDisplay(_("The picture could not be shown; the engine was stopped.")):
                raise
        self.showStatus(status)
        if not status.state.is_active:
            self.logic.clear()
            self._timer.stop()

    def showStatus(self, status):
        """State in words and color, counters, and which controls make sense now."""
        self.ui.stateLabel.text = stateText(status)
        self.ui.countersLabel.text = countersText(status)
        active = status.state.is_active
        self.ui.startButton.enabled = not active
        self.ui.stopButton.enabled = active and status.state is not SessionState.STOPPING
        for widget in self._settingWidgets:
            widget.enabled = not active
