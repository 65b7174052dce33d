"""Slicer module "Temporal Recon": live reconstruction of undersampled in-bore MR images.

The engine reconstructs in a process of its own; this file starts it, follows it and shows its pictures.
"""

import html
import logging
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import qt
import slicer
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
from TemporalReconLib.engine_image import age_on_arrival_s
from TemporalReconLib.engine_session import IMAGE_DEVICE, EngineSession, SessionState, SessionStatus, listen_options
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.mrml_roles import assign_role
from TemporalReconLib.mrml_volume import VOLUME_ROLE, LiveVolume
from TemporalReconLib.reconstruction.registry import DEFAULT_METHOD, METHOD_NAMES
from TemporalReconLib.requirements import missing_requirements

POLL_MSEC = 50
NOTICE = "Research software, not a medical device"
# Only volumes with this attribute are offered as output: the pixels of a planning scan must not be overwritten.
LIVE_VOLUME_ATTRIBUTE = "InBoreGuidance.LiveVolume"
_REQUIREMENTS = Path(__file__).parent / "Resources" / "requirements.txt"


class TemporalRecon(ScriptedLoadableModule):
    """What Slicer shows about the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Temporal Recon")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        self.parent.dependencies = []
        self.parent.contributors = ["The InBoreGuidance contributors"]
        self.parent.helpText = _(
            "Reconstructs undersampled MR images live, each from the frames so far, and shows the newest one. "
            "Press Start, then let the scanner (or <tt>temporal-recon send</tt>) send to the port shown. "
            "Research software, not a medical device."
        )
        self.parent.acknowledgementText = _(
            "Builds on Noordman et al. 2025, temporal deep learning reconstruction for in-bore MR biopsy, "
            "and Qin et al. 2018, convolutional recurrent neural networks for dynamic MR reconstruction."
        )


@parameterNodeWrapper
class TemporalReconParameterNode:
    """Settings kept in the scene.

    engineHost - computer the engine runs on; this one: it is started here
    enginePort - port the engine listens on
    scannerAddress - address of another computer that may send to the engine; empty: this computer only
    method, device, weightsPath - as of the command line; an empty path is none
    outputVolume - volume that shows the newest picture; made where it is missing
    """

    engineHost: str = "127.0.0.1"
    enginePort: Annotated[int, WithinRange(1024, 65535)] = 18944
    scannerAddress: str
    method: Annotated[str, Choice(list(METHOD_NAMES))] = DEFAULT_METHOD
    device: Annotated[str, Choice(["auto", "cpu", "cuda:0"])] = "auto"
    weightsPath: str
    outputVolume: slicer.vtkMRMLScalarVolumeNode


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


class TemporalReconLogic(ScriptedLoadableModuleLogic):
    """Starts and follows the engine; usable without the widget."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.session = EngineSession("TemporalReconLib", pythonExecutable())
        self._volume = None
        self._shown = None
        self._reader = FrameReader()

    def getParameterNode(self):
        return TemporalReconParameterNode(super().getParameterNode())

    def start(self, parameterNode):
        """Start the engine with the settings of a parameter node; returns at once.

        Raises InputError where a setting cannot work.
        """
        self.session.start(parameterNode.engineHost, parameterNode.enginePort, engineOptions(parameterNode))
        self._shown = None
        self._volume = None

    def stop(self, wait=False):
        """End the engine and the picture."""
        self.session.stop(wait)
        self.clear()

    def clear(self):
        """Blacken the picture, which is not live any more."""
        if self._volume is not None:
            self._volume.clear()

    def update(self, parameterNode):
        """Hand the newest picture to the scene and return the state; call it from a timer."""
        envelope = self.session.newest(IMAGE_DEVICE)
        if envelope is not None and envelope is not self._shown and parameterNode is not None:
            self._shown = envelope
            self._show(envelope, parameterNode)
        return self.session.status

    def _show(self, envelope, parameterNode):
        try:
            image = self._reader.read(envelope).frame
        except InputError as error:
            logging.warning(f"Temporal Recon: {error}")
            return
        if self._volume is None or parameterNode.outputVolume is not self._volume.node:
            assign_role(slicer.mrmlScene, VOLUME_ROLE, parameterNode.outputVolume)
            self._volume = LiveVolume(slicer.mrmlScene)
        isFirst = self._volume.node is None or self._volume.node.GetImageData() is None
        node = self._volume.update(image, age_on_arrival_s(envelope))
        if node is None:
            return
        if parameterNode.outputVolume is not node:
            node.SetAttribute(LIVE_VOLUME_ATTRIBUTE, "true")
            parameterNode.outputVolume = node
        if isFirst:
            showInSliceViews(node)


def engineOptions(parameterNode):
    """Command line options of the engine for these settings."""
    options = ["--method", parameterNode.method, "--device", parameterNode.device]
    options += listen_options(parameterNode.scannerAddress)
    if parameterNode.weightsPath:
        if not Path(parameterNode.weightsPath).is_file():
            raise InputError(f"{parameterNode.weightsPath}: no such weights file; choose another or leave it empty")
        options += ["--weights", parameterNode.weightsPath]
    return options


