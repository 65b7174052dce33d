"""The posterior over a needle's depth, against likelihoods that are written down by hand."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.samples.sample_band import SampleBand
from InstrumentTrackerLib.localization.samples.sample_course import RADIUS_MM
from InstrumentTrackerLib.localization.samples.sample_information import OpacityInformation
from InstrumentTrackerLib.localization.samples.sample_void import VoidPosterior, void_posterior

TIP_MM = 18.0


def posterior_of(nats: float, needle_mm: float | None) -> VoidPosterior:
    """Of a dark stretch from the guide to 18 mm that explains the samples better than none by so many nats."""
    along, across = np.meshgrid(np.arange(3.0, 50.0), np.arange(-8.0, 9.0), indexing="ij")
    band = SampleBand(0, np.tile(np.arange(17), (47, 1)), along, across)
    dark = ((np.abs(across) < RADIUS_MM) & (along < TIP_MM)).astype(np.float32)
    weight = np.float32(nats / dark.sum())
    information = np.tile(weight * np.eye(17, dtype=np.float32), (47, 1, 1))
    return void_posterior([(OpacityInformation(weight * dark, information, 1.0), 1.0)], band, needle_mm)


@pytest.mark.parametrize(("nats", "believed"), [(5.0, False), (20.0, False), (120.0, True)])
def test_where_no_needle_is_known_little_that_looks_like_one_is_none(nats: float, believed: bool) -> None:
    posterior = posterior_of(nats, None)
    assert (posterior.probability.sum() > 0.5) == believed


def test_the_depth_of_a_known_needle_is_told_by_less() -> None:
    posterior = posterior_of(60.0, 15.0)
    likeliest = posterior.depth[posterior.probability.sum(axis=0).argmax()]
    assert likeliest == pytest.approx(TIP_MM, abs=1.0)
    assert posterior.probability_within(likeliest, 3.0) > 0.9


def test_more_evidence_is_stated_as_less_variance() -> None:
    few, many = (posterior_of(nats, TIP_MM).moments(TIP_MM, 3.0)[1][0, 0] for nats in (200.0, 400.0))
    assert many < 0.75 * few
