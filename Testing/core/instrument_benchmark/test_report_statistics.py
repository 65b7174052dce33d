"""The report's statistics against cases with a known answer."""

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.frame_statistics import (
    Rate,
    expected_calibration_error,
    lag_of,
    mean_with_bound,
    reliability,
)


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    # Newcombe, Statistics in Medicine 17:857 (1998), table I, score method without continuity correction.
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert Rate(hits, n).interval == pytest.approx((low, high), abs=5e-5)
    assert Rate(1, 29).interval == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_a_rate_of_nothing_is_no_rate() -> None:
    assert Rate(0, 0).share is None
    assert Rate(0, 0).interval is None


def test_the_bound_of_a_mean_widens_when_frames_of_a_series_are_alike() -> None:
    generator = np.random.default_rng(0)
    levels = generator.normal(2.0, 0.6, 20)
    series = np.repeat(np.arange(20), 24)
    alike = mean_with_bound(np.repeat(levels, 24), series)
    independent = mean_with_bound(generator.permutation(np.repeat(levels, 24)), series)
    # Twenty independent values, not 480: the standard error is that of the twenty levels.
    assert alike.upper - alike.mean == pytest.approx(1.96 * levels.std() / np.sqrt(20), rel=0.1)
    assert independent.upper - independent.mean < 0.35 * (alike.upper - alike.mean)
    assert alike.mean == pytest.approx(levels.mean())
    assert (alike.median, alike.n) == (pytest.approx(np.median(levels)), 480)


def test_the_bound_holds_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(20):
        sizes = generator.integers(10, 30, 25)
        values = np.concatenate([generator.normal(1.5, 0.5) + generator.normal(0, 0.3, n) for n in sizes])
        covered += mean_with_bound(values, np.repeat(np.arange(25), sizes)).upper > 1.5
    assert covered >= 17  # 97.5 % would be 19.5 of 20


def test_one_series_has_a_mean_and_no_bound_and_no_values_have_neither() -> None:
    one = mean_with_bound([1.0, 3.0], [7, 7])
    assert (one.mean, one.upper) == (2.0, None)
    assert mean_with_bound([], []) is None


def test_few_series_or_a_single_odd_one_bound_nothing_and_none_is_claimed() -> None:
    assert mean_with_bound([1.0, 2.0, 3.0, 4.0, 5.0], np.arange(5)).upper is None
    assert mean_with_bound([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], np.arange(6)).upper > 4.5
    odd = mean_with_bound([0.0] * 11 + [20.0], np.arange(12))
    assert (odd.mean, odd.upper) == (pytest.approx(20 / 12), None)


def test_a_perfectly_calibrated_forecaster_has_no_calibration_error() -> None:
    generator = np.random.default_rng(2)
    stated = generator.uniform(0, 1, 40_000)
    honest = reliability(stated, generator.uniform(size=stated.size) < stated)
    assert len(honest) == 10
    assert expected_calibration_error(honest) < 0.012
    for each in honest:
        low, high = each.right.interval
        assert low - 0.01 < each.confidence < high + 0.01


def test_a_boaster_is_found_out_by_how_much_it_boasts() -> None:
    generator = np.random.default_rng(3)
    stated = generator.uniform(0.3, 1, 40_000)
    boasting = reliability(stated, generator.uniform(size=stated.size) < stated - 0.25)
    assert expected_calibration_error(boasting) == pytest.approx(0.25, abs=0.02)
    assert expected_calibration_error(reliability(np.ones(50), np.ones(50))) == 0.0
    assert expected_calibration_error([]) is None


@pytest.mark.parametrize("lag", [0.0, 0.4, 1.5])
def test_the_lag_of_a_track_that_lags_is_found_in_noise_and_among_failures(lag: float) -> None:
    generator = np.random.default_rng(4)
    speeds = generator.choice([0.0, 1.0, 2.0, 7.0], 200)
    errors = 0.3 - lag * speeds + generator.normal(0, 0.5, 200)
    errors[::10] += generator.choice([-30.0, 30.0], 20)  # something else was found
    found = lag_of(speeds, errors)
    assert found.frames == pytest.approx(lag, abs=0.08)
    assert found.interval[0] <= lag <= found.interval[1]
    assert found.n == 200


def test_no_lag_is_stated_where_nothing_moves() -> None:
    assert lag_of(np.full(50, 3.0), np.zeros(50)) is None
    assert lag_of([0.0, 5.0], [0.0, -2.0]) is None