def showInSliceViews(volumeNode):
    """Show a volume in all slice views, along its own planes."""
    hasViews = slicer.app.layoutManager() is not None
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=hasViews, rotateToVolumePlane=hasViews)


def pythonExecutable():
    """Slicer's Python, which is on the PATH inside Slicer."""
    return shutil.which("PythonSlicer") or sys.executable


def ensureDependencies():
    """Install missing Python packages after asking; False if the user declines.

    Raises InputError in testing mode, where nothing is installed.
    """
    missing = missing_requirements(_REQUIREMENTS)
    if not missing:
        return True
    if slicer.app.testingEnabled():
        raise InputError(f"missing Python packages: {', '.join(missing)}; install them before testing")
    question = _(
        "The engine needs Python packages that Slicer does not have yet:\n\n{packages}\n\n"
        "Download and install them now? This needs the internet and may take several minutes."
    ).format(packages="\n".join(missing))
    if not slicer.util.confirmOkCancelDisplay(question, _("Install Python packages")):
        return False
    torch = next((line for line in missing if line.startswith("torch")), None)
    if torch is not None and hasattr(slicer.modules, "pytorchutils"):
        import PyTorchUtils

        requirement = torch.removeprefix("torch") or None
        if PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=requirement) is None:
            return False
        missing.remove(torch)
    if missing:
        pipInstall(missing)
    return True


def pipInstall(requirements):
    """Install with progress where this Slicer can show it (5.12), plainly otherwise."""
    try:
        from slicer.packaging import pip_ensure
    except ImportError:
        slicer.util.pip_install(requirements)
    else:
        pip_ensure(requirements, prompt_install=False, requester="InBoreGuidance")


# Shape, color and word: none of them carries the meaning alone.
_STATE_MARKS = {
    SessionState.STOPPED: ("\N{BLACK SQUARE}", "#8a8a8a"),
    SessionState.STARTING: ("\N{WHITE CIRCLE}", "#3f8fd2"),
    SessionState.WAITING: ("\N{WHITE CIRCLE}", "#3f8fd2"),
    SessionState.RUNNING: ("\N{BLACK CIRCLE}", "#009e73"),
    SessionState.STALLED: ("\N{BLACK UP-POINTING TRIANGLE}", "#d55e00"),
    SessionState.STOPPING: ("\N{WHITE CIRCLE}", "#8a8a8a"),
    SessionState.FAILED: ("\N{MULTIPLICATION X}", "#d62728"),
}


def stateText(status: SessionStatus) -> str:
    """The state line as rich text: what is, why, what to do."""
    words = {
        SessionState.STOPPED: _("Stopped"),
        SessionState.STARTING: _("Starting"),
        SessionState.WAITING: _("Waiting for data"),
        SessionState.RUNNING: _("Running"),
        SessionState.STALLED: _("Stalled"),
        SessionState.STOPPING: _("Stopping"),
        SessionState.FAILED: _("Failed"),
    }
    mark, color = _STATE_MARKS[status.state]
    text = f'<span style="color:{color}">{mark}</span> <b>{words[status.state]}</b>'
    if status.reason:
        text += f": {html.escape(status.reason)}"
    if status.advice:
        text += f"<br>{html.escape(status.advice)}"
    return text


def countersText(status: SessionStatus) -> str:
    """Frames, losses and latency in one line; a dash is "not known"."""
    latency = "\N{EN DASH}" if status.latency_s is None else f"{1e3 * status.latency_s:.0f} ms"
    return _("Frames {frames}   Dropped {dropped}   Latency {latency}").format(
        frames=status.n_frames, dropped=status.n_dropped, latency=latency
    )


class TemporalReconTest(ScriptedLoadableModuleTest):
    """For the Slicer desktop: Reload and Test, or ctest."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_EngineStartsAndStops()
        self.setUp()
        self.test_PictureReachesTheScene()

    def test_EngineStartsAndStops(self):
        """The engine opens its port and ends when told to."""
        self.delayDisplay("Starting the engine")
        logic = TemporalReconLogic()
        parameterNode = logic.getParameterNode()
        parameterNode.enginePort = 18999
        self.assertTrue(ensureDependencies())
        logic.start(parameterNode)
        try:
            for _attempt in range(600):
                status = logic.update(parameterNode)
                if status.state is not SessionState.STARTING:
                    break
                slicer.app.processEvents()
                time.sleep(0.1)
            self.assertEqual(status.state, SessionState.WAITING, f"{status.reason} {logic.session.process.log_tail}")
        finally:
            logic.stop(wait=True)
        self.assertEqual(logic.session.status.state, SessionState.STOPPED)
        self.delayDisplay("Test passed")

    def test_PictureReachesTheScene(self):
        """A picture becomes a volume with its geometry."""
        import numpy as np
        from TemporalReconLib.acquisition.image_frame import ImageFrame

        geometry = np.diag([1.5, 1.5, 3.0, 1.0])
        picture = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        node = LiveVolume(slicer.mrmlScene).update(ImageFrame(picture, geometry))
        showInSliceViews(node)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), picture)
        np.testing.assert_allclose(node.GetSpacing(), (1.5, 1.5, 3.0))
        self.delayDisplay("Test passed")
