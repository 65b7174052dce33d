"""Noise, SNR, CNR, noise power spectrum and d' against values that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.runs.noise_scores import SPECTRUM_BINS, noise_scores, noise_spectrum
from InstrumentTrackerLib.evaluation.study.runs.tip_channels import BESIDE_MM, N_RADIAL, channels, tip_channels
from InstrumentTrackerLib.evaluation.study.statistics.detectability import detectability
from scipy import ndimage
from TemporalReconLib.acquisition.image_frame import ImageFrame

SIZE, SIGMA = 128, 3.0


def flat(level: float = 100.0, slices: int = 4) -> np.ndarray:
    return np.full((slices, SIZE, SIZE), level, np.float32)


def white(seed: int, sigma: float = SIGMA, slices: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, (slices, SIZE, SIZE)).astype(np.float32)


def test_noise_and_snr_are_those_of_white_noise_on_a_flat_picture() -> None:
    reference = flat()
    found = noise_scores(reference + white(0), reference, None, (3.0, 1.0, 1.0))
    assert found["noise"] == pytest.approx(SIGMA / 100, rel=0.02)
    assert found["snr"] == pytest.approx(100 / SIGMA, rel=0.02)
    assert "cnr" not in found
    assert noise_scores(reference, reference, None, (3.0, 1.0, 1.0)) == {}, "no difference, no number"
    assert noise_scores(0 * reference, 0 * reference, None, (3.0, 1.0, 1.0)) == {}


def test_air_and_instrument_do_not_count_as_tissue() -> None:
    reference = flat()
    reference[:, :40] = 1.0  # air
    picture = reference + white(1)
    picture[:, :40] += 50 * white(2)[:, :40]
    instrument = np.zeros(reference.shape, bool)
    instrument[:, 80:100, 60:64] = True
    reference[instrument], picture[instrument] = 10.0, 10.0 + white(3)[instrument]
    found = noise_scores(picture, reference, instrument, (3.0, 1.0, 1.0))
    assert found["noise"] == pytest.approx(SIGMA / 100, rel=0.03)
    assert found["cnr"] == pytest.approx(90 / SIGMA, rel=0.05)


def test_the_spectrum_of_white_noise_is_flat_and_its_integral_the_variance() -> None:
    reference, pixel = flat(slices=40), (1.5, 1.0)
    spectrum = np.array(noise_spectrum(reference + white(4, slices=40), reference, pixel))
    assert spectrum.shape == (SPECTRUM_BINS,)
    np.testing.assert_allclose(spectrum, (SIGMA / 100) ** 2 * 1.5, rtol=0.15)


def test_the_spectrum_of_filtered_noise_is_that_of_the_filter() -> None:
    reference, width = flat(slices=60), 1.2
    noise = np.stack([ndimage.gaussian_filter(each, width, mode="wrap") for each in white(5, slices=60)])
    spectrum = np.array(noise_spectrum(reference + noise, reference, (1.0, 1.0)))
    frequencies = (np.arange(SPECTRUM_BINS) + 0.5) / SPECTRUM_BINS * 0.5
    expected = (SIGMA / 100) ** 2 * np.exp(-4 * np.pi**2 * width**2 * frequencies**2)
    low = slice(1, 8)  # higher up the window's side lobes are larger than what is left
    np.testing.assert_allclose(spectrum[low], expected[low], rtol=0.2)


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
def test_d_prime_of_a_known_signal_in_white_noise_is_its_length_over_sigma(distance: float) -> None:
    generator = np.random.default_rng(6)
    patients = np.repeat([f"p{n:03d}" for n in range(100)], 10)
    shape = channels()[0]
    signal = distance * SIGMA * shape
    patches = generator.normal(0, SIGMA, (2, 1000, shape.size))
    outputs = (patches + np.stack([signal, 0 * signal])[:, None]) @ channels().T
    found = detectability(outputs[0], outputs[1], patients, patients)
    assert found.value == pytest.approx(distance, abs=0.2)
    assert found.low - 0.15 <= distance <= found.high + 0.15


def test_correlated_noise_is_whitened() -> None:
    # Two channels, noise of correlation 0.8: Hotelling's d' of the difference is sqrt(s' K^-1 s).
    generator = np.random.default_rng(7)
    covariance, signal = np.array([[1.0, 0.8], [0.8, 1.0]]), np.array([1.0, -0.5])
    expected = np.sqrt(signal @ np.linalg.solve(covariance, signal))
    patients = np.repeat([f"p{n:03d}" for n in range(200)], 10)
    noise = generator.multivariate_normal([0, 0], covariance, (2, 2000))
    found = detectability(noise[0] + signal, noise[1], patients, patients)
    assert found.value == pytest.approx(expected, rel=0.06)


def test_too_few_patients_or_samples_have_no_d_prime() -> None:
    some = np.random.default_rng(0).normal(size=(100, 4))
    assert detectability(some, some, ["p"] * 100, ["p"] * 100) is None
    names = [f"p{n:02d}" for n in range(11)]
    assert detectability(some[:11], some[:11], names, names) is None


def test_channels_are_taken_at_the_tip_and_on_both_sides_and_know_where_the_line_ends() -> None:
    matrix = np.diag([1.0, 1.0, 3.0, 1.0])
    data = np.full((3, SIZE, SIZE), 10.0, np.float32)
    data[1, :64, 62:65] = 2.0  # a dark line along A that ends at (63, 63)
    image = ImageFrame(data, matrix)
    tip, axis = np.array([63.0, 63.5, 3.4]), np.array([0.0, 1.0, 0.0])
    found = tip_channels(image, 10.0, tip, axis)
    at, beside = np.array(found["tip_channels"]), np.array(found["beside_channels"])
    np.testing.assert_allclose(beside[0], channels() @ np.ones(channels().shape[1]), atol=1e-4)
    np.testing.assert_allclose(beside[0], beside[1], atol=1e-4)
    assert at[0] < beside[0][0] - 0.5, "darker"
    turned = np.array(tip_channels(image, 10.0, tip, -axis)["tip_channels"])
    np.testing.assert_allclose(turned[:N_RADIAL], at[:N_RADIAL], atol=0.02)
    np.testing.assert_allclose(turned[N_RADIAL:], -at[N_RADIAL:], atol=0.02)
    assert abs(at[N_RADIAL]) > 0.5
    near_edge = np.array([BESIDE_MM, 63.0, 3.0])
    assert tip_channels(image, 10.0, near_edge, axis) == {}
    assert tip_channels(image, 10.0, tip, np.array([0.0, 0.0, 1.0])) == {}, "through the plane there is no line"
    gram = channels() @ channels().T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=0.02)
