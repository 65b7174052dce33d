"""The end of a profile, against steps whose place is known."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.masks.end_profile import fit_end, longest_run
from scipy.stats import norm

ALONG = np.arange(0.0, 60.0, 1.0)


def step(position, width, height=1.0, floor=0.0):
    return floor + height * norm.cdf((position - ALONG) / width)


@pytest.mark.parametrize("position", [30.0, 30.3, 30.5, 41.77])
@pytest.mark.parametrize("width", [0.4, 1.0, 3.0])
def test_the_end_of_a_clean_step_is_found_far_below_the_spacing(position, width):
    end = fit_end(ALONG, step(position, width, 0.9, 0.05), position + 1.5)
    assert end.position == pytest.approx(position, abs=0.06)
    assert end.height == pytest.approx(0.9, abs=0.06)
    if width >= 1.0:
        assert end.width_mm == pytest.approx(width, rel=0.1)


def test_the_stated_spread_covers_the_error_of_noisy_profiles():
    rng = np.random.default_rng(3)
    scores = []
    for _ in range(60):
        position = rng.uniform(25, 35)
        # Noise that is alike over 3 mm, as probabilities of neighboring pixels are.
        noise = np.convolve(rng.normal(0, 0.12, ALONG.size + 2), np.ones(3) / np.sqrt(3), "valid")
        end = fit_end(ALONG, np.clip(step(position, 1.2) + noise, 0, 1), position + rng.uniform(-2, 2))
        scores.append(((end.position - position) / end.std_mm) ** 2)
    assert 0.4 < np.mean(scores) < 2.5


def test_a_blunt_end_is_less_certain_than_a_sharp_one():
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.05, ALONG.size)
    sharp, blunt = (fit_end(ALONG, step(30, width) + noise, 30.0) for width in (0.8, 4.0))
    assert blunt.std_mm > 1.5 * sharp.std_mm


def test_without_a_step_there_is_no_end():
    assert fit_end(ALONG, np.full(ALONG.size, 0.4), 30.0) is None
    assert fit_end(ALONG, step(30, 1.0), 59.5) is None
    assert fit_end(ALONG[:5], step(30, 1.0)[:5], 3.0) is None


def test_a_dropout_is_bridged_and_a_blob_far_beyond_is_not_joined():
    profile = np.zeros(120)
    profile[10:70] = 1.0
    profile[40:52] = 0.0
    profile[95:103] = 1.0
    first, last, support = longest_run(profile)
    assert (first, last) == (10, 69)
    assert support == pytest.approx(0.5 * 48 - 0.5 * 12)
