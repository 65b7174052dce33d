"""Settings of Temporal Recon that are kept in the scene."""

import slicer
from slicer.parameterNodeWrapper import parameterNodeWrapper

from TemporalReconLib.module.mrml_engine_settings import EngineSettings


@parameterNodeWrapper
class TemporalReconParameterNode(EngineSettings):
    """Settings of the engine, and of this panel:

    scannerAddress - address of another computer that may send to the engine; empty: this computer only
    windowLocked - whether window and level of the picture are left alone
    outputVolume - volume that shows the newest picture; made where it is missing
    """

    scannerAddress: str = ""
    windowLocked: bool = False
    outputVolume: slicer.vtkMRMLScalarVolumeNode
