"""Keeping the live picture as a Slicer sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from TemporalReconLib.errors import InputError
from TemporalReconLib.scene.mrml_nodes import ROLE

DEFAULT_MAX_BYTES = 2**30


class VolumeRecorder:
    """Copies the live volume into a ``vtkMRMLSequenceNode``, one item per picture, indexed by s since the first.

    Recording stops at a size limit, and says so: Slicer keeps sequences in memory, and a scene that eats the
    machine during a procedure is worse than a recording that ends.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene``.
    name
        Name of the sequence node.
    max_bytes
        Limit of all recorded pixels together.
    """

    def __init__(self, scene: Any, name: str = "TR Recording", max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        if max_bytes <= 0:
            raise InputError(f"recording: size limit {max_bytes} bytes; expected more than 0")
        self._scene = scene
        self._name = name
        self.max_bytes = max_bytes
        self._n_bytes = 0
        self._begin_s = 0.0
        self._node: Any | None = None
        self.is_full = False

    @property
    def node(self) -> Any | None:
        """The sequence node, or None before the first picture."""
        if self._node is not None and not self._scene.IsNodePresent(self._node):
            self._node, self._n_bytes, self.is_full = None, 0, False
        return self._node

    @property
    def n_bytes(self) -> int:
        """Size of all recorded pixels."""
        return self._n_bytes if self.node is not None else 0

    @property
    def n_frames(self) -> int:
        node = self.node
        return 0 if node is None else int(node.GetNumberOfDataNodes())

    def record(self, volume: Any, time_s: float) -> bool:
        """Add a copy of the volume node; False where nothing was added because the limit is reached.

        A second picture of the same millisecond replaces the first.
        """
        if self._scene.IsBatchProcessing():
            return False
        node = self.node
        n_bytes = 1024 * int(volume.GetImageData().GetActualMemorySize())
        if self._n_bytes + n_bytes > self.max_bytes:
            self.is_full = True
            return False
        if node is None:
            node = self._node = self._scene.AddNewNodeByClass("vtkMRMLSequenceNode", self._name)
            node.SetUndoEnabled(False)
            node.SetIndexName("time")
            node.SetIndexUnit("s")
            node.SetIndexTypeFromString("numeric")
            self._begin_s = time_s
        value = f"{time_s - self._begin_s:.3f}"
        before = node.GetNumberOfDataNodes()
        node.SetDataNodeAtValue(volume, value)
        node.GetDataNodeAtValue(value).RemoveAttribute(ROLE)  # a copy must never be taken for the live volume
        self._n_bytes += n_bytes * (node.GetNumberOfDataNodes() - before)
        return True

    def save(self, path: str | Path) -> Path:
        """Write the recording as ``.seq.nrrd``, which Slicer opens as a sequence.

        Raises
        ------
        InputError
            If there is no recording, or it cannot be written there.
        """
        node = self.node
        if node is None:
            raise InputError("recording: there is none yet; record some pictures first")
        if not str(path).strip():
            raise InputError("recording: the file name is empty; give one that ends in .seq.nrrd")
        target = Path(path).expanduser().absolute()
        if not target.name.lower().endswith(".seq.nrrd"):
            target = target.with_name(f"{target.name.removesuffix('.nrrd')}.seq.nrrd")
        if not target.parent.is_dir():
            raise InputError(f"{target}: the folder does not exist; make it first")
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode(str(target))
        storage = node.GetStorageNode()
        storage.SetFileName(str(target))
        if not storage.WriteData(node):
            raise InputError(f"{target}: the recording could not be written; check free space and permissions")
        return target

    def add_browser(self) -> Any | None:
        """Make the recording playable in Slicer: a sequence browser node; None without a recording."""
        node = self.node
        if node is None:
            return None
        browser = self._scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{self._name} browser")
        browser.SetUndoEnabled(False)
        browser.AddSynchronizedSequenceNode(node)
        browser.SetPlayback(node, True)
        return browser
