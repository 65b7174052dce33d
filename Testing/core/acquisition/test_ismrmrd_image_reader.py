"""ISMRMRD files of images, written with the public package, against ITK's geometry."""

from __future__ import annotations

from pathlib import Path

import h5py
import ismrmrd
import numpy as np
import pytest
from mrd_files import COLUMNS, ROWS, SLICES, an_oblique_image
from TemporalReconLib.acquisition.series import open_series, read_volume
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import transform_points

PLACE = an_oblique_image()


def pictures(frames: int, dtype: type = np.float32) -> np.ndarray:
    """(frame, slice, row, col), all different."""
    values = np.random.default_rng(1).integers(0, 900, (frames, SLICES, ROWS, COLUMNS)).astype(dtype)
    return values * (1 + 0.5j) if np.iscomplexobj(values) else values


def an_image(pixels: np.ndarray, frame: int, k: int, **head) -> ismrmrd.Image:
    image = ismrmrd.Image.from_array(np.ascontiguousarray(pixels), transpose=False)
    image.repetition, image.slice, image.image_type = frame, k, ismrmrd.IMTYPE_MAGNITUDE
    image.field_of_view[:] = (COLUMNS * 1.5, ROWS * 1.25, 3.6)
    image.position[:] = PLACE.TransformIndexToPhysicalPoint((COLUMNS // 2, ROWS // 2, k))
    axes = np.array(PLACE.GetDirection()).reshape(3, 3)
    image.read_dir[:], image.phase_dir[:], image.slice_dir[:] = axes.T
    for name, value in head.items():
        setattr(image, name, value)
    return image


def write_images(path: Path, images: list[ismrmrd.Image], group: str = "images") -> Path:
    with ismrmrd.Dataset(str(path), mode="a") as dataset:
        for image in images:
            dataset.append_image(group, image)
    return path


def stacks(data: np.ndarray, **head) -> list[ismrmrd.Image]:
    return [an_image(data[frame, k], frame, k, **head) for frame in range(len(data)) for k in range(SLICES)]


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.int16, np.float64, np.complex64])
def test_images_of_every_type_are_frames_where_itk_says(tmp_path, dtype):
    data = pictures(3, dtype)
    kind = ismrmrd.IMTYPE_COMPLEX if dtype is np.complex64 else ismrmrd.IMTYPE_MAGNITUDE
    series = open_series(write_images(tmp_path / "a.h5", stacks(data, image_type=kind)))
    assert (len(series), series.image_shape, series.is_kspace) == (3, (SLICES, ROWS, COLUMNS), False)
    for index, frame in enumerate(series):
        np.testing.assert_allclose(frame.data, np.abs(data[index]), rtol=1e-6)
        assert frame.index == index
        assert frame.has_geometry
        for i, j, k in [(0, 0, 0), (9, 2, 2), (3, 11, 1)]:
            lps = np.array(PLACE.TransformIndexToPhysicalPoint((i, j, k)))
            np.testing.assert_allclose(transform_points(frame.ijk_to_ras, [i, j, k]), lps * [-1, -1, 1], atol=1e-4)


def test_interleaved_slices_are_sorted_along_the_slice_direction(tmp_path):
    data = pictures(2)
    images = [an_image(data[frame, k], frame, k) for frame in range(2) for k in (1, 2, 0)]
    for index, frame in enumerate(open_series(write_images(tmp_path / "a.h5", images))):
        np.testing.assert_array_equal(frame.data, data[index])


def test_a_repetition_counter_that_starts_again_begins_new_frames(tmp_path):
    data = pictures(4)
    images = [an_image(data[frame, k], (65534 + frame) % 65536, k) for frame in range(4) for k in range(SLICES)]
    images += [an_image(data[0, k], 65534, k) for k in range(SLICES)]
    found = [frame.data for frame in open_series(write_images(tmp_path / "a.h5", images))]
    np.testing.assert_array_equal(found, data[[0, 1, 2, 3, 0]])


def test_increasing_time_stamps_are_the_times_of_the_frames(tmp_path):
    data = pictures(3)
    images = [an_image(data[f, k], f, k, acquisition_time_stamp=900 + 200 * f + k) for f in range(3) for k in range(3)]
    series = open_series(write_images(tmp_path / "a.h5", images))
    assert series.frame_interval_s == pytest.approx(0.5)
    assert [frame.acquisition_start_time for frame in series] == pytest.approx([0, 0.5, 1.0])


def test_a_moving_stack_keeps_the_place_of_every_frame(tmp_path):
    images = stacks(pictures(2))
    for image in images[SLICES:]:
        image.position[2] += 5.0
    first, second = open_series(write_images(tmp_path / "a.h5", images))
    np.testing.assert_allclose(second.ijk_to_ras[:3, 3] - first.ijk_to_ras[:3, 3], [0, 0, 5], atol=1e-4)


def test_images_without_a_place_keep_their_sizes(tmp_path):
    images = stacks(pictures(1))
    for image in images:
        for field in (image.position, image.read_dir, image.phase_dir, image.slice_dir):
            field[:] = (0.0, 0.0, 0.0)
    frame = read_volume(write_images(tmp_path / "a.h5", images))
    assert not frame.has_geometry
    np.testing.assert_allclose(np.linalg.norm(frame.ijk_to_ras[:3, :3], axis=0), [1.5, 1.25, 3.6], rtol=1e-5)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        list(open_series(path))
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def test_images_that_are_no_pictures_are_refused(tmp_path):
    data = pictures(1)
    phase = write_images(tmp_path / "phase.h5", stacks(data, image_type=ismrmrd.IMTYPE_PHASE))
    assert "magnitude" in refused(phase)
    coils = [an_image(np.ones((2, 1, ROWS, COLUMNS), np.float32), 0, 0)]
    assert "2 channels" in refused(write_images(tmp_path / "coils.h5", coils))
    volume = [an_image(np.ones((1, 4, ROWS, COLUMNS), np.float32), 0, 0)]
    assert "4 slices" in refused(write_images(tmp_path / "volume.h5", volume))
    assert "NaN" in refused(write_images(tmp_path / "nan.h5", stacks(data * np.nan)))
    flat = stacks(data)
    flat[0].field_of_view[1] = 0.0
    assert "field of view" in refused(write_images(tmp_path / "flat.h5", flat))


def test_a_missing_slice_is_told(tmp_path):
    assert "incomplete" in refused(write_images(tmp_path / "a.h5", stacks(pictures(2))[:-1]))


def test_two_series_of_images_are_refused_by_their_names(tmp_path):
    path = write_images(tmp_path / "a.h5", stacks(pictures(1)), "image_0")
    message = refused(write_images(path, stacks(pictures(1)), "image_1"))
    assert "image_0, image_1" in message


def test_damaged_image_files_are_refused(tmp_path):
    path = write_images(tmp_path / "a.h5", stacks(pictures(2)))
    with h5py.File(path, "a") as file:
        file["dataset/images/header"].resize(3, axis=0)
    assert "truncated" in refused(path)
    with h5py.File(path, "a") as file:
        del file["dataset/images/header"]
        file["dataset/images/header"] = np.zeros(6)
    assert "headers lack" in refused(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path)
