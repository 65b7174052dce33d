"""What the logics of both modules do alike: start, stop and command an engine."""

import json
import shutil
import sys
from pathlib import Path

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from TemporalReconLib.engine_client.session import EngineSession
from TemporalReconLib.errors import InputError
from TemporalReconLib.module.mrml_remembered_settings import recall, remember
from TemporalReconLib.reconstruction.registry import check_method

_COMMANDS = ("RESET", "RECORD")
_RECALLED = "InBoreGuidance.SettingsRecalled"
ANSWER_SHOWN_S = 5.0


class EngineLogic(ScriptedLoadableModuleLogic):
    """Starts, follows and commands an engine; usable without a panel.

    :param package: package that is run with ``serve``.
    :param searchPaths: folders that hold packages of ours beyond this one.
    :param statusDevice: device name of the engine's STATUS messages.
    """

    def __init__(self, package, searchPaths=(), statusDevice="TemporalRecon"):
        ScriptedLoadableModuleLogic.__init__(self)
        self.session = EngineSession(package, pythonExecutable(), searchPaths, statusDevice)
        self._sentPlanningVolume = None
        self._sentRecording = False

    def remembered(self, wrapper, node):
        """A parameter node of a class with EngineSettings; a new one begins with what the user had last.

        Slicer keeps the node when a scene is closed and empties it, and wrappers of the closed scene that are still in
        memory fill it with defaults at once: only a mark of our own says that it is new.
        """
        isNew = node.GetAttribute(_RECALLED) is None
        settings = wrapper(node)
        if isNew:
            recall(settings)
            node.SetAttribute(_RECALLED, "true")
        return settings

    def startEngine(self, settings, options=(), listener=None):
        """Start the engine, or join the one at ``settings.engineHost``; returns at once.

        :param settings: a parameter node with EngineSettings.
        :param options: more command line options, such as those of the source.
        :param listener: called with every message of the engine on a thread of the link.

        Raises InputError where a setting cannot work.
        """
        arguments = [*engineOptions(settings), *options]
        self.session.start(settings.engineHost, settings.enginePort, arguments, listener)
        self._sentPlanningVolume = None
        self._sentRecording = settings.recordToDisk
        remember(settings)

    def updatePlanningScan(self, settings):
        """Send the planning scan when it was chosen; the link sends it again to a restarted engine."""
        node = settings.planningVolume
        if self.session.link is None or node is self._sentPlanningVolume:
            return
        self._sentPlanningVolume = node
        if node is not None and node.GetImageData() is not None:
            self.session.link.send(planningEnvelope(node), latched=True)

    def updateRecording(self, settings):
        """Tell the engine when the recording to disk was switched; the folder is the engine's own and never sent."""
        if settings.recordToDisk != self._sentRecording:
            self._sentRecording = settings.recordToDisk
            self.sendCommand("RECORD", json.dumps({"record": settings.recordToDisk}))

    def reset(self):
        """Let the engine forget the frames so far."""
        self.sendCommand("RESET")

    def recentAnswers(self):
        """Commands that the engine has answered in the last seconds: pairs of name and error, empty for none."""
        answers = []
        for name in _COMMANDS:
            silence = None if self.session.link is None else self.session.link.silence_s(f"ACK_{name}")
            if silence is not None and silence < ANSWER_SHOWN_S:
                answers.append((name, errorOf(self.session.newest(f"ACK_{name}"))))
        return answers

    def sendCommand(self, name, text=""):
        """Send ``CMD_<name>`` with a JSON text; the engine answers by ``ACK_<name>``."""
        from TemporalReconLib.igtl.envelope import Envelope
        from TemporalReconLib.igtl.messages import StringMessage

        if self.session.link is not None:
            self.session.link.send(Envelope(StringMessage(text), f"CMD_{name}"))


def engineOptions(settings):
    """Command line options of the engine for EngineSettings; raises InputError where one cannot work."""
    weights = Path(settings.weightsPath) if settings.weightsPath else None
    check_method(settings.method, weights)
    options = ["--method", settings.method, "--device", settings.device]
    if settings.imageCoordinates != "label":
        options += ["--image-coordinates", settings.imageCoordinates]
    if weights is not None:
        if not weights.exists():
            raise InputError(f"{weights}: no such weights file; choose another or leave it empty")
        options += ["--weights", str(weights)]
    if settings.recordToDisk and not settings.recordFolder:
        raise InputError("recording: no folder is chosen; choose one under Monitor > Record, or switch it off")
    if settings.recordFolder:
        options += ["--record", settings.recordFolder]
        options += [] if settings.recordToDisk else ["--record-paused"]
    return options


def errorOf(answer):
    """The error in the JSON text of an ``ACK_`` message; empty for a command that was carried out."""
    try:
        content = json.loads(answer.message.text)
        return "" if content.get("ok") else str(content.get("error", ""))
    except (AttributeError, ValueError):  # another engine may send anything
        return ""


def planningEnvelope(volumeNode):
    """A volume node as the planning scan that an engine understands; raises InputError for one that is none."""
    import numpy as np

    from TemporalReconLib.acquisition.image_frame import ImageFrame
    from TemporalReconLib.igtl.frames import image_envelope
    from TemporalReconLib.scene.mrml_volume import ijk_to_ras_of

    pixels = np.ascontiguousarray(slicer.util.arrayFromVolume(volumeNode), dtype=np.float32)
    return image_envelope(ImageFrame(pixels, ijk_to_ras_of(volumeNode), stream_id="planning"), planning=True)


def pythonExecutable():
    """Slicer's Python, which is on the PATH inside Slicer."""
    return shutil.which("PythonSlicer") or sys.executable
