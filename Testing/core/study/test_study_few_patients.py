"""Few patients and few frames give a number and no claim about how sure it is."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.statistics.agreement import limits_of_agreement
from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean, clustered_quantile
from InstrumentTrackerLib.evaluation.study.statistics.estimate import MIN_INTERVAL_PATIENTS
from InstrumentTrackerLib.evaluation.study.statistics.rates import clustered_rate, clustered_rate_difference

VALUES = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 9.0])


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (lambda patients: clustered_mean(VALUES, patients), 4.0),
        (lambda patients: clustered_quantile(VALUES, patients, 0.5), 3.5),
        (lambda patients: clustered_rate(VALUES > 3, patients), 0.5),
        (lambda patients: clustered_rate_difference(VALUES > 3, VALUES > 8, patients), 2 / 6),
    ],
    ids=["mean", "median", "rate", "difference of rates"],
)
def test_five_patients_have_a_value_and_six_an_interval_around_it(estimate, expected) -> None:
    assert MIN_INTERVAL_PATIENTS == 6
    five = estimate(np.array([0, 1, 2, 3, 4, 4]))
    assert five.value == pytest.approx(expected)
    assert (five.low, five.high, five.n, five.n_patients) == (None, None, 6, 5)
    assert not five.has_interval
    six = estimate(np.arange(6))
    assert six.value == pytest.approx(expected)
    assert six.low < expected < six.high
    assert six.has_interval


def test_a_bound_at_infinity_is_no_interval() -> None:
    lone = clustered_mean([0.0] * 11 + [20.0], np.arange(12))
    assert lone.high == np.inf
    assert not lone.has_interval


def test_two_frames_show_no_agreement_and_three_do() -> None:
    assert limits_of_agreement([1.0, 2.0], [1.5, 2.5], [0, 1]) is None
    assert limits_of_agreement([], [], []) is None
    found = limits_of_agreement([1.0, 2.0, 4.0], [1.0, 1.0, 1.0], [0, 1, 2])
    assert found.bias.value == pytest.approx(4 / 3)
    half = 1.959964 * np.std([0.0, 1.0, 3.0], ddof=1)
    assert (found.low, found.high) == pytest.approx((4 / 3 - half, 4 / 3 + half), abs=1e-5)
