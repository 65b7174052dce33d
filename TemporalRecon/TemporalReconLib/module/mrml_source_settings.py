"""Settings of a source of frames that are kept in the scene; the parameter nodes of both modules inherit them."""

from enum import Enum
from typing import Annotated

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Choice, WithinRange

from TemporalReconLib.acquisition.masks import MASK_KINDS

MAX_ACCELERATION = 40
MAX_RATE_FPS = 50.0


class SourceKind(Enum):
    """Where frames come from."""

    LIVE = "live"
    SEQUENCE = "sequence"
    VOLUME = "volume"
    FILE = "file"

    def label(self):
        """Text of the combo box."""
        return {
            SourceKind.LIVE: _("Live from the scanner"),
            SourceKind.SEQUENCE: _("Sequence in the scene"),
            SourceKind.VOLUME: _("Volume in the scene"),
            SourceKind.FILE: _("File or DICOM folder"),
        }[self]


class FramesAs(Enum):
    """What is a frame of a volume or a file."""

    TIME = "time"
    SLICES = "slices"

    def label(self):
        """Text of the combo box."""
        return {
            FramesAs.TIME: _("points in time"),
            FramesAs.SLICES: _("slices of one volume"),
        }[self]


class SourceSettings:
    """Plain base class of ``@parameterNodeWrapper`` classes; SourceSection binds to these names.

    sourceKind - where frames come from
    scannerAddress - address of another computer that may send to the engine; empty: this computer only
    mrdPort - port for MRD raw data beside OpenIGTLink; 0: none
    connectTo - HOST:PORT of a server whose frames the engine fetches; empty: none
    seriesNode, volumeNode, seriesFile - what is played if the source is not live
    framesAs - what is a frame of a volume or a file
    acceleration - undersample by this factor; 1: play as it is
    mask, maskSeed - order of the lines that undersampling keeps
    rate - frames per second; 0: the series' own
    looping - begin again after the last frame
    """

    sourceKind: SourceKind = SourceKind.LIVE
    scannerAddress: str = ""
    mrdPort: Annotated[int, WithinRange(0, 65535)] = 0
    connectTo: str = ""
    seriesNode: slicer.vtkMRMLSequenceNode
    volumeNode: slicer.vtkMRMLScalarVolumeNode
    seriesFile: str = ""
    framesAs: FramesAs = FramesAs.TIME
    acceleration: Annotated[int, WithinRange(1, MAX_ACCELERATION)] = 1
    mask: Annotated[str, Choice(list(MASK_KINDS))] = MASK_KINDS[0]
    maskSeed: Annotated[int, WithinRange(0, 9999)] = 0
    rate: Annotated[float, WithinRange(0.0, MAX_RATE_FPS)] = 0.0
    looping: bool = False
