"""Wavelets, sensitivities, virtual coils and line history against their definitions."""

import numpy as np
import pytest
import torch
from reconstruction_frames import acquire, coil_maps, smooth_object
from TemporalReconLib.networks import haar
from TemporalReconLib.networks.line_age import NEVER
from TemporalReconLib.reconstruction.coil_sensitivities import compression_matrix, estimate_sensitivities
from TemporalReconLib.reconstruction.line_history import LineHistory, fft1c, hybrid_lines, ifft1c

CPU = torch.device("cpu")


def random_complex(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 37, 29)])
def test_without_threshold_the_wavelet_gives_the_image_back(shape):
    image = random_complex(*shape)
    result = haar.shrink_details(image, torch.zeros(shape[0]), (3, 5))
    torch.testing.assert_close(result, image, atol=1e-5, rtol=1e-5)


def test_a_large_threshold_keeps_block_means_only():
    image = random_complex(1, 16, 16)
    result = haar.shrink_details(image, torch.tensor([1e9]), (0, 0))
    torch.testing.assert_close(result[0, :8, :8], image[0, :8, :8].mean().expand(8, 8), atol=1e-5, rtol=1e-5)


def test_the_noise_level_is_that_of_the_noise_not_of_the_object():
    noise = 0.05 * random_complex(1, 128, 128)
    smooth = torch.from_numpy(smooth_object(128, 128, 1)).to(torch.complex64)
    assert float(haar.noise_level(smooth + noise)) == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("length", [8, 9])
def test_one_dimensional_transforms_are_unitary_and_adjoint(length):
    x, y = random_complex(3, length), random_complex(3, length, seed=1)
    torch.testing.assert_close(ifft1c(fft1c(x, -1), -1), x)
    forward = torch.vdot(fft1c(x, -1).flatten(), y.flatten())
    backward = torch.vdot(x.flatten(), ifft1c(y, -1).flatten())
    torch.testing.assert_close(forward, backward)


def test_estimated_sensitivities_agree_with_the_true_coils_inside_the_object():
    image = smooth_object(128, 128, 1)
    lines, mask = hybrid_lines(acquire(image, 6, noise=0.001), CPU)
    found = estimate_sensitivities(lines, mask)[:, 0].numpy()
    true = coil_maps(6, 128, 128)
    true /= np.linalg.norm(true, axis=0)
    agreement = np.abs((found.conj() * true).sum(axis=0))[image[0] > 0.1]
    assert np.percentile(agreement, 5) > 0.98
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1.0, atol=1e-4)


def test_virtual_coils_are_orthonormal_and_keep_the_energy_of_dependent_coils():
    mixing = random_complex(12, 3)
    samples = mixing @ random_complex(3, 500, seed=2)
    matrix = compression_matrix(samples, 3)
    torch.testing.assert_close(matrix @ matrix.conj().T, torch.eye(3, dtype=torch.complex64), atol=1e-5, rtol=1e-5)
    assert torch.linalg.norm(matrix @ samples) == pytest.approx(float(torch.linalg.norm(samples)), rel=1e-4)


def test_line_history_knows_the_age_of_every_line():
    history = LineHistory(1, (1, 4, 2), CPU)
    for rows in ([0, 1], [1], [3]):
        mask = torch.zeros((1, 4), dtype=torch.bool)
        mask[0, rows] = True
        history.add(torch.full((1, 1, 4, 2), complex(len(rows))), mask)
    assert history.age.tolist() == [[2, 1, NEVER, 0]]
    assert not history.is_complete
    assert history.lines[0, 0, :, 0].real.tolist() == [2.0, 1.0, 0.0, 1.0]
