"""Open any INPUT of the command line as a series of frames, or a planning image for ``--prior``."""

from __future__ import annotations

from pathlib import Path

from TemporalReconLib.acquisition.frame_series import Frame, Series, arrange_frames, shape_of
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import same_geometry

__all__ = ["Frame", "Series", "check_input", "open_series", "read_volume", "require_same_geometry"]

NRRD_SUFFIXES = (".nrrd", ".nhdr")
ITK_SUFFIXES = (".mha", ".mhd", ".nii", ".nii.gz")
HDF5_SUFFIXES = (".h5", ".hdf5", ".mrd")
EXPECTED = "expected ISMRMRD or fastMRI .h5, .nrrd, .seq.nrrd, .mha, .nii, .nii.gz or a DICOM folder"
# Planning image and series come from different files with rounded numbers.
GEOMETRY_TOLERANCE_MM = 0.1


def open_series(path: Path | str, frames: str = "time") -> Series:
    """Open a file or a DICOM folder.

    Parameters
    ----------
    frames
        ``time``: a 3D volume is one frame with its slices, a 4D one frames over time. ``slices``: the slices of
        one volume as time, each with its own geometry. ``repeat:N``: one volume N times.

    Raises
    ------
    InputError
        If the path does not exist or cannot be understood; the line names it and says what was expected.
    """
    path = Path(path)
    return arrange_frames(_open(path), frames, path)


def read_volume(path: Path | str) -> ImageFrame:
    """Read one volume (an image file or a DICOM folder), such as a planning scan.

    Raises
    ------
    InputError
        If it is not exactly one volume, or k-space.
    """
    path = Path(path)
    series = _open(path)
    if len(series) != 1:
        raise InputError(f"{path}: {len(series)} time points; expected one volume")
    volume = series.frame(0)
    if not isinstance(volume, ImageFrame):
        raise InputError(f"{path}: k-space; expected an image (.nrrd, .mha, .nii.gz or a DICOM folder)")
    return volume


def require_same_geometry(prior: Frame, frame: Frame, source: str = "prior") -> None:
    """Refuse a planning scan that does not lie where the series lies, voxel by voxel.

    Where one of the two states no position, only the matrix is compared.

    Raises
    ------
    InputError
        If matrix or geometry differ.
    """
    if shape_of(prior) != shape_of(frame):
        raise InputError(
            f"{source}: matrix {shape_of(prior)} (slice, row, col) does not fit the series, {shape_of(frame)}; "
            "use a fully sampled image of the same geometry"
        )
    is_placed = prior.has_geometry and frame.has_geometry
    if is_placed and not same_geometry(prior.ijk_to_ras, frame.ijk_to_ras, GEOMETRY_TOLERANCE_MM):
        raise InputError(
            f"{source}: its position, directions or spacing differ from the series; "
            "resample it to the geometry of the series or leave it out"
        )


def check_input(path: Path) -> None:
    """Refuse at once what no reader will take: a missing or empty file, or one of an unknown kind.

    Raises
    ------
    InputError
        As :func:`open_series` would.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; {EXPECTED}")
    if path.is_dir():
        return
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; {EXPECTED}")
    name = path.name.lower()
    if name.endswith((".dcm", ".ima")):
        raise InputError(f"{path}: a single DICOM file; give the folder that holds the series")
    if not name.endswith((*NRRD_SUFFIXES, *ITK_SUFFIXES, *HDF5_SUFFIXES)):
        raise InputError(f"{path}: unknown kind of file; {EXPECTED}")


def _open(path: Path) -> Series:
    check_input(path)
    name = path.name.lower()
    if path.is_dir():
        from TemporalReconLib.acquisition.dicom_reader import read_dicom_series

        return read_dicom_series(path)
    if name.endswith(NRRD_SUFFIXES):
        from TemporalReconLib.acquisition.nrrd_reader import read_nrrd_series

        return read_nrrd_series(path)
    if name.endswith(ITK_SUFFIXES):
        from TemporalReconLib.acquisition.itk_reader import read_itk_series

        return read_itk_series(path)
    return _open_hdf5(path)


def _open_hdf5(path: Path) -> Series:
    import h5py

    from TemporalReconLib.acquisition.fastmri_reader import read_fastmri
    from TemporalReconLib.acquisition.ismrmrd_image_reader import IsmrmrdImageSeries, image_groups
    from TemporalReconLib.acquisition.ismrmrd_reader import open_ismrmrd
    from TemporalReconLib.acquisition.mrd_conventions import SERIES_GROUP

    try:
        with h5py.File(path, "r") as file:
            names = set(file)
            dataset = file[SERIES_GROUP] if SERIES_GROUP in names else None
            is_images = isinstance(dataset, h5py.Group) and "data" not in dataset and bool(image_groups(dataset))
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(f"{path}: not a readable HDF5 file; is it truncated? {EXPECTED}") from error
    if is_images:
        return IsmrmrdImageSeries(path)
    if SERIES_GROUP in names:
        return open_ismrmrd(path)
    if "kspace" in names:
        return read_fastmri(path)
    found = ", ".join(sorted(names)[:5]) or "nothing"
    raise InputError(f"{path}: HDF5 file with {found}; expected ISMRMRD ('{SERIES_GROUP}') or fastMRI ('kspace')")
