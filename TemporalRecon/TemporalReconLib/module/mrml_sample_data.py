"""The sample case of the extension: in the module Sample Data, and by one click in the panels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from TemporalReconLib.errors import InputError

CATEGORY = "InBoreGuidance"
SAMPLE_NAME = "InBoreBiopsySimulated"
_ATTRIBUTE = "InBoreGuidance.SampleFile"
_FOLDER = Path(__file__).parents[2] / "Resources" / "SampleData"
# Of each file: ending, file type of Slicer's reader, SHA256. README.md of the folder says how they were made.
_FILES = (
    (".seq.nrrd", "SequenceFile", "124f0ec4f4215b1d4a63f5dd9c8eacf71b1a6f8cc53776deb5cf8ba5ba402582"),
    ("-Planning.nrrd", "VolumeFile", "c862d6d2bcf7bd02b89c688204de7e1ee75364a57d633d97dd79042b6d4ae2da"),
    ("-Target.mrk.json", "MarkupsFile", "94785cebb04518ddc182cbe6d76faf57aca1165886268fff17cdaeb6278e960a"),
    ("-Entry.mrk.json", "MarkupsFile", "53e443e5962e0fcaae5d5854711ff57cb8f01c1c4a08f9a34070927a5e7bfbc4"),
)


@dataclass(frozen=True)
class SampleCase:
    """Nodes of the loaded sample case.

    :param sequence: the biopsy, fully sampled snapshots over time (vtkMRMLSequenceNode).
    :param planning: the same slices before the instrument enters (vtkMRMLScalarVolumeNode).
    :param target, entry: point lists of one point each (vtkMRMLMarkupsFiducialNode).
    """

    sequence: Any
    planning: Any
    target: Any
    entry: Any


def registerSampleData():
    """Offer the case in the module Sample Data; nothing is read or downloaded. Call it once Slicer has started."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=SAMPLE_NAME,
        uris=[(_FOLDER / f"{SAMPLE_NAME}{ending}").as_uri() for ending, _kind, _sum in _FILES],
        fileNames=[f"{SAMPLE_NAME}{ending}" for ending, _kind, _sum in _FILES],
        nodeNames=[
            *(_("In-bore biopsy (simulated)"), _("Planning scan (simulated)")),
            *(_("Target (simulated)"), _("Entry (simulated)")),
        ],
        loadFileType=[kind for _ending, kind, _sum in _FILES],
        checksums=[f"SHA256:{checksum}" for _ending, _kind, checksum in _FILES],
        thumbnailFileName=str(_FOLDER / f"{SAMPLE_NAME}.png"),
    )


def loadSampleCase():
    """Load the case into the scene, unless it is there already, and return its SampleCase.

    Raises InputError if a file is missing or not what it was.
    """
    import SampleData

    names = [f"{SAMPLE_NAME}{ending}" for ending, _kind, _sum in _FILES]
    present = [_loadedNode(name) for name in names]
    if all(node is not None for node in present):
        return SampleCase(*present)
    registerSampleData()
    nodes = SampleData.SampleDataLogic().downloadSamples(SAMPLE_NAME)
    if len(nodes) != len(_FILES) or not all(isinstance(node, slicer.vtkMRMLNode) for node in nodes):
        raise InputError(f"{_FOLDER}: the sample case cannot be loaded; install the extension again")
    for name, node in zip(names, nodes, strict=True):
        node.SetAttribute(_ATTRIBUTE, name)
    return SampleCase(*nodes)


def _loadedNode(name):
    """The node of the scene that was loaded from this file of the case, or None."""
    scene = slicer.mrmlScene
    nodes = (scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes()))
    return next((node for node in nodes if node.GetAttribute(_ATTRIBUTE) == name), None)
