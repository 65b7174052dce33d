"""``reconstruct --uncertainty``: the expected error of every pixel as a sequence beside the images."""

from __future__ import annotations

import nrrd
import numpy as np


def test_the_uncertainty_is_written_as_a_sequence_like_that_of_the_images(console, case, tmp_path):
    images, errors = tmp_path / "images.seq.nrrd", tmp_path / "errors.seq.nrrd"
    options = ("--method", "temporal", "--device", "cpu", "--output", images, "--uncertainty", errors)
    done = console.run("temporal-recon", "reconstruct", case.path, *options)
    assert (done.code, done.lines, done.out) == (0, [], ""), done.err
    (pixels, header), (expected, error_header) = nrrd.read(str(images)), nrrd.read(str(errors))
    assert expected.shape == pixels.shape and expected.dtype == np.float32
    for field in ("space", "space origin", "kinds", "axis 3 index values", "DataNodeClassName"):
        assert np.array_equal(header[field], error_header[field])
    # In units of the image: not zero, and far less than the signal.
    assert expected.min() > 0.0 and expected.mean() < 0.5 * pixels.mean()


def test_a_method_without_uncertainty_says_so_and_writes_nothing(console, case, tmp_path):
    names = ("--output", tmp_path / "images.nrrd", "--uncertainty", tmp_path / "errors.nrrd")
    done = console.run("temporal-recon", "reconstruct", case.path, "--method", "zero-filled", *names)
    assert done.code == 2
    assert len(done.lines) == 1
    assert "--uncertainty" in done.lines[0] and "zero-filled" in done.lines[0] and "temporal" in done.lines[0]
    assert not any(tmp_path.iterdir())
