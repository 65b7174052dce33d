"""The quality signal: fitted on known data it says what is known; each failure does what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.networks.image_quality import QualityEvidence, QualityModel
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig
from TemporalReconLib.training.failures import FAILURES
from TemporalReconLib.training.quality_calibration import GOOD_BELOW, JudgedFrames, fit_quality, quality_figures


def frames_of_known_odds(seed: int, n: int = 4000) -> tuple[JudgedFrames, np.ndarray]:
    """Features whose odds of a good frame are known: exp(1 - 2 first - second)."""
    generator = np.random.default_rng(seed)
    features = generator.normal(0.0, 1.0, (n, 3))
    probability = 1.0 / (1.0 + np.exp(-(1.0 - 2.0 * features[:, 0] - features[:, 1])))
    good = generator.random(n) < probability
    errors = np.where(good, 0.5, 2.0) * GOOD_BELOW
    return JudgedFrames(features, errors, ("none",) * n), probability


def test_the_fit_finds_the_odds_that_made_the_data() -> None:
    frames, probability = frames_of_known_odds(0)
    model = fit_quality(frames)
    qualities = np.array([model.quality_of(row) for row in frames.features])
    assert np.abs(qualities - probability).mean() < 0.02
    assert model.bias == pytest.approx(1.0, abs=0.15)
    assert model.weights == pytest.approx((-2.0, -1.0, 0.0), abs=0.2)


def test_more_misfit_never_raises_the_quality() -> None:
    frames, _ = frames_of_known_odds(1)
    upside_down = JudgedFrames(-frames.features, frames.errors, frames.failures)
    assert all(weight <= 0.0 for weight in fit_quality(upside_down).weights)


def test_figures_agree_with_counting_by_hand() -> None:
    model = QualityModel(0.0, (-1.0, 0.0, 0.0), GOOD_BELOW)
    features = np.array([[-3.0, 0, 0], [-1.0, 0, 0], [1.0, 0, 0], [3.0, 0, 0]])
    errors = GOOD_BELOW * np.array([0.5, 2.0, 0.5, 2.0])
    figures = quality_figures(model, JudgedFrames(features, errors, ("none",) * 4))
    # Of the four pairs of a good and a bad frame only (1, -1) is in the wrong order.
    assert figures["area under ROC"] == pytest.approx(0.75)
    assert figures["bad frames marked"] == figures["good frames marked"] == 0.5
    certain, likely = 1 / (1 + np.exp(-3.0)), 1 / (1 + np.exp(-1.0))
    by_hand = (abs(certain - 1) + abs(likely - 0) + abs((1 - likely) - 1) + abs((1 - certain) - 0)) / 4
    assert figures["calibration error"] == pytest.approx(by_hand)


def test_evidence_of_groups_of_slices_adds_up() -> None:
    one = QualityEvidence(1.0, 10.0, 4.0, 2.0, 100.0, 1.0)
    assert (one + one).features == pytest.approx(one.features, abs=1e-5)
    worse = QualityEvidence(2.0, 10.0, 8.0, 4.0, 100.0, 1.0)
    assert np.subtract(worse.features, one.features) == pytest.approx([np.log(2)] * 3, abs=1e-3)


def test_a_model_survives_its_file() -> None:
    model = QualityModel(0.5, (-1.0, -2.0, -0.5), 0.1)
    assert QualityModel.from_json(model.as_json()) == model
    for wrong in ({"bias": 0.0}, model.as_json() | {"weights": [1.0]}, model.as_json() | {"bias": float("nan")}):
        with pytest.raises((KeyError, ValueError)):
            QualityModel.from_json(wrong)


@pytest.fixture(scope="module")
def frame() -> KSpaceFrame:
    return simulate_series(SimulationConfig(frames=2, n_slices=1, matrix=64, coils=4, seed=1, acceleration=4)).frame(1)


@pytest.mark.parametrize("failure", [item for item in FAILURES if item.disturb_frame], ids=lambda item: item.name)
def test_a_disturbed_frame_is_a_valid_frame_of_other_samples(frame: KSpaceFrame, failure) -> None:
    assert failure.disturb_frame is not None
    disturbed = failure.disturb_frame(np.random.default_rng(0), frame)
    assert disturbed.mask.sum() == frame.mask.sum()
    assert not disturbed.data[:, ~disturbed.mask].any()
    change = np.linalg.norm(disturbed.data - frame.data) / np.linalg.norm(frame.data)
    assert change > 0.1


def test_a_moved_patient_is_the_same_image_elsewhere(frame: KSpaceFrame) -> None:
    planning = simulate_series(SimulationConfig(frames=1, n_slices=1, matrix=64, coils=1, seed=1)).planning
    moved = next(item for item in FAILURES if item.name == "moved patient").disturb_planning
    assert planning is not None and moved is not None
    shifted = moved(np.random.default_rng(0), planning)
    assert np.abs(shifted.data) == pytest.approx(np.abs(planning.data), rel=1e-4, abs=1e-4)
    images = [np.abs(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(item.data[0, 0])))) for item in (planning, shifted)]
    correlation = np.abs(np.fft.ifft2(np.fft.fft2(images[1]) * np.fft.fft2(images[0]).conj()))
    found = np.array(np.unravel_index(correlation.argmax(), correlation.shape))
    distance = np.minimum(found, 64 - found)
    assert (distance >= 11).all() and (distance <= 26).all()
