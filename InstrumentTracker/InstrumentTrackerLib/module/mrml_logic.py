"""Starts and follows the engine of Instrument Tracker, and keeps the guidance display."""

from pathlib import Path

import slicer
import TemporalReconLib
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic
from TemporalReconLib.engine_session import EngineSession, listen_options
from TemporalReconLib.module.mrml_engine_logic import pythonExecutable

from InstrumentTrackerLib.module.mrml_parameter_node import InstrumentTrackerParameterNode

STALE_AFTER_S = 0.5  # steering by an older picture is not acceptable (clinicians' own figure)
# Where both modules and their packages are; the engine finds them there (one folder once installed).
_SEARCH_PATHS = (Path(__file__).parents[2], Path(TemporalReconLib.__file__).parents[1])


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
        from TemporalReconLib.mrml_roles import assign_role

        from InstrumentTrackerLib.mrml_markups import ENTRY, TARGET
        from InstrumentTrackerLib.mrml_scene import GuidanceScene

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
