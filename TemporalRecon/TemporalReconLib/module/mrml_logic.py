"""Shows the engine's pictures in the scene, says when they are not live, and keeps them."""

import logging

import slicer
from slicer.i18n import tr as _

from TemporalReconLib.engine_client.image import age_on_arrival_s
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.device_names import RECON_DEVICE
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.module.mrml_engine_logic import EngineLogic
from TemporalReconLib.module.mrml_parameter_node import TemporalReconParameterNode
from TemporalReconLib.module.mrml_status_text import ageText
from TemporalReconLib.scene.mrml_recorder import VolumeRecorder
from TemporalReconLib.scene.mrml_roles import assign_role
from TemporalReconLib.scene.mrml_stale_mark import StaleMark
from TemporalReconLib.scene.mrml_volume import VOLUME_ROLE, LiveVolume

# Only volumes with this attribute are offered as output: the pixels of a planning scan must not be overwritten.
LIVE_VOLUME_ATTRIBUTE = "InBoreGuidance.LiveVolume"


class TemporalReconLogic(EngineLogic):
    """Starts the engine and shows its pictures; usable without the widget."""

    def __init__(self):
        EngineLogic.__init__(self, "TemporalReconLib")
        self.recorder = None
        self.isRecording = False
        self.isPaused = False  # by the user, who plays a series
        self._recordsAnew = False
        self._volume = None
        self._shown = None
        self._reader = FrameReader()
        self._staleMark = StaleMark()

    def getParameterNode(self):
        return self.remembered(TemporalReconParameterNode, super().getParameterNode())

    def start(self, parameterNode, options=()):
        """Start the engine with the settings of a parameter node and more options; returns at once.

        Raises InputError where a setting cannot work.
        """
        self.startEngine(parameterNode, options)
        self._shown = None
        self._volume = None
        self._recordsAnew = True  # what was recorded of another session stays as it is

    def stop(self, wait=False):
        """End the engine and the picture; a recording in the scene stays and can be saved."""
        self.session.stop(wait)
        self.isRecording = False
        self.clear()

    def clear(self):
        """Blacken the picture, which is not live any more."""
        self._staleMark.hide()
        if self._volume is not None:
            self._volume.clear()

    def update(self, parameterNode):
        """Hand the newest picture to the scene and return the state; call it from a timer."""
        if parameterNode is None or not self.session.status.state.is_active:
            return self.session.status
        self.updatePlanningScan(parameterNode)
        self.updateRecording(parameterNode)
        self._useVolume(parameterNode)
        envelope = self.session.newest(RECON_DEVICE)
        if envelope is not None and envelope is not self._shown:
            self._shown = envelope
            self._show(envelope, parameterNode)
        status = self.session.status
        self._markAge(status)
        return status

    def record(self, on):
        """Keep the pictures that come from now on in a Slicer sequence, or no longer."""
        if on and (self.recorder is None or self.recorder.is_full or self._recordsAnew):
            self.recorder = VolumeRecorder(slicer.mrmlScene)
            self._recordsAnew = False
        self.isRecording = on

    def _useVolume(self, parameterNode):
        """Let the selected output volume be the one that shows the pictures."""
        if self._volume is None or parameterNode.outputVolume is not self._volume.node:
            self._staleMark.hide()
            assign_role(slicer.mrmlScene, VOLUME_ROLE, parameterNode.outputVolume)
            self._volume = LiveVolume(slicer.mrmlScene)

    def _show(self, envelope, parameterNode):
        try:
            image = self._reader.read(envelope).frame
        except InputError as error:
            logging.warning(f"Temporal Recon: {error}")
            return
        volume = self._volume
        isFirst = volume.node is None or volume.node.GetImageData() is None
        volume.window_is_locked = parameterNode.windowLocked
        node = volume.update(image, age_on_arrival_s(envelope))
        if node is None:
            return
        if volume.window_is_locked and not parameterNode.windowLocked:
            parameterNode.windowLocked = True  # the user has changed window or level in a view
        if parameterNode.outputVolume is not node:
            node.SetAttribute(LIVE_VOLUME_ATTRIBUTE, "true")
            parameterNode.outputVolume = node
        if isFirst:
            node.SetUndoEnabled(False)
            showInSliceViews(node)
        if self.isRecording and not self.recorder.record(node, image.mid_acquisition_time):
            self.isRecording = False

    def _markAge(self, status):
        """A picture that no other followed in time must not look live, whether or not the engine still answers."""
        node = self._volume.node
        if node is None or node.GetImageData() is None:
            return
        if status.age_s is None:  # the picture is of an earlier session
            self._staleMark.show(node, _("NOT LIVE"))
        elif status.is_stale and self.isPaused:
            self._staleMark.show(node, _("PAUSED"), is_tinted=False)
        elif status.is_stale:
            self._volume.set_age(status.age_s)
            self._staleMark.show(node, _("NOT LIVE  {age}").format(age=ageText(status.age_s)))
        elif status.is_late:
            text = _("LATE  {age}").format(age=ageText(status.age_s))
            self._staleMark.show(node, text, is_tinted=False)
        else:
            self._staleMark.hide()


def showInSliceViews(volumeNode):
    """Show a volume in all slice views, along its own planes."""
    hasViews = slicer.app.layoutManager() is not None
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=hasViews, rotateToVolumePlane=hasViews)
