"""Sequences of volumes as ``.seq.nrrd``, laid out as Slicer's own sequence files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.nrrd_fields import FRAME_GEOMETRY_FIELD, HAS_GEOMETRY_FIELD, field_from_matrices
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.acquisition.segment_fields import Segment, segment_fields
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import LPS_TO_RAS, Matrix, same_geometry

SEGMENTATION_SUFFIX = ".seg.nrrd"


def write_image_sequence(path: Path | str, frames: Sequence[ImageFrame]) -> None:
    """Write magnitude images as float32, one list axis.

    The list axis is the last (slowest), as Slicer 5.10 and later write it; index values are the frames'
    start times in seconds where those rise, frame numbers otherwise. Where frames have their own geometry
    (``--frames slices``) the file's geometry is the first frame's and the custom field
    ``TemporalRecon.FrameIJKToRAS`` holds all of them.

    Raises
    ------
    InputError
        If there is no frame, shapes differ, the name does not end in .nrrd, or the file cannot be written. Nothing is
        left behind then.
    """
    if not frames:
        raise InputError(f"{path}: no frame to write")
    times = [frame.acquisition_start_time for frame in frames]
    extra = {} if all(frame.has_geometry for frame in frames) else {HAS_GEOMETRY_FIELD: "false"}
    _write(
        Path(path),
        [frame.data for frame in frames],
        [frame.ijk_to_ras for frame in frames],
        times,
        "vtkMRMLScalarVolumeNode",
        extra,
    )


def write_label_sequence(
    path: Path | str,
    labels: Sequence[NDArray[np.uint8]],
    like: Sequence[ImageFrame],
    segments: Sequence[Segment] = (),
) -> None:
    """Write label maps, uint8 (slice, row, col), with times and geometry of the images they belong to.

    Slicer loads the file as a sequence of label maps. With ``segments`` it can load it as a segmentation as well, with
    their names and colors: of one frame, the newest that has any label and lies where the file's geometry says. Named
    ``.seg.nrrd``, the file holds nothing but the newest frame that has any label, as Slicer writes segmentations.

    Raises
    ------
    InputError
        As :func:`write_image_sequence`; also if labels are not uint8 or do not fit the images.
    """
    if not labels or len(labels) != len(like):
        raise InputError(f"{path}: {len(labels)} label maps for {len(like)} images; expected one for each")
    for label, image in zip(labels, like, strict=True):
        if label.dtype != np.uint8 or label.shape != image.data.shape:
            raise InputError(
                f"{path}: label map is {label.dtype} {label.shape}; expected uint8 {image.data.shape} like the image"
            )
    matrices = [frame.ijk_to_ras for frame in like]
    extra = {} if all(frame.has_geometry for frame in like) else {HAS_GEOMETRY_FIELD: "false"}
    if Path(path).name.lower().endswith(SEGMENTATION_SUFFIX):
        newest = _newest_labeled(labels)
        _write_segmentation(Path(path), labels[newest], matrices[newest], segments, extra)
        return
    if segments:
        in_place = [i for i, matrix in enumerate(matrices) if same_geometry(matrix, matrices[0])]
        shown = in_place[_newest_labeled([labels[i] for i in in_place])]
        extra |= segment_fields(segments, like[0].data.shape, shown)
    times = [frame.acquisition_start_time for frame in like]
    _write(Path(path), labels, matrices, times, "vtkMRMLLabelMapVolumeNode", extra)


def _newest_labeled(labels: Sequence[NDArray[np.uint8]]) -> int:
    """Index of the newest label map that is not empty; the newest of all if all are empty."""
    return max((index for index, label in enumerate(labels) if label.any()), default=len(labels) - 1)


def _write_segmentation(
    path: Path, label: NDArray[np.uint8], matrix: Matrix, segments: Sequence[Segment], extra: dict[str, str]
) -> None:
    ijk_to_lps = LPS_TO_RAS @ matrix
    header: dict[str, Any] = {
        "space": "left-posterior-superior",
        "kinds": ["domain", "domain", "domain"],
        "space directions": ijk_to_lps[:3, :3].T,
        "space origin": ijk_to_lps[:3, 3],
        "encoding": "gzip",
        **segment_fields(segments, label.shape),
        **extra,
    }
    with written_atomically(path) as temporary:
        nrrd.write(str(temporary), label, header, compression_level=1, index_order="C")


def _write(
    path: Path,
    volumes: Sequence[NDArray],
    matrices: Sequence[Matrix],
    times: Sequence[float],
    node_class: str,
    extra: dict[str, str],
) -> None:
    if not path.name.lower().endswith(".nrrd"):
        raise InputError(f"cannot write {path}: the name must end in .seq.nrrd (or .nrrd)")
    shapes = {volume.shape for volume in volumes}
    if len(shapes) > 1:
        raise InputError(f"cannot write {path}: frames have different matrices {sorted(shapes)}")
    header = _header(matrices, times, node_class, extra)
    # Labels shrink a hundredfold, noisy float images hardly at all.
    header["encoding"] = "gzip" if volumes[0].dtype == np.uint8 else "raw"
    with written_atomically(path) as temporary:
        nrrd.write(str(temporary), np.stack(volumes), header, compression_level=1, index_order="C")


def _header(
    matrices: Sequence[Matrix], times: Sequence[float], node_class: str, extra: dict[str, str]
) -> dict[str, Any]:
    ijk_to_lps = LPS_TO_RAS @ matrices[0]
    has_times = len(times) > 1 and bool(np.all(np.diff(times) > 0))
    values = [f"{time:.6f}" for time in times] if has_times else [str(index) for index in range(len(times))]
    header: dict[str, Any] = {
        "space": "left-posterior-superior",
        "kinds": ["domain", "domain", "domain", "list"],
        "labels": ["", "", "", "time" if has_times else "frame"],
        "units": ["", "", "", "s" if has_times else ""],
        "space directions": np.vstack([ijk_to_lps[:3, :3].T, np.full(3, np.nan)]),
        "space origin": ijk_to_lps[:3, 3],
        "DataNodeClassName": node_class,
        "axis 3 index type": "numeric",
        "axis 3 index values": " ".join(values),
        **extra,
    }
    if any(not same_geometry(matrix, matrices[0]) for matrix in matrices):
        header[FRAME_GEOMETRY_FIELD] = field_from_matrices(matrices)
    return header
