"""The panel of Instrument Tracker."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin
from TemporalReconLib.engine_session import SessionState
from TemporalReconLib.module.mrml_dependencies import ensureDependencies
from TemporalReconLib.module.mrml_gui_binding import GuiBinding
from TemporalReconLib.module.mrml_status_text import countersText, stateText

from InstrumentTrackerLib.module.mrml_logic import InstrumentTrackerLogic
from InstrumentTrackerLib.module.mrml_readout_text import readoutStatusText, readoutWarning

POLL_MSEC = 50
NOT_KNOWN = "\N{EN DASH}"


class InstrumentTrackerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Plan, Start and Stop, and the readout."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiBinding = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/InstrumentTracker.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self._settingWidgets = (
            *(ui.hostLineEdit, ui.portSpinBox, ui.scannerLineEdit),
            *(ui.methodComboBox, ui.deviceComboBox),
        )

        self.logic = InstrumentTrackerLogic()
        ui.startButton.connect("clicked(bool)", self.onStart)
        ui.stopButton.connect("clicked(bool)", self.onStop)
        ui.placeTargetButton.connect("clicked(bool)", self.onPlaceTarget)
        ui.placeEntryButton.connect("clicked(bool)", self.onPlaceEntry)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MSEC)
        self._timer.connect("timeout()", self.onTimer)
        self.initializeParameterNode()
        self.showStatus(self.logic.session.status)
        self.showReadout(None)

    def cleanup(self):
        """The module is unloaded or Slicer closes: the engine must not stay behind."""
        self._timer.stop()
        self.logic.stop(wait=True)
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def onSceneStartClose(self, caller, event):
        """The next scene may be another patient's: guidance of this one stops."""
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
            self._guiBinding.disconnect()
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guiBinding = GuiBinding(parameterNode, self.ui)

    def onPlaceTarget(self, checked=False):
        self.placePoint("targetNode", _("Target"))

    def onPlaceEntry(self, checked=False):
        self.placePoint("entryNode", _("Entry"))

    def placePoint(self, parameterName, nodeName):
        """Let the next click in a view place the point; makes the point list where there is none."""
        with slicer.util.tryWithErrorDisplay(_("The point could not be placed.")):
            if self._parameterNode is None:
                self.initializeParameterNode()
            node = getattr(self._parameterNode, parameterName)
            if node is None:
                node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", nodeName)
                node.SetMaximumNumberOfControlPoints(1)
                setattr(self._parameterNode, parameterName, node)
            if node.GetNumberOfDefinedControlPoints() > 0:
                text = _("{name} has its point already: drag it in a view, or select another point list.")
                self.ui.planHintLabel.text = text.format(name=node.GetName())
                return
            markupsLogic = slicer.modules.markups.logic()
            markupsLogic.SetActiveList(node)
            markupsLogic.StartPlaceMode(False)
            self.addObserver(node, node.PointPositionDefinedEvent, self.onPointPlaced)
            self.ui.planHintLabel.text = _("Click in a slice view to place: {name}").format(name=node.GetName())

    def onPointPlaced(self, caller, event):
        if self.hasObserver(caller, event, self.onPointPlaced):
            self.removeObserver(caller, event, self.onPointPlaced)
        self.ui.planHintLabel.text = ""

    def onStart(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The engine could not be started.")):
            if self._parameterNode is None:
                self.initializeParameterNode()
            if not ensureDependencies():
                return
            self.logic.start(self._parameterNode)
            self._timer.start()
            self.ui.engineCollapsibleButton.collapsed = True  # room for the readout
            self.showStatus(self.logic.session.status)

    def onStop(self, checked=False):
        self.logic.stop()
        self.showStatus(self.logic.session.status)
        self.showReadout(None)

    def onTimer(self):
        """Show the newest frame and state; about 20 times per second while a session is active."""
        try:
            status = self.logic.update(self._parameterNode)
        except Exception:
            # Stop first: an error box twenty times per second could not be closed.
            self._timer.stop()
            self.onStop()
            with slicer.util.tryWithErrorDisplay(_("The guidance could not be shown; the engine was stopped.")):
                raise
        self.showStatus(status)
        self.showReadout(self.logic.readout if status.state.is_active else None)
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

    def showReadout(self, readout):
        """Numbers only while they are true; None is no session."""
        ui = self.ui
        rows = {} if readout is None else dict(readout.rows)
        ui.statusLabel.text = readoutStatusText(readout)
        ui.distanceLabel.text = readout.headline if readout is not None and readout.headline else NOT_KNOWN
        ui.distanceCaptionLabel.text = readout.headline_label if rows else _("Tip to target")
        ui.lateralLabel.text = rows.get("Sideways miss", NOT_KNOWN)
        ui.depthLabel.text = rows.get("Depth", NOT_KNOWN)
        ui.angleLabel.text = rows.get("Angle", NOT_KNOWN)
        ui.confidenceLabel.text = rows.get("Confidence", NOT_KNOWN)
        ui.ageLabel.text = readout.age if readout is not None and readout.age else NOT_KNOWN
        ui.warningLabel.text = readoutWarning(readout, rows)
