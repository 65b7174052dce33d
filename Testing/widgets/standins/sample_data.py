"""Module ``SampleData``: sources of sample data, downloaded, checked and loaded."""

from __future__ import annotations

import types
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import slicer.util
import vtk

_ATTEMPTS = 3


def _as_lists(*entries: Any) -> list[list[Any]]:
    """Slicer accepts one URI with one name, or as many of each."""
    uris = entries[0]
    if isinstance(uris, str):
        return [[entry] for entry in entries]
    return [[entry] * len(uris) if entry is None or isinstance(entry, str) else list(entry) for entry in entries]


class SampleDataSource:
    """One data set: where its files come from and what they become."""

    def __init__(
        self,
        sampleName: str | None = None,
        sampleDescription: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        checksums: Any = None,
        loadFiles: Any = None,
        customDownloader: Callable[..., Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileType: Any = None,
        loadFileProperties: dict[str, Any] | None = None,
    ) -> None:
        self.sampleName = sampleName
        self.sampleDescription = sampleDescription or sampleName
        lists = _as_lists(uris, fileNames, nodeNames, checksums, loadFiles, loadFileType)
        self.uris, self.fileNames, self.nodeNames, self.checksums, self.loadFiles, self.loadFileType = lists
        self.customDownloader = customDownloader
        self.thumbnailFileName = thumbnailFileName
        self.loadFileProperties = loadFileProperties or {}
        if len({len(entries) for entries in lists}) != 1:
            raise ValueError("All fields of sample data source must have the same length")


class SampleDataLogic:
    """Registers and loads sample data."""

    def __init__(self, logMessage: Callable[..., None] | None = None) -> None:
        slicer.modules.sampleDataSources = getattr(slicer.modules, "sampleDataSources", {})

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Callable[..., Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileType: Any = "VolumeFile",
        loadFiles: Any = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: Any = None,
    ) -> None:
        sources = SampleDataLogic.sampleDataSourcesByCategory().setdefault(category, [])
        if not any(source.sampleName == sampleName for source in sources):
            sources.append(
                SampleDataSource(
                    sampleName=sampleName,
                    uris=uris,
                    fileNames=fileNames,
                    nodeNames=nodeNames,
                    thumbnailFileName=thumbnailFileName,
                    loadFileType=loadFileType,
                    loadFiles=loadFiles,
                    loadFileProperties=loadFileProperties,
                    checksums=checksums,
                    customDownloader=customDownloader,
                )
            )

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        slicer.modules.sampleDataSources = getattr(slicer.modules, "sampleDataSources", {})
        every = slicer.modules.sampleDataSources
        return every if category is None else every.get(category, [])

    def sourceForSampleName(self, sampleName: str) -> SampleDataSource | None:
        every = [source for sources in self.sampleDataSourcesByCategory().values() for source in sources]
        return next((source for source in every if source.sampleName == sampleName), None)

    def downloadSample(self, sampleName: str) -> Any:
        return self.downloadSamples(sampleName)[0]

    def downloadSamples(self, sampleName: str) -> list[Any]:
        source = self.sourceForSampleName(sampleName)
        return [] if source is None else self.downloadFromSource(source)

    def downloadFromSource(self, source: SampleDataSource, maximumAttemptsCount: int = _ATTEMPTS) -> list[Any]:
        nodes, paths = [], []
        entries = zip(
            *(source.uris, source.fileNames, source.nodeNames, source.checksums, source.loadFiles, source.loadFileType),
            strict=True,
        )
        for uri, file_name, node_name, checksum, load, file_type in entries:
            for _ in range(maximumAttemptsCount):
                try:
                    path = self.downloadFileIntoCache(uri, file_name, checksum)
                except ValueError:
                    continue
                paths.append(path)
                if not node_name:
                    break
                if load is False:
                    nodes.append(path)
                    break
                node = self.loadNode(path, node_name, file_type or "VolumeFile", dict(source.loadFileProperties))
                if node is not None:
                    nodes.append(node)
                    break
                Path(path).unlink(missing_ok=True)
        return nodes or paths

    def downloadFileIntoCache(self, uri: str, name: str, checksum: str | None = None) -> str:
        folder = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        algorithm, digest = slicer.util.extractAlgoAndDigest(checksum)
        if path.is_file() and (algorithm is None or slicer.util.computeChecksum(algorithm, str(path)) == digest):
            return str(path)
        try:
            urllib.request.urlretrieve(uri, path)
        except OSError as error:
            raise ValueError(f"Failed to download {uri} to {path}") from error
        if algorithm is not None and slicer.util.computeChecksum(algorithm, str(path)) != digest:
            path.unlink()
        return str(path)

    def loadNode(self, uri: str, name: str, fileType: str, fileProperties: dict[str, Any]) -> Any:
        loaded = vtk.vtkCollection()
        properties = {**fileProperties, "fileName": uri, "name": name}
        if not slicer.app.coreIOManager().loadNodes(fileType, properties, loaded) or not loaded.GetNumberOfItems():
            return None
        node = loaded.GetItemAsObject(0)
        storage = node.GetStorageNode()
        if storage is not None:  # the cache is no place to save to
            slicer.mrmlScene.RemoveNode(storage)
            node.SetAndObserveStorageNodeID(None)
        return node


def build_module() -> types.ModuleType:
    module = types.ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic  # type: ignore[attr-defined]
    module.SampleDataSource = SampleDataSource  # type: ignore[attr-defined]
    module.downloadSample = lambda name: SampleDataLogic().downloadSample(name)  # type: ignore[attr-defined]
    module.downloadSamples = lambda name: SampleDataLogic().downloadSamples(name)  # type: ignore[attr-defined]
    return module
