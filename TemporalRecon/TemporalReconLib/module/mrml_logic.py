"""Starts and follows the engine of Temporal Recon, and shows its pictures."""

import logging

import slicer

from TemporalReconLib.engine_image import age_on_arrival_s
from TemporalReconLib.engine_session import IMAGE_DEVICE, listen_options
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.module.mrml_engine_logic import EngineLogic
from TemporalReconLib.module.mrml_parameter_node import TemporalReconParameterNode
from TemporalReconLib.mrml_roles import assign_role
from TemporalReconLib.mrml_volume import VOLUME_ROLE, LiveVolume

# Only volumes with this attribute are offered as output: the pixels of a planning scan must not be overwritten.
LIVE_VOLUME_ATTRIBUTE = "InBoreGuidance.LiveVolume"


class TemporalReconLogic(EngineLogic):
    """Shows the engine's pictures in the scene; usable without the widget."""

    def __init__(self):
        EngineLogic.__init__(self, "TemporalReconLib")
        self._volume = None
        self._shown = None
        self._reader = FrameReader()

    def getParameterNode(self):
        return TemporalReconParameterNode(super().getParameterNode())

    def start(self, parameterNode):
        """Start the engine with the settings of a parameter node; returns at once.

        Raises InputError where a setting cannot work.
        """
        self.startEngine(parameterNode, listen_options(parameterNode.scannerAddress))
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
        if parameterNode is not None:
            self.updatePlanningScan(parameterNode)
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


def showInSliceViews(volumeNode):
    """Show a volume in all slice views, along its own planes."""
    hasViews = slicer.app.layoutManager() is not None
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=hasViews, rotateToVolumePlane=hasViews)
