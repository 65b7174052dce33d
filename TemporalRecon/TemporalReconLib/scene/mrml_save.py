"""Saving a scene so that a Slicer user can open it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from TemporalReconLib.errors import InputError


def save_scene(scene: Any, path: str | Path) -> Path:
    """Save everything: nodes, volumes, recorded sequences.

    Markups files are written in RAS, as everything else here, instead of Slicer's default LPS.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene``.
    path
        A ``.mrb`` file (one file, zipped), or a new or empty folder that gets ``<folder name>.mrml`` and its data.

    Returns
    -------
    pathlib.Path
        The ``.mrb`` or ``.mrml`` file.

    Raises
    ------
    InputError
        If the folder has other files in it, or nothing can be written there.
    """
    target = Path(path).absolute()  # Slicer refuses to save below a relative path
    _write_markups_in_ras(scene)
    if target.suffix.lower() == ".mrb":
        if not target.parent.is_dir():
            raise InputError(f"{target}: the folder {target.parent} does not exist; make it first")
        if not scene.WriteToMRB(str(target)):
            raise InputError(f"{target}: the scene could not be written; check free space and permissions")
        return target
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: expected a .mrb file name or a new or empty folder; choose another name")
    target.mkdir(parents=True, exist_ok=True)
    if not scene.SaveSceneToSlicerDataBundleDirectory(str(target)):
        raise InputError(f"{target}: the scene could not be written; check free space and permissions")
    written = sorted(target.glob("*.mrml"))
    if not written:
        raise InputError(f"{target}: the scene could not be written; check free space and permissions")
    return written[0]


def _write_markups_in_ras(scene: Any) -> None:
    markups = [scene.GetNthNodeByClass(i, "vtkMRMLMarkupsNode") for i in range(_count(scene, "vtkMRMLMarkupsNode"))]
    for node in markups:
        node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        if storage is not None:
            storage.SetCoordinateSystem(slicer.vtkMRMLStorageNode.CoordinateSystemRAS)


def _count(scene: Any, class_name: str) -> int:
    return int(scene.GetNumberOfNodesByClass(class_name))
