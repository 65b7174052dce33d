"""Files of the ISMRMRD project's own generator (C++), reconstructed and compared with its own phantom."""

from __future__ import annotations

import shutil
import subprocess

import h5py
import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.acquisition.undersampling import undersample
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import kspace_to_image
from TemporalReconLib.geometry import spacing_of
from TemporalReconLib.mrd.client import send_mrd
from TemporalReconLib.mrd.server import MrdServer

GENERATOR = shutil.which("ismrmrd_generate_cartesian_shepp_logan")
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(GENERATOR is None, reason="needs Debian's ismrmrd-tools"),
]


def generate(path, *options: str):
    assert GENERATOR is not None
    subprocess.run([GENERATOR, *options, "-o", str(path)], check=True, capture_output=True, timeout=60)
    return path


@pytest.fixture(scope="module")
def undersampled(tmp_path_factory):
    options = ["-m", "256", "-c", "8", "-r", "5", "-a", "4", "-w", "20", "-n", "0.01"]
    return generate(tmp_path_factory.mktemp("mrd") / "sl_us.h5", *options)


def test_twenty_repetitions_become_frames_with_the_oversampling_removed(undersampled):
    series = open_series(undersampled)
    frame = series.frame(7)

    assert (len(series), series.image_shape) == (20, (1, 256, 256))
    assert (frame.n_coils, int(frame.mask.sum())) == (8, 79)
    assert series.frame_interval_s is None
    assert series.planning is None


def test_all_zero_directions_mean_no_geometry_but_true_sizes(undersampled):
    frame = open_series(undersampled).frame(0)
    assert not frame.has_geometry
    np.testing.assert_allclose(spacing_of(frame.ijk_to_ras), [300 / 256, 300 / 256, 6.0])


def test_interleaves_shift_from_frame_to_frame_around_a_common_center(undersampled):
    series = open_series(undersampled)
    rows = [set(np.flatnonzero(series.frame(index).mask[0])) for index in range(4)]
    assert set.union(*rows) == set(range(256))
    assert set.intersection(*rows) == set(range(118, 138))


def test_four_interleaves_together_show_the_generators_own_coil_images(tmp_path):
    path = generate(tmp_path / "sl.h5", "-m", "128", "-c", "4", "-r", "1", "-a", "4", "-w", "20", "-n", "0")
    series = open_series(path)
    frames = [series.frame(index) for index in range(4)]
    weight = np.sum([frame.mask for frame in frames], axis=0)[..., np.newaxis]
    full = kspace_to_image((np.sum([frame.data for frame in frames], axis=0) / weight).astype(np.complex64))[:, 0]
    with h5py.File(path, "r") as file:
        stored = file["dataset/coil_images"][0]
    truth = (stored["real"] + 1j * stored["imag"])[..., 64:192]

    scale = np.vdot(truth, full) / np.vdot(truth, truth)
    error = np.linalg.norm(full / scale - truth) / np.linalg.norm(truth)
    assert error < 1e-3


def test_a_fully_sampled_file_can_be_undersampled_and_an_undersampled_one_not(undersampled, tmp_path):
    full = open_series(generate(tmp_path / "sl.h5", "-m", "64", "-c", "4", "-r", "2"))
    assert full.frame(0).is_fully_sampled
    assert undersample(full, 8).frame(1).acceleration == pytest.approx(8.0)
    with pytest.raises(InputError, match="already undersampled"):
        undersample(open_series(undersampled), 8)


def test_a_noise_calibration_repetition_is_not_a_frame(tmp_path):
    series = open_series(generate(tmp_path / "sl.h5", "-m", "64", "-c", "4", "-r", "2", "-C"))
    assert all(frame.is_fully_sampled for frame in series)


def test_the_generators_file_played_as_a_stream_gives_the_frames_of_the_file_and_images_back(undersampled):
    frames = []

    def answer(frame):
        frames.append(frame)
        picture = np.linalg.norm(kspace_to_image(frame.data), axis=0)
        server.send_image(ImageFrame(picture.astype(np.float32), frame.ijk_to_ras, frame.index, has_geometry=False))

    with MrdServer(port=0, on_frame=answer) as server:
        reply = send_mrd(undersampled, port=server.port)
    series = open_series(undersampled)
    assert reply.is_closed_properly and reply.texts == []
    assert len(frames) == len(series) == 20
    for streamed, read in zip(frames, series, strict=True):
        np.testing.assert_array_equal(streamed.data, read.data)
        np.testing.assert_array_equal(streamed.mask, read.mask)
        assert not streamed.has_geometry
    last = np.linalg.norm(kspace_to_image(frames[-1].data), axis=0)
    np.testing.assert_allclose(np.squeeze(reply.images[-1].data), last[0], rtol=1e-5)
