"""What the panels of both modules do alike: sections, settings, timer, scene, errors."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from TemporalReconLib.module.mrml_dependencies import ensureDependencies
from TemporalReconLib.module.mrml_gui_binding import GuiBinding
from TemporalReconLib.module.mrml_reconstruction_section import ReconstructionSection
from TemporalReconLib.module.mrml_run_section import RunSection
from TemporalReconLib.module.mrml_section_ui import addSection
from TemporalReconLib.module.mrml_set_up_section import SetUpSection

# No more than 20 updates of the scene per second, however fast pictures come.
POLL_MSEC = 50


class EngineWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """A panel around an engine.

    The panel's ``.ui`` is a qMRMLWidget named like the module, with empty layouts ``reconstructionPlace`` and
    ``runPlace`` (and one ``<name>Place`` for each further name in ``sectionNames``). A module's widget gives:

    - ``makeLogic()``: its EngineLogic with ``getParameterNode``, ``start``, ``stop``, ``clear`` and ``update``
    - ``setupSections()``: makes its own sections from ``self.ui``; called once
    - ``startOptions()``: more command line options for the engine, such as those of the source
    - ``showStatus(status)``: shows a SessionStatus in its own sections, after calling this one
    - ``onSettings(parameterNode)``: told when another parameter node, or None, is bound
    """

    sectionNames: tuple[str, ...] = ("Reconstruction", "Run")

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiBinding = None
        self._isStopping = False

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        for name in (*self.sectionNames, "SetUp"):
            addSection(self.ui, name)
        self.logic = self.makeLogic()
        self.reconstructionSection = ReconstructionSection(self.ui)
        self.runSection = RunSection(self.ui, self.logic, self.onStart, self.onStop, self.onReset)
        self.setUpSection = SetUpSection(self.ui)
        self.setupSections()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MSEC)
        self._timer.connect("timeout()", self.onTimer)
        self.initializeParameterNode()
        self.showStatus(self.logic.session.status)

    def makeLogic(self):
        raise NotImplementedError

    def setupSections(self):
        """A module with sections of its own makes them here."""

    def startOptions(self):
        """Raises InputError where a setting cannot work."""
        return []

    def onSettings(self, parameterNode):
        """A module whose own sections need the settings takes them here."""

    def cleanup(self):
        """The module is unloaded or Slicer closes: the engine must not stay behind."""
        self._timer.stop()
        self.logic.stop(wait=True)
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def onSceneStartClose(self, caller, event):
        """The next scene may be another patient's: what is shown of this one stops."""
        self.onStop()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneEndImport(self, caller, event):
        """Show the settings of a loaded scene."""
        if self._parameterNode is not None:
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
        self.reconstructionSection.setSettings(parameterNode)
        self.onSettings(parameterNode)

    def onStart(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The engine could not be started."), waitCursor=False):
            if self._parameterNode is None:
                self.initializeParameterNode()
            isReady = ensureDependencies(self._parameterNode.engineHost)
            self.setUpSection.refresh()
            if not isReady:
                return
            self.logic.start(self._parameterNode, self.startOptions())
            self._isStopping = False
            self._timer.start()
            self.showStatus(self.logic.session.status)

    def onStop(self, checked=False):
        self._isStopping = True
        self.logic.stop()
        self.showStatus(self.logic.session.status)

    def onReset(self, checked=False):
        self.logic.reset()

    def onTimer(self):
        """Show the newest picture and state; about 20 times per second while a session is active."""
        if not self._isStopping:
            try:
                self.logic.update(self._parameterNode)
            except Exception:
                # Stop first: an error box twenty times per second could not be closed.
                self.onStop()
                with slicer.util.tryWithErrorDisplay(_("The picture could not be shown; the engine was stopped.")):
                    raise
        status = self.logic.session.status
        self.showStatus(status)
        if not status.state.is_active:
            self.logic.clear()
            self._timer.stop()

    def showStatus(self, status):
        """State in words and color, and which controls make sense now."""
        self.reconstructionSection.update(status)
        self.runSection.update(status)
