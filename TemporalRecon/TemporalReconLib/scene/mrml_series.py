"""Images of the scene as a series to play: a sequence of volumes, or one volume.

Pixels and geometry are copied in the main thread, which alone may touch the scene; what takes longer (conversion,
checks, undersampling) may then happen on any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from TemporalReconLib.acquisition.frame_series import Series, arrange_frames, name_from_file
from TemporalReconLib.acquisition.image_volume import ImageVolume, series_from_volume
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, same_geometry
from TemporalReconLib.scene.mrml_nodes import numpy_matrix
from TemporalReconLib.scene.mrml_volume import ijk_to_ras_of

_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3}


@dataclass(frozen=True, eq=False)
class CopiedImages:
    """Images that no longer need the scene.

    Attributes
    ----------
    name
        Of the node they came from, as it stands in the scene.
    volume
        Their pixels, times and geometry in the world (RAS, mm).
    """

    name: str
    volume: ImageVolume

    def series(self, frames: str = "time") -> Series:
        """Frames over ``time``, or the ``slices`` of one volume, each with its own place; may run on any thread.

        Raises
        ------
        InputError
            If pixels are NaN or infinite, or several volumes are to be played as slices.
        """
        path = Path(self.name)
        return arrange_frames(series_from_volume(path, name_from_file(path), self.volume), frames, path)


def copy_of_volume(node: Any) -> CopiedImages:
    """Copy a ``vtkMRMLScalarVolumeNode`` at its place in the world.

    Raises
    ------
    InputError
        If it is empty, has several components per pixel, or lies under a nonlinear transform.
    """
    name = node.GetName() or "volume"
    matrix = _to_world(node.GetParentTransformNode(), name) @ ijk_to_ras_of(node)
    return CopiedImages(name, ImageVolume(_pixels_of(node, name)[np.newaxis].copy(), [matrix]))


def copy_of_sequence(node: Any) -> CopiedImages:
    """Copy a ``vtkMRMLSequenceNode`` of scalar volumes, where Slicer shows it.

    A sequence itself has no place under a transform; the volume by which a browser shows it may have one.

    Raises
    ------
    InputError
        If it is empty, holds anything but scalar volumes, or its volumes differ in size; as for
        :func:`copy_of_volume` otherwise.
    """
    name = node.GetName() or "sequence"
    items = [node.GetNthDataNode(index) for index in range(node.GetNumberOfDataNodes())]
    if not items:
        raise InputError(f"{name}: the sequence is empty; choose one that holds volumes")
    pixels = []
    for number, item in enumerate(items, start=1):
        if item is None or not item.IsA("vtkMRMLScalarVolumeNode"):
            kind = "nothing" if item is None else item.GetNodeTagName()
            raise InputError(f"{name}: item {number} is {kind}, no volume; choose a sequence of volumes")
        pixels.append(_pixels_of(item, f"{name}, item {number}"))
        if pixels[-1].shape != pixels[0].shape:
            raise InputError(
                f"{name}: item {number} has {_size(pixels[-1])} pixels, the first {_size(pixels[0])}; "
                "all volumes of a series need the same size"
            )
    to_world = _to_world(_shown_under(node), name)
    geometries = [to_world @ ijk_to_ras_of(item) for item in items]
    return CopiedImages(name, ImageVolume(np.stack(pixels), _shared(geometries), _times_of(node)))


def _pixels_of(node: Any, name: str) -> NDArray:
    """The node's own pixels, (slice, row, col)."""
    image = node.GetImageData()
    scalars = None if image is None else image.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        raise InputError(f"{name}: has no pixels; choose a volume with an image")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(
            f"{name}: {scalars.GetNumberOfComponents()} components per pixel (a color or vector image); "
            "choose a gray image"
        )
    columns, rows, slices = image.GetDimensions()
    return vtk_to_numpy(scalars).reshape(slices, rows, columns)


def _to_world(transform: Any | None, name: str) -> Matrix:
    if transform is None:
        return np.eye(4)
    if not transform.IsTransformToWorldLinear():
        raise InputError(
            f"{name}: lies under the nonlinear transform '{transform.GetName()}', which moves pixels apart; "
            "harden the transform or take the image out of it"
        )
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return numpy_matrix(matrix)


def _shown_under(sequence: Any) -> Any | None:
    """The transform above the volume by which a browser of the scene shows the sequence, or None."""
    scene = sequence.GetScene()
    for index in range(0 if scene is None else scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode")):
        shown = scene.GetNthNodeByClass(index, "vtkMRMLSequenceBrowserNode").GetProxyNode(sequence)
        if shown is not None:
            return shown.GetParentTransformNode()
    return None


def _shared(geometries: Sequence[Matrix]) -> list[Matrix]:
    """Geometries that differ by rounding only become one: a frame that moves by nothing begins no new series."""
    first = geometries[0]
    return [first if same_geometry(geometry, first) else geometry for geometry in geometries]


def _times_of(sequence: Any) -> NDArray[np.float64] | None:
    """Index values in seconds where the sequence says so and they rise."""
    scale = _SECONDS.get((sequence.GetIndexUnit() or "").strip().lower())
    if scale is None:
        return None
    values = [sequence.GetNthIndexValue(index) for index in range(sequence.GetNumberOfDataNodes())]
    try:
        times = scale * np.array([float(value) for value in values])
    except ValueError:
        return None
    return times if np.all(np.isfinite(times)) and np.all(np.diff(times) > 0) else None


def _size(pixels: NDArray) -> str:
    slices, rows, columns = pixels.shape
    return f"{columns} x {rows} x {slices}"
