"""What the engine records of an image stream is an INPUT again."""

from __future__ import annotations

import nrrd
import numpy as np
import pytest
from TemporalReconLib.__main__ import main
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.engine.recorder import FrameRecord, Recorder

GEOMETRY = np.array([[0, -1.5, 0, 10], [1.25, 0, 0, -20], [0, 0, 3.6, 30], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("n_slices", [1, 3])
def test_a_recorded_image_stream_replays_picture_by_picture_in_its_place(tmp_path, n_slices):
    data = np.random.default_rng(2).random((4, n_slices, 24, 32)).astype(np.float32)
    recorder = Recorder(tmp_path)
    recorder.start()
    for index, pixels in enumerate(data):
        recorder.frame(FrameRecord(ImageFrame(pixels, GEOMETRY, index + 7), 100.0 + index, "shown", is_used=True))
    recorder.stop(30.0)
    (path,) = tmp_path.glob("*_images.h5")

    series = open_series(path)
    assert len(series) == 4
    for frame, pixels in zip(series, data, strict=True):
        np.testing.assert_array_equal(frame.data, pixels)
        np.testing.assert_allclose(frame.ijk_to_ras, GEOMETRY, atol=1e-5)

    output = tmp_path / "again.seq.nrrd"
    words = ["reconstruct", str(path), "--output", str(output), "--method", "zero-filled", "--device", "cpu"]
    assert main([*words, "--acceleration", "1"]) == 0
    again = np.moveaxis(nrrd.read(str(output))[0], -1, 0).transpose(0, 3, 2, 1)
    assert again.shape == data.shape
    assert np.corrcoef(again.ravel(), data.ravel())[0, 1] > 0.999


def test_a_recorded_image_keeps_its_phase(tmp_path):
    generator = np.random.default_rng(4)
    pixels = generator.normal(size=(3, 2, 16, 12, 2)).astype(np.float32).view(np.complex64)[..., 0]
    images = [ImageFrame(np.abs(pixels[n]), GEOMETRY, n, complex_data=pixels[n]) for n in range(3)]
    plain = ImageFrame(np.abs(pixels[0]), GEOMETRY, 3)
    recorder = Recorder(tmp_path)
    recorder.start()
    for image in (*images, plain):
        recorder.frame(FrameRecord(image, 100.0, "shown", is_used=True))
    recorder.stop(30.0)
    with_phase, without = sorted(tmp_path.glob("*_images.h5"))
    for image, again in zip(images, open_series(with_phase), strict=True):
        np.testing.assert_array_equal(again.complex_data, image.complex_data)
        np.testing.assert_allclose(again.ijk_to_ras, GEOMETRY, atol=1e-5)
    assert open_series(without).frame(0).complex_data is None
