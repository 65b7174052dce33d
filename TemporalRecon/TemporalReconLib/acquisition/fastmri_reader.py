"""fastMRI ``.h5`` files: one multi-slice k-space, undersampled (if at all) along the last axis."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_assembler import MAX_FRAME_SAMPLES, remove_readout_oversampling
from TemporalReconLib.acquisition.frame_series import FrameList, name_from_file
from TemporalReconLib.acquisition.ismrmrd_reader import HDF5_ERRORS, hdf5_reason
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.mrd_header import parse_mrd_header
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import ijk_to_ras_from_center


def read_fastmri(path: Path) -> FrameList:
    """Read the volume as one frame.

    fastMRI stores (slice, [coil,] readout, phase encoding) and its images lie on their side accordingly. Here
    rows are always the phase encoding, so the two last axes are exchanged; readout oversampling is removed as
    the header says. Such files state no position, only sizes. Without ``mask`` all lines count as acquired, the
    zero-filled outer ones too, as in the challenge's own reference reconstruction.

    Raises
    ------
    InputError
        If a dataset is missing, truncated, or of the wrong type or shape.
    """
    kspace, mask, xml = _read(path)
    if kspace.ndim == 3:
        kspace = kspace[:, np.newaxis]
    # (slice, coil, readout, phase encoding) -> (coil, slice, ky, kx)
    kspace = np.ascontiguousarray(kspace.transpose(1, 0, 3, 2), dtype=np.complex64)
    _, n_slices, n_rows, n_samples = kspace.shape
    if not np.all(np.isfinite(kspace.view(np.float32))):
        raise InputError(f"{path}: NaN or infinite samples in 'kspace'; download or export it again")
    encoding = parse_mrd_header(xml, str(path))
    n_columns = min(n_samples, max(1, round(n_samples * encoding.n_columns / encoding.n_samples)))
    if mask.shape != (n_rows,) or not mask.any():
        raise InputError(
            f"{path}: 'mask' has shape {mask.shape}; expected one flag per line, ({n_rows},), not all zero"
        )
    name = name_from_file(path)
    x, y, z = encoding.field_of_view
    frame = KSpaceFrame(
        data=remove_readout_oversampling(kspace, n_columns) * mask[:, np.newaxis],
        mask=np.repeat(mask[np.newaxis], n_slices, axis=0),
        ijk_to_ras=ijk_to_ras_from_center(
            np.zeros(3), np.diag([-1.0, -1.0, 1.0]), (x / n_columns, y / n_rows, z), (n_columns, n_rows, n_slices)
        ),
        stream_id=name,
        has_geometry=False,
    )
    return FrameList(name, [frame])


def _read(path: Path) -> tuple[NDArray, NDArray[np.bool_], bytes]:
    try:
        with h5py.File(path, "r") as file:
            dataset = file["kspace"]
            shape = dataset.shape
            if len(shape) not in (3, 4) or 0 in shape or np.prod(shape, dtype=object) > MAX_FRAME_SAMPLES:
                raise InputError(
                    f"{path}: 'kspace' has shape {shape}; expected (slices, coils, readout, phase encoding) or, "
                    f"single-coil, (slices, readout, phase encoding) with at most {MAX_FRAME_SAMPLES} samples"
                )
            if dataset.dtype.kind != "c":
                raise InputError(f"{path}: 'kspace' is {dataset.dtype}; expected complex samples")
            kspace = dataset[:]
            mask = np.asarray(file["mask"][:]).astype(bool) if "mask" in file else np.ones(shape[-1], dtype=bool)
            if "ismrmrd_header" not in file:
                raise InputError(
                    f"{path}: fastMRI file without 'ismrmrd_header', which states field of view and matrix; "
                    "download or export it again"
                )
            xml = file["ismrmrd_header"][()]
    except InputError:
        raise
    except HDF5_ERRORS as error:
        raise InputError(
            f"{path}: cannot be read as fastMRI ({hdf5_reason(error)}); expected 'kspace' and 'ismrmrd_header'"
        ) from error
    return kspace, mask, xml
