# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""``slicer.app.coreIOManager()``: reads and writes files by MRML's own storage nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore

from standins.pythonqt import PythonQtObject

# File type of Slicer's readers, with the endings that choose it and the node class it makes.
_READERS = (
    ("SequenceFile", (".seq.nrrd", ".seq.nhdr", ".seq.mha"), "vtkMRMLSequenceNode"),
    ("SegmentationFile", (".seg.nrrd",), "vtkMRMLSegmentationNode"),
    ("MarkupsFile", (".mrk.json", ".fcsv"), "vtkMRMLMarkupsFiducialNode"),
    ("TransformFile", (".h5", ".tfm"), "vtkMRMLLinearTransformNode"),
    ("TableFile", (".csv", ".tsv"), "vtkMRMLTableNode"),
    ("TextFile", (".txt", ".json", ".xml"), "vtkMRMLTextNode"),
    ("ModelFile", (".vtk", ".vtp", ".stl", ".ply", ".obj"), "vtkMRMLModelNode"),
    ("VolumeFile", (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".dcm"), "vtkMRMLScalarVolumeNode"),
    ("SceneFile", (".mrml", ".mrb"), ""),
)


class qSlicerCoreIOManager(PythonQtObject, QtCore.QObject):
    """Reads and writes what our modules need; a file type that has no stand-in is not loaded."""

    newFileLoaded = QtCore.Signal(object)

    def fileType(self, file_name: str) -> str:
        for file_type, endings, _ in _READERS:
            if str(file_name).lower().endswith(endings):
                return file_type
        return "NoFile"

    def loadNodes(self, file_type: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None) -> bool:
        path = Path(properties["fileName"])
        if not path.is_file():
            return _refuse(messages, f"no such file: {path}")
        if file_type == "SceneFile":
            slicer.mrmlScene.SetURL(str(path))
            return bool(slicer.mrmlScene.Import() if properties.get("clear") is False else slicer.mrmlScene.Connect())
        node_class = next((made for known, _, made in _READERS if known == file_type), None)
        if node_class is None:
            return _refuse(messages, f"no stand-in reads a {file_type}")
        if file_type == "MarkupsFile":
            node = _markups_node(path)
        elif file_type == "VolumeFile":
            node = slicer.modules.volumes.logic().AddArchetypeVolume(str(path), properties.get("name", ""))
            node = _with_name(node, path, properties)
        else:
            node = _read(node_class, path, properties)
        if node is None:
            return _refuse(messages, f"cannot read {path}")
        if file_type == "SequenceFile":
            _browse(node)
        if file_type == "VolumeFile" and properties.get("show", True):
            slicer.util.setSliceViewerLayers(background=node)
        if loaded is not None:
            loaded.AddItem(node)
        return True

    def fileWriterFileType(self, node: Any) -> str:
        storable = node.IsA("vtkMRMLStorableNode")
        return next((kind for kind, _, made in _READERS if made and storable and node.IsA(made)), "NodeFile")

    def saveNodes(self, file_type: str, properties: dict[str, Any], messages: Any = None) -> bool:
        path = str(properties["fileName"])
        if file_type == "SceneFile":
            if path.endswith(".mrb"):
                return bool(slicer.mrmlScene.WriteToMRB(path))
            slicer.mrmlScene.SetURL(path)
            return bool(slicer.mrmlScene.Commit())
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        storage = node.GetStorageNode()
        if storage is None or not storage.SupportedFileType(path):
            node.AddDefaultStorageNode(path)
            storage = node.GetStorageNode()
        if storage is None:
            return _refuse(messages, f"nothing writes {node.GetName()}")
        storage.SetFileName(path)
        if "useCompression" in properties:
            storage.SetUseCompression(bool(properties["useCompression"]))
        return bool(storage.WriteData(node)) or _refuse(messages, f"cannot write {path}")


def _refuse(messages: Any, text: str) -> bool:
    if messages is not None:
        messages.AddMessage(slicer.vtkCommand.ErrorEvent if hasattr(slicer, "vtkCommand") else 38, text)
    return False


def _with_name(node: Any, path: Path, properties: dict[str, Any]) -> Any:
    if node is not None and not properties.get("name"):
        node.SetName(path.name.partition(".")[0])
    return node


def _read(node_class: str, path: Path, properties: dict[str, Any]) -> Any:
    name = properties.get("name") or path.name.partition(".")[0]
    node = slicer.mrmlScene.AddNewNodeByClass(node_class, slicer.mrmlScene.GenerateUniqueName(name))
    if node_class == "vtkMRMLSequenceNode":  # as Slicer's reader, which tries this one first
        storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeSequenceStorageNode")
        node.SetAndObserveStorageNodeID(storage.GetID())
    else:
        node.AddDefaultStorageNode(str(path))
    storage = node.GetStorageNode()
    if storage is not None:
        storage.SetFileName(str(path))
        if storage.ReadData(node):
            return node
        slicer.mrmlScene.RemoveNode(storage)
    slicer.mrmlScene.RemoveNode(node)
    return None


def _markups_node(path: Path) -> Any:
    name = slicer.modules.markups.logic().LoadMarkups(str(path), "")
    return slicer.mrmlScene.GetNodeByID(name) if name else None


def _browse(sequence: Any) -> None:
    """Slicer's reader adds a browser whose proxy node shows the first item."""
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{sequence.GetName()} browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
