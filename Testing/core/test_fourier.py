"""The centred orthonormal FFT is unitary, its own adjoint's inverse, and puts DC at N // 2."""

from __future__ import annotations

import numpy as np
import pytest
from TemporalReconLib.fourier import image_to_kspace, kspace_to_image

SHAPES = [(8, 8), (7, 9), (6, 5)]


def complex_noise(seed: int, shape: tuple) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (generator.normal(size=shape) + 1j * generator.normal(size=shape)).astype(np.complex64)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_inverse_is_the_adjoint(shape):
    x, y = complex_noise(1, (3, *shape)), complex_noise(2, (3, *shape))
    assert np.vdot(image_to_kspace(x), y) == pytest.approx(np.vdot(x, kspace_to_image(y)), rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_there_and_back_is_the_identity_and_keeps_the_energy(shape):
    image = complex_noise(3, shape)
    kspace = image_to_kspace(image)
    assert np.linalg.norm(kspace) == pytest.approx(np.linalg.norm(image), rel=1e-5)
    np.testing.assert_allclose(kspace_to_image(kspace), image, atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_constant_image_is_one_sample_at_the_center_of_kspace(rows, columns):
    kspace = image_to_kspace(np.ones((rows, columns), dtype=np.float32))
    expected = np.zeros((rows, columns))
    expected[rows // 2, columns // 2] = np.sqrt(rows * columns)
    np.testing.assert_allclose(kspace, expected, atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_point_at_pixel_half_of_the_matrix_has_no_phase_ramp(rows, columns):
    image = np.zeros((rows, columns), dtype=np.float32)
    image[rows // 2, columns // 2] = 1.0
    np.testing.assert_allclose(image_to_kspace(image), 1 / np.sqrt(rows * columns), atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_kspace_is_the_direct_fourier_sum(shape):
    rows, columns = shape
    image = complex_noise(4, shape)
    y, x = np.arange(rows) - rows // 2, np.arange(columns) - columns // 2
    direct = (
        np.exp(-2j * np.pi * np.outer(y, y) / rows) @ image @ np.exp(-2j * np.pi * np.outer(x, x) / columns)
    ) / np.sqrt(rows * columns)
    np.testing.assert_allclose(image_to_kspace(image), direct, atol=1e-5)
