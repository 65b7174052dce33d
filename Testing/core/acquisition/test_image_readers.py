"""NRRD, MetaImage, NIfTI and DICOM: pixels as written, voxels where ITK puts them."""

from __future__ import annotations

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import SIZE, an_oblique_volume, ras_of, write_dicom_series
from TemporalReconLib.acquisition.series import open_series, read_volume
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import spacing_of, transform_points

CORNERS = [(0, 0, 0), (SIZE[0] - 1, 0, 0), (0, SIZE[1] - 1, 0), (0, 0, SIZE[2] - 1), (3, 7, 2)]


def assert_lies_where_itk_says(ijk_to_ras, image: sitk.Image) -> None:
    for index in CORNERS:
        np.testing.assert_allclose(transform_points(ijk_to_ras, index), ras_of(image, index), atol=1e-3)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd", ".nii", ".nii.gz"])
def test_an_oblique_volume_keeps_pixels_and_place_in_every_format(tmp_path, suffix):
    image = an_oblique_volume()
    path = tmp_path / f"oblique{suffix}"
    sitk.WriteImage(image, str(path))
    series = open_series(path)
    frame = series.frame(0)

    assert (len(series), series.name, series.is_kspace) == (1, "oblique", False)
    np.testing.assert_array_equal(frame.data, sitk.GetArrayFromImage(image))
    assert frame.has_geometry
    assert_lies_where_itk_says(frame.ijk_to_ras, image)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_real_and_imaginary_components_become_one_complex_image(tmp_path, suffix):
    real, imaginary = (an_oblique_volume(seed, np.float32) for seed in (1, 2))
    path = tmp_path / f"two{suffix}"
    if suffix == ".mha":
        sitk.WriteImage(sitk.Compose(real, imaginary), str(path))
    else:
        sitk.WriteImage(sitk.RealAndImaginaryToComplex(real, imaginary), str(path))
    frame = open_series(path).frame(0)

    expected = sitk.GetArrayFromImage(real) + 1j * sitk.GetArrayFromImage(imaginary)
    np.testing.assert_allclose(frame.complex_data, expected)
    np.testing.assert_allclose(frame.data, np.abs(expected), rtol=1e-6)
    assert_lies_where_itk_says(frame.ijk_to_ras, real)


def test_a_negative_pixel_is_a_phase_not_a_negative_magnitude(tmp_path):
    image = an_oblique_volume() - 500
    path = tmp_path / "signed.nrrd"
    sitk.WriteImage(image, str(path))
    frame = open_series(path).frame(0)
    assert frame.data.min() >= 0
    np.testing.assert_array_equal(frame.complex_data.real, sitk.GetArrayFromImage(image))


def test_a_4d_nifti_is_frames_over_time_with_its_interval(tmp_path):
    frames = [an_oblique_volume(seed) for seed in range(3)]
    joined = sitk.JoinSeries(frames, 0.0, 0.25)
    path = tmp_path / "dynamic.nii.gz"
    sitk.WriteImage(joined, str(path))
    series = open_series(path)

    assert len(series) == 3
    for frame, image in zip(series, frames, strict=True):
        np.testing.assert_array_equal(frame.data, sitk.GetArrayFromImage(image))
        assert_lies_where_itk_says(frame.ijk_to_ras, image)
    assert series.frame_interval_s == pytest.approx(0.25)


def test_a_nifti_without_orientation_states_no_place(tmp_path):
    path = tmp_path / "nowhere.nii"
    sitk.WriteImage(an_oblique_volume(), str(path))
    content = bytearray(path.read_bytes())
    content[252:256] = bytes(4)  # qform_code, sform_code
    path.write_bytes(content)
    assert not open_series(path).frame(0).has_geometry


@pytest.mark.parametrize("list_axis", [0, 3], ids=["list first", "list last"])
@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior", "LPS", "RAS"])
def test_a_slicer_sequence_keeps_frames_times_and_place(tmp_path, list_axis, space):
    frames = [an_oblique_volume(seed) for seed in range(3)]
    flip = np.array([1, 1, 1]) if space[0].lower() == "l" else np.array([-1, -1, 1])
    axes = np.array(frames[0].GetDirection()).reshape(3, 3).T * np.array(frames[0].GetSpacing())[:, np.newaxis]
    directions = list(axes * flip)
    kinds, units = ["domain"] * 3, [""] * 3
    directions.insert(list_axis, np.full(3, np.nan))
    kinds.insert(list_axis, "list")
    units.insert(list_axis, "s")
    header = {
        "space": space,
        "space directions": np.array(directions),
        "space origin": np.array(frames[0].GetOrigin()) * flip,
        "kinds": kinds,
        "units": units,
        f"axis {list_axis} index type": "numeric",
        f"axis {list_axis} index values": "0.5 0.7 0.9",
    }
    # (i, j, k) arrays stacked along the list axis, Fortran order as NRRD counts axes
    data = np.stack([sitk.GetArrayFromImage(image).T for image in frames], axis=list_axis)
    path = tmp_path / "played.seq.nrrd"
    nrrd.write(str(path), data, header)
    series = open_series(path)

    assert (len(series), series.name) == (3, "played")
    assert series.frame_interval_s == pytest.approx(0.2)
    assert series.frame(1).acquisition_start_time == pytest.approx(0.7)
    for frame, image in zip(series, frames, strict=True):
        np.testing.assert_array_equal(frame.data, sitk.GetArrayFromImage(image))
        assert_lies_where_itk_says(frame.ijk_to_ras, image)


