"""Settings of Temporal Recon that are kept in the scene."""

import slicer
from slicer.parameterNodeWrapper import parameterNodeWrapper

from TemporalReconLib.module.mrml_engine_settings import EngineSettings
from TemporalReconLib.module.mrml_source_settings import SourceSettings


@parameterNodeWrapper
class TemporalReconParameterNode(EngineSettings, SourceSettings):
    """Settings of the engine, of the source of frames, and of this panel:

    windowLocked - whether window and level of the picture are left alone
    outputVolume - volume that shows the newest picture; made where it is missing
    """

    windowLocked: bool = False
    outputVolume: slicer.vtkMRMLScalarVolumeNode
