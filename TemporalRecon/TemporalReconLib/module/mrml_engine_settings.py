"""Settings of an engine that are kept in the scene; the parameter nodes of both modules inherit them."""

from typing import Annotated

import slicer
from slicer.parameterNodeWrapper import Choice, WithinRange

from TemporalReconLib.igtl.default_port import DEFAULT_PORT
from TemporalReconLib.reconstruction.registry import DEFAULT_METHOD, METHOD_NAMES


class EngineSettings:
    """Plain base class of ``@parameterNodeWrapper`` classes; the sections of the panels bind to these names.

    engineHost - computer the engine runs on; empty or 127.0.0.1: this one, it is started here
    enginePort - port the engine listens on
    method, device - as of the command line
    weightsPath - weights file of the user's own; empty: those that come with the extension
    imageCoordinates - whether to believe the coordinate label of images that come in, or to overrule it
    planningVolume - fully sampled scan that the engine gets as prior
    recordToDisk, recordFolder - whether the engine keeps what comes in, and where; empty: nowhere
    """

    engineHost: str = ""
    enginePort: Annotated[int, WithinRange(1024, 65535)] = DEFAULT_PORT
    method: Annotated[str, Choice(list(METHOD_NAMES))] = DEFAULT_METHOD
    device: Annotated[str, Choice(["auto", "cpu", "cuda:0"])] = "auto"
    weightsPath: str = ""
    imageCoordinates: Annotated[str, Choice(["label", "ras", "lps"])] = "label"
    recordToDisk: bool = False
    recordFolder: str = ""
    planningVolume: slicer.vtkMRMLScalarVolumeNode
