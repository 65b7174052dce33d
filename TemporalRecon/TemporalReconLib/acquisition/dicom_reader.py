"""A folder with one DICOM series, through ITK and GDCM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 (the name everybody knows)
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_series import FrameList
from TemporalReconLib.acquisition.image_volume import ImageVolume, require_plausible_size, series_from_volume
from TemporalReconLib.acquisition.itk_reader import itk_reason
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, lps_to_ras, validated_ijk_to_ras

# DICOM folders are named after patients more often than not, and so are their tags.
SERIES_NAME = "dicom-series"
# Slices nearer than this lie at the same place (time points of one slice).
SAME_POSITION_MM = 0.01
UNEQUAL_SPACING_MM = 0.1
# Tags that order time points of one slice, the first that is present in all files counts.
TIME_TAGS = ("0020|0100", "0020|0012", "0018|1060", "0008|0032", "0020|0013")
# By their content or, where too little is left of it, by these.
DICOM_SUFFIXES = (".dcm", ".ima")
ACQUISITION_TIME_TAG = "0008|0032"


@dataclass(frozen=True, eq=False)
class _SliceFile:
    path: Path
    size: tuple[int, int]
    position: NDArray[np.float64]
    axes: NDArray[np.float64]
    spacing: tuple[float, float, float]
    tags: dict[str, str]


def read_dicom_series(folder: Path) -> FrameList:
    """Read the only series in a folder; several images of the same slice are frames over time.

    Raises
    ------
    InputError
        If the folder holds no DICOM image, several series, multi-frame files, slices of different size or
        direction, unequal slice distances, or a slice with missing time points.
    """
    files = [_slice_file(folder, Path(name)) for name in _file_names(folder)]
    first = files[0]
    for file in files:
        if file.size != first.size or not np.allclose(file.axes, first.axes, atol=1e-3):
            raise InputError(
                f"{folder}: slices differ in size or direction (a localizer?); expected one stack of parallel slices"
            )
    normal = np.cross(first.axes[:, 0], first.axes[:, 1])
    stacks = _stacks(folder, files, normal)
    n_times = len(stacks[0])
    require_plausible_size(folder, [n_times, len(stacks), first.size[1], first.size[0]])
    pixels = np.stack([[_pixels(folder, stack[time].path) for stack in stacks] for time in range(n_times)])
    geometry = _geometry(folder, [stack[0] for stack in stacks], normal)
    times = _acquisition_times([stacks[0][time] for time in range(n_times)])
    return series_from_volume(folder, SERIES_NAME, ImageVolume(pixels, [geometry] * n_times, times))


def _file_names(folder: Path) -> tuple[str, ...]:
    # GDCM warns on stderr about every foreign file in the folder.
    were_warnings_shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
        if not series:
            _require_all_readable(folder, set())
            raise InputError(
                f"{folder}: no DICOM image in this folder; give the folder that holds the files themselves"
            )
        names = [sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid) for uid in series]
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(were_warnings_shown)
    if len(names) > 1:
        found = ", ".join(sorted(f"number {_series_number(files[0])} with {len(files)} files" for files in names))
        raise InputError(f"{folder}: {len(names)} DICOM series ({found}); put the one to read into a folder of its own")
    _require_all_readable(folder, set(names[0]))
    return tuple(names[0])


def _require_all_readable(folder: Path, listed: set[str]) -> None:
    """GDCM leaves out damaged files without a word, and a stack one slice short looks like a whole one."""
    known = {Path(name).name for name in listed}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name in known or path.name.upper() == "DICOMDIR":
            continue
        with path.open("rb") as file:
            is_dicom = file.read(132)[128:] == b"DICM"
        if is_dicom or path.suffix.lower() in DICOM_SUFFIXES:
            raise InputError(
                f"{folder}: {path.name} is not a readable DICOM image; is it cut off? Replace or remove it"
            )


def _series_number(file_name: str) -> str:
    reader = sitk.ImageFileReader()
    reader.SetFileName(file_name)
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return "(unreadable)"
    return reader.GetMetaData("0020|0011").strip() if reader.HasMetaDataKey("0020|0011") else "(none)"


def _slice_file(folder: Path, path: Path) -> _SliceFile:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("GDCMImageIO")
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{folder}: {path.name} cannot be read ({itk_reason(error)}); is it complete?") from error
    size = reader.GetSize()
    if len(size) != 3 or size[2] != 1 or reader.GetNumberOfComponents() != 1:
        raise InputError(
            f"{folder}: {path.name} is a multi-frame or color file; expected one gray slice per file "
            "(convert it, for example to NIfTI)"
        )
    if not reader.HasMetaDataKey("0020|0032") or not reader.HasMetaDataKey("0020|0037"):
        raise InputError(f"{folder}: {path.name} has no image position or orientation; expected an MR slice")
    return _SliceFile(
        path=path,
        size=(int(size[0]), int(size[1])),
        position=np.array(reader.GetOrigin()),
        axes=np.array(reader.GetDirection()).reshape(3, 3)[:, :2],
        spacing=tuple(reader.GetSpacing()),
        tags={tag: reader.GetMetaData(tag).strip() for tag in TIME_TAGS if reader.HasMetaDataKey(tag)},
    )


def _stacks(folder: Path, files: list[_SliceFile], normal: NDArray[np.float64]) -> list[list[_SliceFile]]:
    """For each slice, by rising position along the normal, its time points in order."""
    stacks: list[list[_SliceFile]] = []
    for file in sorted(files, key=lambda file: float(file.position @ normal)):
        if stacks and (file.position - stacks[-1][0].position) @ normal < SAME_POSITION_MM:
            stacks[-1].append(file)
        else:
            stacks.append([file])
    counts = {len(stack) for stack in stacks}
    if len(counts) > 1:
        raise InputError(
            f"{folder}: between {min(counts)} and {max(counts)} time points per slice; the series is incomplete"
        )
    tag = next(
        (tag for tag in TIME_TAGS if len({file.tags.get(tag, "") for file in stacks[0]}) == len(stacks[0])), None
    )
    if tag is None:
        raise InputError(f"{folder}: several images of the same slice and no tag that tells their order in time")
    return [sorted(stack, key=lambda file: _number(file.tags.get(tag, ""))) for stack in stacks]


def _geometry(folder: Path, stack: list[_SliceFile], normal: NDArray[np.float64]) -> Matrix:
    first, last = stack[0], stack[-1]
    step = normal * first.spacing[2]
    if len(stack) > 1:
        step = (last.position - first.position) / (len(stack) - 1)
        expected = first.position + np.outer(np.arange(len(stack)), step)
        deviation = float(np.max(np.abs(np.array([file.position for file in stack]) - expected)))
        if deviation > UNEQUAL_SPACING_MM:
            raise InputError(f"{folder}: slices are not equally spaced (off by {deviation:.2f} mm); is one missing?")
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :2] = first.axes * np.array(first.spacing[:2])
    ijk_to_lps[:3, 2] = step
    ijk_to_lps[:3, 3] = first.position
    return lps_to_ras(validated_ijk_to_ras(ijk_to_lps, f"{folder} geometry"))


def _pixels(folder: Path, path: Path) -> NDArray:
    try:
        array: NDArray = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))
    except RuntimeError as error:
        raise InputError(f"{folder}: {path.name} cannot be read ({itk_reason(error)}); is it complete?") from error
    return array[0]


def _acquisition_times(frames: list[_SliceFile]) -> NDArray[np.float64] | None:
    """Seconds since the first frame from AcquisitionTime (HHMMSS.ffffff), None where it does not increase."""
    texts = [frame.tags.get(ACQUISITION_TIME_TAG, "") for frame in frames]
    numbers = np.array([_number(text) for text in texts])
    if len(frames) < 2 or not np.all(np.isfinite(numbers)):
        return None
    hours, minutes = numbers // 10000, numbers // 100 % 100
    seconds = hours * 3600 + minutes * 60 + numbers % 100
    return seconds - seconds[0] if np.all(np.diff(seconds) > 0) else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
