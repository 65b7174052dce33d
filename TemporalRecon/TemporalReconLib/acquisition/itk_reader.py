"""MetaImage and NIfTI volumes through ITK (``.mha``, ``.mhd``, ``.nii``, ``.nii.gz``)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 (the name everybody knows)
from numpy.typing import NDArray

from TemporalReconLib.acquisition.completeness import require_complete_metaimage, require_complete_nifti
from TemporalReconLib.acquisition.frame_series import FrameList, name_from_file
from TemporalReconLib.acquisition.image_volume import ImageVolume, require_plausible_size, series_from_volume
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, lps_to_ras, validated_ijk_to_ras

# Bytes of one component on disk, by ITK pixel type (scalar, complex and vector alike).
_COMPONENT_BYTES = {
    getattr(sitk, f"sitk{container}{kind}"): size
    for kind, size in {
        "UInt8": 1,
        "Int8": 1,
        "UInt16": 2,
        "Int16": 2,
        "UInt32": 4,
        "Int32": 4,
        "UInt64": 8,
        "Int64": 8,
        "Float32": 4,
        "Float64": 8,
    }.items()
    for container in ("", "Vector", "Complex")
    if hasattr(sitk, f"sitk{container}{kind}")
}

# NIfTI datatype codes of floating-point pixels: real and complex, single and double.
_NIFTI_FLOAT_TYPES = {"16": "f4", "32": "f4", "64": "f8", "1792": "f8"}


def read_itk_series(path: Path) -> FrameList:
    """Read a 3D volume, or a 4D one as frames over time.

    Raises
    ------
    InputError
        If ITK cannot read the file, it is not 3D or 4D, has neither 1 nor 2 components, or no usable geometry.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    # ITK's C++ warnings would stand beside our one line on stderr.
    were_warnings_shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        reader.ReadImageInformation()
        sizes = [int(size) for size in reader.GetSize()]
        if len(sizes) not in (3, 4):
            raise InputError(f"{path}: a {len(sizes)}D image; expected a 3D volume or 4D (frames over time)")
        components = reader.GetNumberOfComponents()
        if components not in (1, 2):
            raise InputError(f"{path}: {components} components per pixel; expected 1 or 2 (real, imaginary)")
        require_plausible_size(path, [*sizes, components])
        _require_complete(path, reader)
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path}: cannot be read as an image ({itk_reason(error)}); is it complete?") from error
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(were_warnings_shown)
    pixels = _pixels(image)
    geometry = geometry_of(image, path)
    count = pixels.shape[0]
    volume = ImageVolume(pixels, [geometry] * count, _times(image, count), _has_geometry(image))
    return series_from_volume(path, name_from_file(path), volume)


def geometry_of(image: sitk.Image, path: Path) -> Matrix:
    """ijk_to_ras of the three spatial axes of a 3D or 4D ITK image.

    Raises
    ------
    InputError
        If it is singular.
    """
    dimension = image.GetDimension()
    direction = np.array(image.GetDirection()).reshape(dimension, dimension)[:3, :3]
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = direction * np.array(image.GetSpacing()[:3])
    ijk_to_lps[:3, 3] = image.GetOrigin()[:3]
    return lps_to_ras(validated_ijk_to_ras(ijk_to_lps, f"{path} geometry"))


def itk_reason(error: BaseException) -> str:
    """The telling line of ITK's multi-line exception text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("ITK ERROR", "Reason", "Error", "sitk::ERROR"))]
    return (telling or lines or [type(error).__name__])[-1][:200]


def _require_complete(path: Path, reader: sitk.ImageFileReader) -> None:
    """Compare the length of the file with its header, whose sizes are plausible already."""
    bytes_per_component = _COMPONENT_BYTES.get(reader.GetPixelID(), 1)
    pixel_bytes = math.prod(reader.GetSize()) * reader.GetNumberOfComponents() * bytes_per_component
    if path.name.lower().endswith((".mha", ".mhd")):
        require_complete_metaimage(path, pixel_bytes)
    elif reader.HasMetaDataKey("vox_offset") and reader.HasMetaDataKey("bitpix"):
        # A scaled NIfTI is read as float; what counts is its own bits per pixel.
        pixel_bytes = math.prod(reader.GetSize()) * int(float(reader.GetMetaData("bitpix"))) // 8
        float_type = (
            _NIFTI_FLOAT_TYPES.get(reader.GetMetaData("datatype")) if reader.HasMetaDataKey("datatype") else None
        )
        require_complete_nifti(path, pixel_bytes, int(float(reader.GetMetaData("vox_offset"))), float_type)


def _pixels(image: sitk.Image) -> NDArray:
    array = sitk.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() == 2 and not np.iscomplexobj(array):
        array = array[..., 0].astype(np.float32) + 1j * array[..., 1].astype(np.float32)
    return array if image.GetDimension() == 4 else array[np.newaxis]


def _times(image: sitk.Image, count: int) -> NDArray[np.float64] | None:
    """Times of a 4D NIfTI that states a time unit (bits 3-5 of xyzt_units; ITK has scaled to seconds)."""
    if image.GetDimension() != 4 or not image.HasMetaDataKey("xyzt_units"):
        return None
    interval = float(image.GetSpacing()[3])
    has_time_unit = (int(float(image.GetMetaData("xyzt_units"))) & 0x38) != 0
    return (
        np.arange(count, dtype=np.float64) * interval
        if has_time_unit and np.isfinite(interval) and interval > 0
        else None
    )


def _has_geometry(image: sitk.Image) -> bool:
    """A NIfTI with qform and sform codes 0 states no place in the patient; other formats always do."""
    codes = [image.GetMetaData(key) for key in ("qform_code", "sform_code") if image.HasMetaDataKey(key)]
    return not codes or any(float(code) != 0 for code in codes)
