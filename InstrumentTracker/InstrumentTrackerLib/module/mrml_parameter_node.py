"""Settings of Instrument Tracker that are kept in the scene."""

from typing import Annotated

import slicer
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from TemporalReconLib.module.mrml_engine_settings import EngineSettings
from TemporalReconLib.module.mrml_source_settings import SourceSettings

from InstrumentTrackerLib.module.mrml_needle_type import NeedleType
from InstrumentTrackerLib.segmentation.registry import DEFAULT_SEGMENTER
from InstrumentTrackerLib.targeting.needle_materials import NEEDLE_MATERIALS

NO_CORRECTION = "off"


@parameterNodeWrapper
class InstrumentTrackerParameterNode(EngineSettings, SourceSettings):
    """Settings of the engine, of the source of frames, and of this panel:

    targetNode, currentTargetID - point list of the targets, and the control point that is the target now
    entryNode - point list whose first point is the planned entry
    needleType - one of those to choose from; custom: needleThrow, needleNotch, needleDeadTip (mm) count
    safetyMargin - a sure hit is this far inside the lesion's border, mm
    csvCoordinates - of tables of targets that are imported
    segmenter, artifactCorrection, fieldStrength (T), echoTime (ms), sendScanPlane - as of the command line
    soundOn - whether a hit that begins and numbers that end are heard
    show... - parts of the display; trailFrames, trailSeconds - how far back the trail reaches
    followInstrument - the slice views of the guidance layout lie through the axis
    readoutInViews - the readout is drawn over all views
    """

    targetNode: slicer.vtkMRMLMarkupsFiducialNode
    currentTargetID: str = ""
    entryNode: slicer.vtkMRMLMarkupsFiducialNode
    needleType: NeedleType = NeedleType.THROW_22_NOTCH_18
    needleThrow: Annotated[float, WithinRange(0, 60)] = 22.0
    needleNotch: Annotated[float, WithinRange(1, 60)] = 18.0
    needleDeadTip: Annotated[float, WithinRange(0, 60)] = 4.0
    safetyMargin: Annotated[float, WithinRange(0, 20)] = 1.0
    csvCoordinates: Annotated[str, Choice(["RAS", "LPS"])] = "RAS"
    segmenter: str = DEFAULT_SEGMENTER
    artifactCorrection: Annotated[str, Choice([NO_CORRECTION, *NEEDLE_MATERIALS])] = NO_CORRECTION
    fieldStrength: Annotated[float, WithinRange(0.01, 12)] = 3.0
    echoTime: Annotated[float, WithinRange(0.01, 100)] = 2.28
    sendScanPlane: bool = False
    soundOn: bool = False
    showGuide: bool = True
    showNeedle: bool = True
    showTips: bool = True
    showAxis: bool = True
    showPath: bool = True
    showUncertainty: bool = True
    showLesion: bool = True
    showTrail: bool = False
    trailFrames: Annotated[int, WithinRange(2, 500)] = 50
    trailSeconds: Annotated[float, WithinRange(0.5, 60)] = 10.0
    followInstrument: bool = True
    readoutInViews: bool = True
