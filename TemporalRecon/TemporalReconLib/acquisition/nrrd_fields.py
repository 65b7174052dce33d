"""Custom fields of our sequence files; Slicer keeps them as attributes of the sequence node and reads on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, validated_ijk_to_ras

# A NRRD sequence has one geometry. Where frames have their own (``--frames slices``, a moved plane), the file's
# geometry is the first frame's and this field holds all: 12 numbers per frame (the rows r, a, s of ijk_to_ras),
# frames separated by semicolons.
FRAME_GEOMETRY_FIELD = "TemporalRecon.FrameIJKToRAS"
# "false" where the source stated no position: the geometry then gives sizes but no place in the patient.
HAS_GEOMETRY_FIELD = "TemporalRecon.HasGeometry"


def field_from_matrices(matrices: Sequence[Matrix]) -> str:
    """Text of :data:`FRAME_GEOMETRY_FIELD`."""
    return "; ".join(" ".join(f"{value:.9g}" for value in matrix[:3].ravel()) for matrix in matrices)


def matrices_from_field(path: Path, text: str, count: int) -> list[Matrix]:
    """One ijk_to_ras per frame.

    Raises
    ------
    InputError
        If the field does not hold ``count`` invertible matrices.
    """
    try:
        rows = [np.array([float(value) for value in part.split()]).reshape(3, 4) for part in text.split(";")]
    except ValueError as error:
        raise InputError(f"{path}: field {FRAME_GEOMETRY_FIELD} is not 12 numbers per frame") from error
    if len(rows) != count:
        raise InputError(f"{path}: field {FRAME_GEOMETRY_FIELD} has {len(rows)} matrices for {count} frames")
    last_row = [0.0, 0.0, 0.0, 1.0]
    return [validated_ijk_to_ras(np.vstack([matrix, last_row]), f"{path} frame geometry") for matrix in rows]
