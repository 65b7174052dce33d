"""fastMRI files: their last axis is the undersampled one, ours is the rows."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from mrd_files import COLUMNS, ROWS, SLICES, header_xml, images, oversampled_kspace
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import kspace_to_image
from TemporalReconLib.geometry import spacing_of


def a_fastmri_file(path, kspace, mask=None, **changes):
    """``kspace`` (slice, coil, ky, kx); stored with phase encoding last, as fastMRI does."""
    with h5py.File(path, "w") as file:
        file["kspace"] = np.swapaxes(kspace, -1, -2)
        file["ismrmrd_header"] = header_xml(**changes).encode()
        if mask is not None:
            file["mask"] = mask
    return path


@pytest.fixture
def pictures():
    return images(1)[0].transpose(1, 0, 2, 3)  # (slice, coil, row, col)


def test_rows_are_the_phase_encoding_and_oversampling_is_gone(tmp_path, pictures):
    series = open_series(a_fastmri_file(tmp_path / "file1.h5", oversampled_kspace(pictures)))
    frame = series.frame(0)

    assert (len(series), series.image_shape, series.is_kspace) == (1, (SLICES, ROWS, COLUMNS), True)
    np.testing.assert_allclose(kspace_to_image(frame.data), pictures.transpose(1, 0, 2, 3), atol=1e-5)
    assert frame.is_fully_sampled
    assert not frame.has_geometry
    np.testing.assert_allclose(spacing_of(frame.ijk_to_ras), [1.5, 1.25, 3.0])


def test_the_mask_along_the_last_axis_says_which_rows_were_acquired(tmp_path, pictures):
    mask = np.arange(ROWS) % 4 == 0
    kspace = oversampled_kspace(pictures) * mask[:, np.newaxis]
    frame = open_series(a_fastmri_file(tmp_path / "file1.h5", kspace, mask)).frame(0)
    np.testing.assert_array_equal(frame.mask, np.tile(mask, (SLICES, 1)))
    assert not frame.data[:, :, ~mask].any()
    assert frame.acceleration == pytest.approx(4.0)


def test_a_single_coil_file_has_no_coil_axis(tmp_path, pictures):
    frame = open_series(a_fastmri_file(tmp_path / "file1.h5", oversampled_kspace(pictures[:, 0]))).frame(0)
    np.testing.assert_allclose(kspace_to_image(frame.data)[0], pictures[:, 0], atol=1e-5)


def test_the_slices_of_a_file_can_be_played_as_time(tmp_path, pictures):
    series = open_series(a_fastmri_file(tmp_path / "file1.h5", oversampled_kspace(pictures)), frames="slices")
    assert len(series) == SLICES
    np.testing.assert_allclose(kspace_to_image(series.frame(2).data)[:, 0], pictures[2], atol=1e-5)


def without(name):
    def spoil(file):
        del file[name]

    return spoil


def replaced(name, value):
    def spoil(file):
        del file[name]
        file[name] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without("ismrmrd_header"), "ismrmrd_header"),
        (without("kspace"), "expected ISMRMRD"),
        (replaced("kspace", np.ones((3, 4, 5))), "complex"),
        (replaced("kspace", np.ones((3, 4), dtype=np.complex64)), "shape"),
        (replaced("kspace", np.ones((2, 1, 3, 4, 5), dtype=np.complex64)), "shape"),
        (replaced("kspace", np.ones((0, 4, 5), dtype=np.complex64)), "shape"),
        (replaced("kspace", np.full((1, 20, 12), np.nan, dtype=np.complex64)), "NaN"),
        (replaced("mask", np.ones(5)), "mask"),
        (replaced("mask", np.zeros(ROWS)), "mask"),
        (replaced("ismrmrd_header", b"<html>"), "header"),
    ],
)
def test_a_spoiled_file_is_refused_with_its_name(tmp_path, pictures, spoil, reason):
    path = a_fastmri_file(tmp_path / "file1.h5", oversampled_kspace(pictures), np.ones(ROWS))
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(InputError, match=reason) as caught:
        open_series(path)
    assert "file1.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_header_is_refused_in_words_of_mri(tmp_path, pictures):
    path = a_fastmri_file(tmp_path / "file1.h5", oversampled_kspace(pictures))
    with h5py.File(path, "a") as file:
        del file["ismrmrd_header"]
    with pytest.raises(InputError, match="without 'ismrmrd_header', which states field of view") as caught:
        open_series(path)
    assert "synchronously" not in str(caught.value)
