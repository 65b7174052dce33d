"""Settings of Instrument Tracker that are kept in the scene."""

from typing import Annotated

import slicer
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from TemporalReconLib.reconstruction.registry import DEFAULT_METHOD, METHOD_NAMES


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
