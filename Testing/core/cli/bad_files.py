"""Files that a user may hand over by mistake, each with a word that the refusal must contain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import ismrmrd
import numpy as np
import SimpleITK as sitk  # noqa: N813

SHAPE = (3, 32, 24)


def a_volume(shape: tuple[int, int, int] = SHAPE, pixel_type: type = np.int16, seed: int = 0) -> sitk.Image:
    """A smooth bright ellipsoid with noise, 1.5 x 1.5 x 3 mm, oblique."""
    slices, rows, columns = (np.linspace(-1, 1, size) for size in shape)
    radius = np.sqrt((0.5 * slices[:, None, None]) ** 2 + rows[None, :, None] ** 2 + columns[None, None, :] ** 2)
    pixels = 100 * np.clip(1.5 - radius, 0, 0.8) + np.random.default_rng(seed).uniform(0, 5, shape)
    image = sitk.GetImageFromArray(pixels.astype(pixel_type))
    transform = sitk.Euler3DTransform()
    transform.SetRotation(0.3, -0.2, 0.5)
    image.SetDirection(transform.GetMatrix())
    image.SetSpacing((1.5, 1.5, 3.0))
    image.SetOrigin((-12.0, 33.0, 70.0))
    return image


def _with_pixel(value: float) -> sitk.Image:
    image = a_volume(pixel_type=np.float32)
    image[3, 4, 1] = value
    return image


def _written(image: Callable[[], sitk.Image]) -> Callable[[Path], None]:
    return lambda path: sitk.WriteImage(image(), str(path))


def _bytes(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def _cut(path: Path) -> None:
    sitk.WriteImage(a_volume(), str(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def _nrrd(*replacements: tuple[str, str]) -> Callable[[Path], None]:
    header = (
        "NRRD0004\ntype: float\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 5 6\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain domain\nendian: little\nencoding: raw\n"
        "space origin: (0,0,0)\n\n"
    )
    for old, new in replacements:
        assert old in header
        header = header.replace(old, new)
    return _bytes(header.encode() + np.ones(120, "<f4").tobytes())


def _metaimage(*replacements: tuple[str, str]) -> Callable[[Path], None]:
    header = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = 4 5 6\n"
        "ElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
    )
    for old, new in replacements:
        assert old in header
        header = header.replace(old, new)
    return _bytes(header.encode() + np.ones(120, "<f4").tobytes())


def _nifti_with_singular_sform(path: Path) -> None:
    sitk.WriteImage(a_volume(), str(path))
    content = bytearray(path.read_bytes())
    content[252:256] = np.array([0, 1], "<i2").tobytes()  # qform_code, sform_code
    content[280:328] = np.zeros(12, "<f4").tobytes()  # srow_x, srow_y, srow_z
    path.write_bytes(bytes(content))


def _five_dimensions(path: Path) -> None:
    """A NIfTI header that says 5D (x, y, z, t, vector) with 3 components."""
    sitk.WriteImage(a_volume(pixel_type=np.float32), str(path))
    content = bytearray(path.read_bytes())
    content[40:56] = np.array([5, 24, 32, 1, 1, 3, 1, 1], "<i2").tobytes()
    path.write_bytes(bytes(content))


def _hdf5(**datasets: np.ndarray) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name, value in datasets.items():
                file[name.replace("__", "/")] = value

    return write


def _fastmri(**changes: np.ndarray | None) -> Callable[[Path], None]:
    kspace = np.ones((2, 1, 16, 12), np.complex64)
    datasets = {"kspace": kspace, "ismrmrd_header": np.bytes_(MRD_HEADER), **changes}
    return _hdf5(**{name: value for name, value in datasets.items() if value is not None})


MRD_HEADER = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
<experimentalConditions><H1resonanceFrequency_Hz>123000000</H1resonanceFrequency_Hz></experimentalConditions>
<encoding>
<encodedSpace><matrixSize><x>16</x><y>12</y><z>1</z></matrixSize>
<fieldOfView_mm><x>24</x><y>18</y><z>3</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>16</x><y>12</y><z>1</z></matrixSize>
<fieldOfView_mm><x>24</x><y>18</y><z>3</z></fieldOfView_mm></reconSpace>
<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>11</maximum><center>6</center>
</kspace_encoding_step_1></encodingLimits>
<trajectory>{trajectory}</trajectory>
</encoding>
</ismrmrdHeader>"""


def _mrd(
    n_lines: int = 12, value: complex = 1.0, flag: int | None = None, trajectory: str = "cartesian"
) -> Callable[[Path], None]:
    """An ISMRMRD file of one frame, written with the public package."""

    def write(path: Path) -> None:
        dataset = ismrmrd.Dataset(str(path), "dataset")
        dataset.write_xml_header(MRD_HEADER.format(trajectory=trajectory).encode())
        for line in range(n_lines):
            acquisition = ismrmrd.Acquisition.from_array(np.full((1, 16), value, np.complex64))
            acquisition.idx.kspace_encode_step_1 = line
            acquisition.read_dir[0] = acquisition.phase_dir[1] = acquisition.slice_dir[2] = 1.0
            if flag is not None:
                acquisition.set_flag(flag)
            dataset.append_acquisition(acquisition)
        dataset.close()
        if n_lines == 0:
            with h5py.File(path, "a") as file, h5py.File("pattern", "w", driver="core", backing_store=False) as other:
                kind = ismrmrd.hdf5.acquisition_dtype
                other.create_dataset("data", (0,), maxshape=(None,), dtype=kind)
                other.copy("data", file["dataset"])

    return write


