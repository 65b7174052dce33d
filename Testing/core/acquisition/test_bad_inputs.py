"""Every file a user may hand us by mistake is refused in one line that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import an_oblique_volume, write_dicom_series
from mrd_files import all_lines, images, write_mrd
from TemporalReconLib.acquisition.series import open_series, read_volume, require_same_geometry
from TemporalReconLib.errors import InputError

HEADER = (
    "NRRD0004\ntype: float\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 5 6\n"
    "space directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain domain\nendian: little\nencoding: raw\n"
    "space origin: (0,0,0)\n\n"
)
PIXELS = np.ones(120, dtype="<f4").tobytes()


def nrrd_text(*replacements: tuple[str, str], pixels: bytes = PIXELS) -> Callable[[Path], Path]:
    """A NRRD file with parts of its header replaced."""

    def write(folder: Path) -> Path:
        header = HEADER
        for old, new in replacements:
            assert old in header
            header = header.replace(old, new)
        return raw("case.nrrd", header.encode() + pixels)(folder)

    return write


def nrrd_with_axis(kind: str, count: int) -> Callable[[Path], Path]:
    """A NRRD file of ``count`` values of some kind per pixel."""
    return nrrd_text(
        ("dimension: 3", "dimension: 4"),
        ("sizes: ", f"sizes: {count} "),
        ("directions: ", "directions: none "),
        ("kinds: ", f"kinds: {kind} "),
        pixels=PIXELS * count,
    )


def raw(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def truncated(name: str) -> Callable[[Path], Path]:
    """A good file of that kind cut off in the middle."""

    def write(folder: Path) -> Path:
        path = folder / name
        if name.endswith(".h5"):
            write_mrd(path, all_lines(1), images(1))
        else:
            sitk.WriteImage(an_oblique_volume(), str(path))
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        return path

    return write


def itk(name: str, image: sitk.Image) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        sitk.WriteImage(image, str(folder / name))
        return folder / name

    return write


def hdf5(*datasets: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with h5py.File(folder / "case.h5", "w") as file:
            for name in datasets:
                file[name] = np.zeros(3)
        return folder / "case.h5"

    return write


def an_empty_folder(folder: Path) -> Path:
    (folder / "case").mkdir()
    return folder / "case"


def a_folder_of_text(folder: Path) -> Path:
    (folder / "case").mkdir()
    (folder / "case" / "notes.txt").write_text("no images here")
    return folder / "case"


def a_dicom_folder_of_pieces(size: int) -> Callable[[Path], Path]:
    """Every file is cut off after some bytes."""

    def write(folder: Path) -> Path:
        case = write_dicom_series(folder / "case", an_oblique_volume())
        for path in list(case.iterdir()):
            path.with_suffix(".dcm").write_bytes(path.read_bytes()[:size])
            path.unlink()
        return case

    return write


def a_dicom_folder_with_a_cut_file(folder: Path) -> Path:
    case = write_dicom_series(folder / "case", an_oblique_volume())
    cut = min(case.iterdir())
    cut.write_bytes(cut.read_bytes()[:900])
    return case


def an_image_with_nan() -> sitk.Image:
    image = sitk.Cast(an_oblique_volume(), sitk.sitkFloat32)
    image[1, 2, 3] = float("nan")
    return image


CASES = {
    "missing": (lambda folder: folder / "case.nrrd", "no such file"),
    "unknown suffix": (raw("case.txt", b"hello"), "unknown kind of file"),
    "no suffix": (raw("case", b"hello"), "unknown kind of file"),
    "single dicom file": (raw("case.dcm", b"DICM"), "give the folder"),
    "empty nrrd": (raw("case.nrrd", b""), "empty"),
    "empty h5": (raw("case.h5", b""), "empty"),
    "text as nrrd": (raw("case.nrrd", b"hello\nworld\n"), "not a readable NRRD"),
    "html as nifti": (raw("case.nii.gz", b"<html>404</html>"), "cannot be read"),
    "text as mha": (raw("case.mha", b"hello"), "cannot be read"),
    "random bytes as nii": (raw("case.nii", bytes(range(256)) * 4), "cannot be read"),
    "text as h5": (raw("case.h5", b"hello world"), "not a readable HDF5"),
    "truncated nrrd": (truncated("case.nrrd"), "truncated"),
    "truncated nii.gz": (truncated("case.nii.gz"), "cannot be read"),
    "truncated nii": (truncated("case.nii"), "cannot be read"),
    "truncated mha": (truncated("case.mha"), "cannot be read"),
    "truncated h5": (truncated("case.h5"), "truncated"),
    "foreign h5": (hdf5("weights", "bias"), "bias, weights"),
    "empty h5 file": (hdf5(), "nothing"),
    "h5 with a data set instead of a group": (hdf5("dataset"), "ISMRMRD"),
    "h5 without xml": (hdf5("dataset/data"), "xml"),
    "h5 with numbers as acquisitions": (hdf5("dataset/data", "dataset/xml"), "ISMRMRD"),
    "nan": (itk("case.nrrd", an_image_with_nan()), "NaN"),
    "nan in mha": (itk("case.mha", an_image_with_nan()), "NaN"),
    "three components": (itk("case.mha", sitk.Image([4, 5, 6], sitk.sitkVectorFloat32, 3)), "3 components"),
    "rgb nrrd": (itk("case.nrrd", sitk.Image([4, 5, 6], sitk.sitkVectorUInt8, 3)), "3 components"),
    "2d mha": (itk("case.mha", sitk.Image([4, 5], sitk.sitkFloat32)), "2D image"),
    "2d nrrd": (itk("case.nrrd", sitk.Image([4, 5], sitk.sitkFloat32)), "2 spatial"),
    "zero size": (nrrd_text(("sizes: 4 5 6", "sizes: 4 0 6"), pixels=b""), "empty"),
    "negative size": (nrrd_text(("sizes: 4 5 6", "sizes: 4 -5 6")), "empty"),
    "absurd size": (nrrd_text(("sizes: 4 5 6", "sizes: 99999 99999 99999")), "exceeds"),
    "overflowing size": (nrrd_text(("sizes: 4 5 6", "sizes: 4294967296 4294967296 4")), "exceeds"),
    "sizes of another dimension": (nrrd_text(("sizes: 4 5 6", "sizes: 4 5")), "dimension"),
    "dimension that is no number": (nrrd_text(("dimension: 3", "dimension: three")), "not a readable NRRD"),
    "unknown type": (nrrd_text(("type: float", "type: quaternion")), "cannot read the NRRD data"),
    "block type": (nrrd_text(("type: float", "type: block")), "block"),
    "no type": (nrrd_text(("type: float\n", "")), "lacks 'type'"),
    "no endian": (nrrd_text(("endian: little\n", "")), "endian"),
    "unknown encoding": (nrrd_text(("encoding: raw", "encoding: jpeg")), "cannot read the NRRD data"),
    "gzip that is none": (nrrd_text(("encoding: raw", "encoding: gzip")), "cannot read the NRRD data"),
    "more pixels than sizes": (nrrd_text(pixels=PIXELS + PIXELS), "cannot read the NRRD data"),
    "parallel axes": (nrrd_text(("(0,1,0)", "(1,0,0)")), "singular"),
    "zero spacing": (nrrd_text(("(0,1,0)", "(0,0,0)")), "singular"),
    "infinite spacing": (nrrd_text(("(0,1,0)", "(0,inf,0)")), "infinite"),
    "nan origin": (nrrd_text(("space origin: (0,0,0)", "space origin: (0,nan,0)")), "NaN"),
    "two element directions": (nrrd_text(("(1,0,0) (0,1,0) (0,0,1)", "(1,0) (0,1) (1,1)")), "elements"),
    "unknown space": (nrrd_text(("left-posterior-superior", "scanner-xyz")), "scanner-xyz"),
    **{
        f"axis of kind {kind}": (nrrd_with_axis(kind, count), kind)
        for kind, count in [
            *(
                ("RGB-color", 3),
                ("RGBA-color", 4),
                ("HSV-color", 3),
                ("XYZ-color", 3),
                ("3-vector", 3),
                ("4-vector", 4),
            ),
            *(("3-gradient", 3), ("3D-matrix", 9), ("3D-symmetric-matrix", 6), ("quaternion", 4), ("2-color", 2)),
        ]
    },
    "vector of three": (nrrd_with_axis("vector", 3), "3 components"),
    "kinds of another dimension": (nrrd_text(("domain domain domain", "domain domain")), "kinds"),
    "empty folder": (an_empty_folder, "no DICOM image"),
    "folder of text": (a_folder_of_text, "no DICOM image"),
    "folder of cut dicom files": (a_dicom_folder_of_pieces(900), "cut off"),
    "folder of remains of dicom files": (a_dicom_folder_of_pieces(100), "cut off"),
    "cut dicom file": (a_dicom_folder_with_a_cut_file, "case"),
}


@pytest.mark.parametrize(("write", "reason"), CASES.values(), ids=CASES.keys())
def test_a_bad_input_is_refused_in_one_line_with_its_name(tmp_path, write, reason, capfd):
    path = write(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        open_series(path).frame(0)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    assert len(message) < 500
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["list", "time", "Time", "domain", "???", "none"])
def test_an_axis_of_a_kind_that_may_be_time_is_played_as_frames(tmp_path, kind):
    series = open_series(nrrd_with_axis(kind, 3)(tmp_path))
    assert len(series) == 3
    assert series.image_shape == (6, 5, 4)


def test_kspace_is_no_planning_image(tmp_path):
    with pytest.raises(InputError, match="expected an image"):
        read_volume(write_mrd(tmp_path / "case.h5", all_lines(1), images(1)))


def test_a_planning_image_of_another_matrix_or_place_is_refused(tmp_path):
    image = an_oblique_volume()
    moved = sitk.Image(image)
    moved.SetOrigin((0.0, 0.0, 0.0))
    for name, volume in {"same": image, "cropped": image[1:], "moved": moved}.items():
        sitk.WriteImage(volume, str(tmp_path / f"{name}.nrrd"))
    frame = open_series(tmp_path / "same.nrrd").frame(0)

    require_same_geometry(read_volume(tmp_path / "same.nrrd"), frame, "prior.nrrd")
    with pytest.raises(InputError, match=r"prior\.nrrd: matrix \(4, 12, 9\)"):
        require_same_geometry(read_volume(tmp_path / "cropped.nrrd"), frame, "prior.nrrd")
    with pytest.raises(InputError, match="resample it"):
        require_same_geometry(read_volume(tmp_path / "moved.nrrd"), frame, "prior.nrrd")
