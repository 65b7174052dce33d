"""The two penalties along time against textbook results, and frames that were never shown."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reconstruction_frames import acquire, coil_maps, smooth_object
from TemporalReconLib.networks.soft_threshold import soft_threshold
from TemporalReconLib.reconstruction.locally_low_rank import BLOCK, shrink_newest
from TemporalReconLib.reconstruction.registry import make_reconstructor


def random_images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(1))


def test_soft_threshold_shrinks_magnitudes_to_zero_at_most_and_keeps_phases():
    phase = np.exp(0.7j)
    values = torch.tensor([3.0 * phase, 1.0 * phase, 0.2 * phase, 0.0])
    np.testing.assert_allclose(soft_threshold(values, torch.tensor(0.5)), [2.5 * phase, 0.5 * phase, 0, 0], atol=1e-12)


def test_the_newest_image_of_a_block_is_that_of_its_shrunk_singular_values():
    images = random_images(4, 1, BLOCK, BLOCK)
    left, values, right = torch.linalg.svd(images.reshape(4, -1).T, full_matrices=False)
    threshold = 0.5 * float(values[1])
    shrunk = torch.cat([values[:1], (values[1:] - threshold).clamp_min(0)])
    expected = ((left * shrunk) @ right)[:, -1].reshape(1, BLOCK, BLOCK)
    np.testing.assert_allclose(shrink_newest(images, torch.tensor([threshold]), (0, 0)), expected, atol=1e-9)


def test_what_all_images_have_in_common_is_not_shrunk():
    weights = torch.tensor([1.0, -2.0, 0.5j])[:, None, None, None]
    images = weights * random_images(1, 2, 24, 16)
    newest = shrink_newest(images, torch.full((2,), 1e3), (3, 5))
    np.testing.assert_allclose(newest, images[-1], atol=1e-6)


@pytest.mark.parametrize("shift", [(0, 0), (5, 2)])
def test_without_a_threshold_images_of_any_size_stay_as_they_are(shift):
    images = random_images(3, 2, 19, 13)
    np.testing.assert_allclose(shrink_newest(images, torch.zeros(2), shift), images[-1], atol=1e-9)


def test_slices_are_shrunk_by_thresholds_of_their_own():
    images = random_images(3, 2, 16, 16)
    newest = shrink_newest(images, torch.tensor([0.0, 1e3]), (1, 1))
    np.testing.assert_allclose(newest[0], images[-1, 0], atol=1e-9)
    assert torch.linalg.vector_norm(newest[1] - images[-1, 1]) > 0.1 * torch.linalg.vector_norm(images[-1, 1])


def test_lines_of_frames_that_were_never_shown_are_in_the_next_image():
    shown = smooth_object() * np.sqrt((np.abs(coil_maps(4)) ** 2).sum(axis=0))

    def error_after(n_frames: int) -> float:
        method = make_reconstructor("compressed-sensing", "cpu")
        for n in range(n_frames):
            method.ingest(acquire(smooth_object(), 4, 4, n))
        return float(np.linalg.norm(method.reconstruct().data - shown) / np.linalg.norm(shown))

    assert error_after(3) < 0.5 * error_after(1)
