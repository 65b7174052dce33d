"""Retrospective undersampling keeps exactly the sampled lines of the true k-space."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import an_oblique_volume
from mrd_files import all_lines, images, write_mrd
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.acquisition.undersampling import undersample
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import kspace_to_image


def a_volume_file(tmp_path, image=None):
    path = tmp_path / "volume.nrrd"
    sitk.WriteImage(image if image is not None else an_oblique_volume(), str(path))
    return path


@pytest.mark.parametrize("kind", ["paper", "golden"])
def test_sampled_lines_are_those_of_the_picture_and_the_others_zero(tmp_path, kind):
    series = open_series(a_volume_file(tmp_path))
    frame = undersample(series, 3, kind, 5).frame(0)

    full = undersample(series, 1).frame(0)
    np.testing.assert_allclose(kspace_to_image(full.data)[0], series.frame(0).data, atol=1e-2)
    np.testing.assert_array_equal(frame.mask, sampling_mask(kind, 12, 4, 3, 0, 5))
    np.testing.assert_array_equal(frame.data, full.data * frame.mask[..., np.newaxis])
    assert frame.acceleration == pytest.approx(3.0)


def test_geometry_number_times_and_name_stay_with_the_frame(tmp_path):
    series = open_series(a_volume_file(tmp_path), "slices")
    for image, frame in zip(series, undersample(series, 2), strict=True):
        np.testing.assert_array_equal(frame.ijk_to_ras, image.ijk_to_ras)
        assert (frame.index, frame.stream_id, frame.has_geometry) == (image.index, image.stream_id, True)
        assert frame.acquisition_start_time == image.acquisition_start_time


def test_a_repeated_volume_draws_a_fresh_mask_each_time_the_same_for_the_same_seed(tmp_path):
    path = a_volume_file(tmp_path)
    masks = [frame.mask for frame in undersample(open_series(path, "repeat:4"), 3, "paper", 1)]
    again = [frame.mask for frame in undersample(open_series(path, "repeat:4"), 3, "paper", 1)]
    other = [frame.mask for frame in undersample(open_series(path, "repeat:4"), 3, "paper", 2)]
    assert len({mask.tobytes() for mask in masks}) == 4
    np.testing.assert_array_equal(masks, again)
    assert not np.array_equal(masks, other)


def test_a_complex_picture_keeps_its_phase(tmp_path):
    real, imaginary = (an_oblique_volume(seed, np.float32) for seed in (1, 2))
    path = a_volume_file(tmp_path, sitk.RealAndImaginaryToComplex(real, imaginary))
    frame = undersample(open_series(path), 1).frame(0)
    expected = sitk.GetArrayFromImage(real) + 1j * sitk.GetArrayFromImage(imaginary)
    np.testing.assert_allclose(kspace_to_image(frame.data)[0], expected, atol=1e-2)


def test_fully_sampled_raw_data_lose_lines_but_keep_coils_and_planning(tmp_path):
    pictures = images(2)
    path = write_mrd(tmp_path / "a.h5", all_lines(2), pictures)
    write_mrd(path, all_lines(1), pictures, group="planning")
    series = open_series(path)
    result = undersample(series, 4, "golden")

    assert result.frame(1).n_coils == 2
    assert result.frame(1).mask.sum(axis=1).tolist() == [3, 3, 3]
    assert result.planning is series.planning
    assert result.frame_interval_s == pytest.approx(0.1)


def test_an_already_undersampled_series_is_refused_at_once(tmp_path):
    lines = [line for line in all_lines(2) if line.row % 4 == 0]
    series = open_series(write_mrd(tmp_path / "a.h5", lines, images(2)))
    with pytest.raises(InputError, match=r"already undersampled \(R = 4.0\)"):
        undersample(series, 8)


@pytest.mark.parametrize(("acceleration", "kind"), [(0, "paper"), (13, "golden"), (4, "spiral")])
def test_an_impossible_request_is_refused_at_once(tmp_path, acceleration, kind):
    with pytest.raises(InputError):
        undersample(open_series(a_volume_file(tmp_path)), acceleration, kind)
