"""Slicer module "Instrument Tracker": where needle and guide are, and how far from the target.

The engine reconstructs and tracks in a process of its own; this file starts it, shows what it found, and measures
against the target as it is in the scene now.
"""

from pathlib import Path
from typing import Annotated

import qt
import slicer
import TemporalReconLib
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin
from TemporalReconLib.engine_session import EngineSession, SessionState, listen_options
from TemporalReconLib.reconstruction.registry import DEFAULT_METHOD, METHOD_NAMES

from TemporalRecon import countersText, ensureDependencies, pythonExecutable, stateText

POLL_MSEC = 50
STALE_AFTER_S = 0.5  # steering by an older picture is not acceptable (clinicians' own figure)
NOT_KNOWN = "\N{EN DASH}"
# Where both modules and their packages are; the engine finds them there (one folder once installed).
_SEARCH_PATHS = (Path(__file__).parent, Path(TemporalReconLib.__file__).parents[1])


class InstrumentTracker(ScriptedLoadableModule):
    """What Slicer shows about the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Instrument Tracker")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        self.parent.dependencies = ["TemporalRecon", "Markups"]
        self.parent.contributors = ["The InBoreGuidance contributors"]
        self.parent.helpText = _(
            "Finds needle guide and needle in live in-bore MR images and shows distance, sideways miss, depth and "
            "angle to the target. Place a target, press Start, then let the scanner send to the port shown. "
            "Research software, not a medical device."
        )
        self.parent.acknowledgementText = _(
            "Builds on Noordman et al. 2025, temporal deep learning reconstruction for in-bore MR biopsy."
        )


@parameterNodeWrapper
class InstrumentTrackerParameterNode:
    """Settings kept in the scene.

    engineHost - computer the engine runs on; this one: it is started here
    enginePort - port the engine listens on
    scannerAddress - address of another computer that may send to the engine; empty: this computer only
    method, device - as of the command line
    targetNode, entryNode - point lists whose first points are the planned target and entry
    """

    engineHost: str = "127.0.0.1"
    enginePort: Annotated[int, WithinRange(1024, 65535)] = 18944
    scannerAddress: str
    method: Annotated[str, Choice(list(METHOD_NAMES))] = DEFAULT_METHOD
    device: Annotated[str, Choice(["auto", "cpu", "cuda:0"])] = "auto"
    targetNode: slicer.vtkMRMLMarkupsFiducialNode
    entryNode: slicer.vtkMRMLMarkupsFiducialNode


class InstrumentTrackerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Plan, Start and Stop, and the readout."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None

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
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._parameterNodeGuiTag = parameterNode.connectGui(self.ui)

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


class InstrumentTrackerLogic(ScriptedLoadableModuleLogic):
    """Starts and follows the engine, and keeps the guidance display; usable without the widget."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.session = EngineSession(
            "InstrumentTrackerLib", pythonExecutable(), _SEARCH_PATHS, status_device="InstrumentTracker"
        )
        self._feed = None
        self._scene = None
        self._planNodes = None
        self._shown = None
        self._sentTarget = None

    @property
    def readout(self):
        """What the display says now, or None before the first frame."""
        return None if self._scene is None else self._scene.readout

    def getParameterNode(self):
        return InstrumentTrackerParameterNode(super().getParameterNode())

    def start(self, parameterNode):
        """Start the engine with the settings of a parameter node; returns at once.

        Raises InputError where a setting cannot work.
        """
        from InstrumentTrackerLib.guidance_feed import GuidanceFeed

        feed = GuidanceFeed()
        options = ["--method", parameterNode.method, "--device", parameterNode.device]
        options += listen_options(parameterNode.scannerAddress)
        self.session.start(parameterNode.engineHost, parameterNode.enginePort, options, feed.accept)
        self._feed = feed
        self._scene = self._planNodes = self._shown = self._sentTarget = None

    def stop(self, wait=False):
        """End the engine; picture, markers and numbers go, target and entry stay."""
        self.session.stop(wait)
        self.clear()

    def clear(self):
        """Forget what was measured: it is not live any more."""
        self._feed = None
        if self._scene is not None:
            self._scene.clear()
            self._scene = None

    def update(self, parameterNode):
        """Hand the newest frame to the display and return the state; call it from a timer."""
        if self._feed is not None and parameterNode is not None:
            self._usePlan(parameterNode)
            self._sendTarget()
            self._show(self._feed.newest())
        return self.session.status

    def _usePlan(self, parameterNode):
        """Let the selected point lists be target and entry of the display."""
        from InstrumentTrackerLib.mrml_markups import ENTRY, TARGET
        from InstrumentTrackerLib.mrml_scene import GuidanceScene
        from TemporalReconLib.mrml_roles import assign_role

        planNodes = (parameterNode.targetNode, parameterNode.entryNode)
        if self._scene is not None and planNodes == self._planNodes:
            return
        assign_role(slicer.mrmlScene, TARGET.role, planNodes[0])
        assign_role(slicer.mrmlScene, ENTRY.role, planNodes[1])
        self._planNodes = planNodes
        self._scene = GuidanceScene(slicer.mrmlScene, STALE_AFTER_S)
        self._shown = None

    def _sendTarget(self):
        """Tell the engine when the target was placed or moved; a restarted engine is told again by the link."""
        from TemporalReconLib.igtl.envelope import Envelope
        from TemporalReconLib.igtl.messages import PointElement, PointMessage

        target = asTuple(self._scene.target)
        if target is None or target == self._sentTarget or self.session.link is None:
            return
        self._sentTarget = target
        self.session.link.send(Envelope(PointMessage((PointElement(target, "Target"),)), "TARGET"), latched=True)

    def _show(self, frame):
        from InstrumentTrackerLib.targeting.targeting_error import TargetingError

        if frame is None:
            return
        scene = self._scene
        target, entry = scene.target, scene.entry
        key = (frame, asTuple(target), asTuple(entry))
        if key == self._shown:
            scene.refresh_age(frame.age_s)
            return
        error = None
        if target is not None and frame.tracked.state.has_numbers:
            error = TargetingError.of(frame.tracked.tip, frame.tracked.axis, target, entry)
        isFirst = self._shown is None
        scene.update(frame.image, frame.mask, frame.tracked, error, frame.age_s)
        self._shown = key
        if isFirst:
            scene.show_in_slice_views()