def test_a_complex_sequence_has_a_list_and_a_component_axis(tmp_path):
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(3, 4, 6, 5)) + 1j * generator.normal(size=(3, 4, 6, 5))
    header = {
        "space": "left-posterior-superior",
        "space directions": np.vstack([np.full((1, 3), np.nan), np.eye(3), np.full((1, 3), np.nan)]),
        "space origin": [0.0, 0.0, 0.0],
        "kinds": ["complex", "domain", "domain", "domain", "list"],
    }
    data = np.stack([pictures.real, pictures.imag], axis=-1)  # C order: time, slice, row, col, component
    path = tmp_path / "complex.seq.nrrd"
    nrrd.write(str(path), data, header, index_order="C")
    series = open_series(path)
    assert len(series) == 3
    np.testing.assert_allclose(series.frame(2).complex_data, pictures[2], rtol=1e-6)


def test_a_nrrd_without_space_gives_spacing_but_no_place(tmp_path):
    path = tmp_path / "plain.nrrd"
    nrrd.write(str(path), np.ones((5, 6, 2), dtype=np.uint8), {"spacings": [0.5, 0.7, 3.0]})
    frame = open_series(path).frame(0)
    assert not frame.has_geometry
    np.testing.assert_allclose(spacing_of(frame.ijk_to_ras), [0.5, 0.7, 3.0])


def test_a_dicom_folder_is_a_volume_with_slices_in_place(tmp_path):
    image = an_oblique_volume()
    folder = write_dicom_series(tmp_path / "Doe_Jane", image)
    (folder / "README.txt").write_text("not DICOM")
    series = open_series(folder)
    frame = series.frame(0)

    assert_lies_where_itk_says(frame.ijk_to_ras, image)
    np.testing.assert_array_equal(frame.data, sitk.GetArrayFromImage(image))
    assert "Doe" not in series.name
    assert "Doe" not in frame.stream_id


def test_several_images_of_a_dicom_slice_are_frames_over_time(tmp_path):
    image = an_oblique_volume()
    series = open_series(write_dicom_series(tmp_path / "d", image, times=3))
    assert len(series) == 3
    assert series.frame_interval_s == pytest.approx(0.5)
    for time, frame in enumerate(series):
        np.testing.assert_array_equal(frame.data, sitk.GetArrayFromImage(image) + 1000 * time)
        assert_lies_where_itk_says(frame.ijk_to_ras, image)


def test_two_dicom_series_are_refused_by_number_without_naming_the_patient(tmp_path):
    folder = write_dicom_series(tmp_path / "d", an_oblique_volume(), series_number=3)
    write_dicom_series(folder, an_oblique_volume(), series_number=4, prefix="OTHER")
    with pytest.raises(InputError, match=r"2 DICOM series .*number 3 with 4 files.*number 4") as caught:
        open_series(folder)
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize(("times", "skip", "reason"), [(1, ((0, 1),), "equally spaced"), (2, ((1, 2),), "incomplete")])
def test_a_dicom_series_with_a_missing_file_is_refused(tmp_path, times, skip, reason):
    folder = write_dicom_series(tmp_path / "d", an_oblique_volume(), times=times, skip=skip)
    with pytest.raises(InputError, match=reason):
        open_series(folder)


def test_slices_as_time_keep_their_own_slice_geometry(tmp_path):
    image = an_oblique_volume()
    path = tmp_path / "volume.nrrd"
    sitk.WriteImage(image, str(path))
    series = open_series(path, frames="slices")

    assert (len(series), series.image_shape) == (SIZE[2], (1, SIZE[1], SIZE[0]))
    for k, frame in enumerate(series):
        assert frame.index == k
        np.testing.assert_allclose(transform_points(frame.ijk_to_ras, (3, 7, 0)), ras_of(image, (3, 7, k)), atol=1e-3)
        np.testing.assert_array_equal(frame.data[0], sitk.GetArrayFromImage(image)[k])


def test_a_repeated_volume_is_the_same_picture_under_new_numbers(tmp_path):
    path = tmp_path / "volume.nrrd"
    sitk.WriteImage(an_oblique_volume(), str(path))
    series = open_series(path, frames="repeat:5")
    assert [frame.index for frame in series] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(series.frame(4).data, series.frame(0).data)
    with pytest.raises(IndexError):
        series.frame(5)


@pytest.mark.parametrize("frames", ["", "Time", "repeat", "repeat:0", "repeat:-1", "repeat:x", "repeat:99999999"])
def test_an_unknown_way_to_play_frames_is_refused(tmp_path, frames):
    path = tmp_path / "volume.nrrd"
    sitk.WriteImage(an_oblique_volume(), str(path))
    with pytest.raises(InputError, match="expected time, slices or repeat:N"):
        open_series(path, frames)


@pytest.mark.parametrize("frames", ["slices", "repeat:3"])
def test_a_series_over_time_cannot_be_played_as_one_volume(tmp_path, frames):
    path = tmp_path / "dynamic.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([an_oblique_volume(), an_oblique_volume()]), str(path))
    with pytest.raises(InputError, match="2 time points"):
        open_series(path, frames)


def test_a_planning_volume_is_one_image(tmp_path):
    path = tmp_path / "plan.nii.gz"
    image = an_oblique_volume()
    sitk.WriteImage(image, str(path))
    assert_lies_where_itk_says(read_volume(path).ijk_to_ras, image)
    sitk.WriteImage(sitk.JoinSeries([image, image]), str(path))
    with pytest.raises(InputError, match="expected one volume"):
        read_volume(path)
