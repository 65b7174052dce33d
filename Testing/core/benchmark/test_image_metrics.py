"""Figures of merit against numbers worked out by hand and by other means."""

import math

import numpy as np
import pytest
from scipy import ndimage
from TemporalReconLib.benchmark.metrics import least_squares_gain, nmse, psnr, region_around, ssim


def images(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = ndimage.gaussian_filter(generator.uniform(0, 1, (72, 60)), 2).astype(np.float32)
    return truth + 0.02 * generator.standard_normal(truth.shape).astype(np.float32), truth


def test_psnr_of_an_error_of_a_tenth_of_the_peak_everywhere_is_20_db() -> None:
    truth = np.full((8, 8), 3.0, np.float32)
    assert psnr(truth + 0.5, truth, peak=5.0) == pytest.approx(20.0, abs=1e-5)
    assert psnr(truth, truth, peak=5.0) == math.inf


def test_nmse_is_the_share_of_energy_that_is_wrong() -> None:
    truth = np.array([[3.0, 4.0]], np.float32)
    assert nmse(np.array([[3.0, 3.0]], np.float32), truth) == pytest.approx(1 / 25)
    assert nmse(np.zeros_like(truth), truth) == 1.0


def test_ssim_agrees_with_its_formula_written_out_with_another_library() -> None:
    image, truth = images()
    peak = 0.8

    def mean(values: np.ndarray) -> np.ndarray:
        # Gaussian of 1.5 pixels, 11 wide; only where the window fits.
        return ndimage.gaussian_filter(values.astype(np.float64), 1.5, radius=5)[5:-5, 5:-5]

    mean_1, mean_2 = mean(image), mean(truth)
    variance_1, variance_2 = mean(image**2) - mean_1**2, mean(truth**2) - mean_2**2
    covariance = mean(image * truth) - mean_1 * mean_2
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    expected = ((2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)) / (
        (mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2)
    )
    assert ssim(image, truth, peak) == pytest.approx(expected.mean(), abs=2e-4)
    assert ssim(truth, truth, peak) == pytest.approx(1.0)


def test_one_gain_for_a_series_takes_off_the_scale_and_nothing_else() -> None:
    _, truth = images()
    assert least_squares_gain([truth / 7, 2 * truth / 7], [truth, 2 * truth]) == pytest.approx(7.0, rel=1e-5)
    # A method that is right in one frame and doubles the next: the gain lies where the squares are least.
    gain = least_squares_gain([truth, 2 * truth], [truth, truth])
    assert gain == pytest.approx(3 / 5, rel=1e-5)
    assert least_squares_gain([np.zeros_like(truth)], [truth]) == 0.0


def test_the_tip_region_has_40_pixels_each_way_and_stays_inside() -> None:
    assert region_around(100.2, 80.7, (256, 256)) == (slice(80, 120), slice(61, 101))
    assert region_around(3.0, 250.0, (256, 256)) == (slice(0, 40), slice(216, 256))
    assert region_around(10.0, 10.0, (32, 64)) == (slice(0, 32), slice(0, 40))