def asTuple(point):
    """A point as a tuple of floats, which compares as a whole; None stays None."""
    return None if point is None else tuple(float(value) for value in point)


def readoutStatusText(readout):
    """The state of the instrument: shape, word and color, and what it means."""
    if readout is None:
        return f"{_('No guidance')}<br>{small(_('press Start'))}"
    marks = {
        "disk": "\N{BLACK CIRCLE}",
        "ring": "\N{WHITE CIRCLE}",
        "cross": "\N{MULTIPLICATION X}",
        "square": "\N{BLACK SQUARE}",
        "triangle": "\N{BLACK UP-POINTING TRIANGLE}",
    }
    color = "#" + "".join(f"{round(255 * value):02x}" for value in readout.style.color)
    mark = marks[readout.style.badge.value]
    return f'<span style="color:{color}">{mark} {readout.status.value}</span><br>{small(readout.explanation)}'


def small(text):
    return f'<span style="font-size:14px; font-weight:normal">{text}</span>'


def readoutWarning(readout, rows):
    """One line that must not be overlooked, or what is missing for numbers."""
    if readout is None:
        return ""
    if readout.warning:
        return readout.warning
    return _("No target: place one to see distances") if "Target" in rows else ""


class InstrumentTrackerTest(ScriptedLoadableModuleTest):
    """For the Slicer desktop: Reload and Test, or ctest."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_ReadoutOfAKnownCase()

    def test_ReadoutOfAKnownCase(self):
        """A tip 10 mm before and 3 mm beside the target reads so, and vanishes when the picture is old."""
        import numpy as np
        from InstrumentTrackerLib.mrml_scene import GuidanceScene
        from InstrumentTrackerLib.targeting.targeting_error import TargetingError
        from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
        from TemporalReconLib.acquisition.image_frame import ImageFrame

        self.delayDisplay("Showing a known case")
        scene = GuidanceScene(slicer.mrmlScene, STALE_AFTER_S)
        scene.set_target([3.0, 0.0, 10.0])
        tracked = TrackedPose(TrackingState.TRACKED, needle_tip=[0, 0, 0], axis=[0, 0, 1], confidence=0.9)
        error = TargetingError.of(tracked.tip, tracked.axis, scene.target)
        image = ImageFrame(np.ones((3, 64, 64), np.float32), np.eye(4))
        rows = dict(scene.update(image, None, tracked, error, 0.1).rows)
        self.assertEqual(rows["Sideways miss"], "3.0 mm")
        self.assertTrue(rows["Depth"].startswith("10.0 mm"))
        self.assertEqual(scene.refresh_age(2.0).headline, "")
        self.delayDisplay("Test passed")