def _folder_with(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.mkdir()
        for name in names:
            (path / name).write_text("no image", encoding="ascii")

    return write


TEXT = b"This is a letter to the editor,\nnot an image.\n"
SUFFIXES = ("h5", "nrrd", "seq.nrrd", "nii", "nii.gz", "mha", "mhd")

# File name -> (writer, what the line must say).
BAD_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    **{f"empty.{suffix}": (_bytes(b""), "empty") for suffix in SUFFIXES},
    **{f"text.{suffix}": (_bytes(TEXT), "") for suffix in SUFFIXES},
    **{f"cut.{suffix}": (_cut, "") for suffix in ("nrrd", "nii", "nii.gz", "mha")},
    "picture.jpg": (_bytes(b"\xff\xd8\xff\xe0JFIF"), "unknown kind of file"),
    "nan.nrrd": (_written(lambda: _with_pixel(float("nan"))), "NaN"),
    "nan.nii.gz": (_written(lambda: _with_pixel(float("nan"))), "NaN"),
    "infinite.mha": (_written(lambda: _with_pixel(float("inf"))), "infinite"),
    "nan.h5": (_mrd(value=complex("nan")), "NaN"),
    "flat.nrrd": (_written(lambda: a_volume()[:, :, 1]), "2 spatial"),
    "flat.mha": (_written(lambda: a_volume()[:, :, 1]), "2D"),
    "flat.nii.gz": (_written(lambda: a_volume()[:, :, 1]), "2D"),
    "rgb.nrrd": (_written(lambda: sitk.Image([4, 5, 6], sitk.sitkVectorUInt8, 3)), "3 components"),
    "rgb.mha": (_written(lambda: sitk.Image([4, 5, 6], sitk.sitkVectorUInt8, 3)), "3 components"),
    "rgb.nii.gz": (_written(lambda: sitk.Image([4, 5, 6], sitk.sitkVectorUInt8, 3)), "3 components"),
    "five.nii": (_five_dimensions, ""),
    "singular.nrrd": (_nrrd(("(0,1,0)", "(1,0,0)")), "singular"),
    "singular.mha": (_metaimage(("0 1 0", "1 0 0")), ""),
    "singular.nii": (_nifti_with_singular_sform, ""),
    "no-extent.nrrd": (_nrrd(("(0,1,0)", "(0,0,0)")), "singular"),
    "zero-size.nrrd": (_nrrd(("sizes: 4 5 6", "sizes: 4 0 6")), "empty"),
    "zero-size.mha": (_metaimage(("DimSize = 4 5 6", "DimSize = 4 0 6")), ""),
    "huge.nrrd": (_nrrd(("sizes: 4 5 6", "sizes: 99999 99999 99999")), "exceeds"),
    "huge.mha": (_metaimage(("DimSize = 4 5 6", "DimSize = 99999 99999 99999")), ""),
    "words.nrrd": (_nrrd(("type: float", "type: string")), ""),
    "no-lines.h5": (_mrd(n_lines=0), ""),
    "noise-only.h5": (_mrd(flag=ismrmrd.ACQ_IS_NOISE_MEASUREMENT), "no imaging line"),
    "spiral.h5": (_mrd(trajectory="spiral"), "artesian"),
    "weights.h5": (_hdf5(weights=np.zeros(3)), "weights"),
    "nothing.h5": (_hdf5(), "nothing"),
    "half-mrd.h5": (_hdf5(dataset__xml=np.zeros(3)), "ISMRMRD file without 'data'"),
    "no-kspace.h5": (_fastmri(kspace=None), "kspace"),
    "no-header.h5": (_fastmri(ismrmrd_header=None), "without 'ismrmrd_header', which states"),
    "real-kspace.h5": (_fastmri(kspace=np.ones((2, 1, 16, 12), np.float32)), "complex"),
    "no-slice.h5": (_fastmri(kspace=np.ones((0, 1, 16, 12), np.complex64)), "shape"),
    "flat-kspace.h5": (_fastmri(kspace=np.ones((16, 12), np.complex64)), "shape"),
    "nan-kspace.h5": (_fastmri(kspace=np.full((2, 1, 16, 12), np.nan, np.complex64)), "NaN"),
    "other-mask.h5": (_fastmri(mask=np.ones(7, bool)), "mask"),
    "no-line-in-mask.h5": (_fastmri(mask=np.zeros(12, bool)), "mask"),
    "folder": (_folder_with(), "DICOM"),
    "folder-of-text": (_folder_with("letter.txt"), "DICOM"),
    "folder.nrrd": (_folder_with(), "DICOM"),
    "single.dcm": (_bytes(b"\0" * 128 + b"DICM"), "folder"),
}


def write_bad_files(folder: Path) -> None:
    for name, (write, _) in BAD_FILES.items():
        write(folder / name)


def write_good_files(folder: Path) -> None:
    """``volume.nrrd``; the same ``moved`` and ``cropped``; ``series.nrrd``, two time points."""
    volume = a_volume()
    moved = sitk.Image(volume)
    moved.SetOrigin((0.0, 0.0, 0.0))
    for name, image in {"volume": volume, "moved": moved, "cropped": volume[:, 2:]}.items():
        sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
    sitk.WriteImage(sitk.JoinSeries([volume, volume]), str(folder / "series.nii"))
