"""The study's statistics against published examples, and against what they promise."""

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.statistics.agreement import intraclass_correlation, limits_of_agreement
from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean, clustered_quantile
from InstrumentTrackerLib.evaluation.study.statistics.rates import (
    clustered_rate,
    clustered_rate_difference,
    tango_interval,
    wilson_interval,
)


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    # Newcombe, Statistics in Medicine 17:857 (1998), table I.
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert wilson_interval(hits / n, n) == pytest.approx((low, high), abs=5e-5)


def test_tangos_interval_is_that_of_the_published_examples() -> None:
    # Airway hyper-responsiveness before and after transplantation, 1 against 7 discordant of 21 (Fagerland, Lydersen
    # and Laake, Statistics in Medicine 33:2850, 2014).
    assert tango_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)
    # Turned around it is the same interval.
    assert tango_interval(7, 1, 21) == pytest.approx((0.026, 0.517), abs=5e-4)


def test_differences_that_never_happened_are_bounded_by_the_number_of_pairs() -> None:
    # Zero of n: z2 / (n + z2), Wilson's bound.
    assert tango_interval(0, 0, 50) == pytest.approx((-0.0713, 0.0713), abs=1e-4)


def test_the_intraclass_correlation_is_that_of_shrout_and_fleiss() -> None:
    # Psychological Bulletin 86:420 (1979), table 2; ICC(2,1) = .29, interval as given by McGraw and Wong's formula.
    readings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = intraclass_correlation(readings)
    assert found is not None
    assert found.value == pytest.approx(0.29, abs=5e-3)
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=2e-3)


def test_readers_that_all_say_the_same_agree_wholly_and_too_few_say_nothing() -> None:
    same = intraclass_correlation([[1, 1], [5, 5], [9, 9]])
    assert same is not None and (same.value, same.low, same.high) == (1, 1, 1)
    assert intraclass_correlation([[1, 2], [2, 3]]) is None
    assert intraclass_correlation(np.ones((5, 2))) is None


def test_the_limits_of_agreement_are_those_of_bland_and_altman() -> None:
    # Lancet 327:307 (1986): peak expiratory flow by two meters, first readings.
    large = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    found = limits_of_agreement(large, mini, np.arange(17))
    assert found is not None
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    # The article takes two standard deviations of 38.8.
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(38.8, abs=0.05)


def skewed_study(generator: np.random.Generator, n_patients: int) -> tuple[np.ndarray, np.ndarray]:
    """Differences with mean 0 of which 5 % are failures worth 20 mm; patients differ in size and in difficulty."""
    sizes = generator.integers(4, 13, n_patients)
    patients = np.repeat(np.arange(n_patients), sizes)
    fails = generator.random(patients.size) < generator.beta(0.5, 9.5, n_patients)[patients]
    return generator.normal(0, 1, patients.size) + 20 * fails - 1.0, patients


def test_the_interval_of_a_mean_holds_as_often_as_it_says_where_failures_make_it_skewed() -> None:
    generator = np.random.default_rng(1)
    found = [clustered_mean(*skewed_study(generator, 30), n_resamples=999) for _ in range(300)]
    too_low = sum(each.high < 0 for each in found)  # such a study would call a method better than it is
    covered = sum(each.low <= 0 <= each.high for each in found)
    assert too_low <= 16  # 2.5 % would be 7.5; percentile bootstrap gives about 25
    assert covered >= 276  # 95 % would be 285


def test_quantiles_of_patients_hold_as_often_as_they_say() -> None:
    generator = np.random.default_rng(2)
    medians = []
    for _ in range(100):
        levels = generator.normal(2.0, 0.5, 40)
        values = generator.normal(np.repeat(levels, 6), 0.3)
        medians.append(clustered_quantile(values, np.repeat(np.arange(40), 6), 0.5, n_resamples=399))
    assert sum(each.low <= 2.0 <= each.high for each in medians) >= 88


def test_frames_of_a_patient_count_as_less_than_frames_of_many() -> None:
    hits = np.repeat([1] * 24 + [0] * 6, 10)
    alike = clustered_rate(hits, np.repeat(np.arange(30), 10))
    apart = clustered_rate(hits, np.arange(300))
    assert alike.value == apart.value == 0.8
    # Thirty patients that are all or nothing are thirty answers, not three hundred.
    low, high = wilson_interval(0.8, 30, 2.045)
    assert (alike.low, alike.high) == pytest.approx((low, high), abs=0.01)
    assert apart.high - apart.low < 0.45 * (high - low)


def test_a_study_without_any_failure_does_not_exclude_failures_it_was_too_small_to_see() -> None:
    every = np.ones(30)
    one_each = clustered_rate_difference(every, every, np.arange(30))
    assert one_each.low < -0.05
    many = clustered_rate_difference(np.ones(3000), np.ones(3000), np.repeat(np.arange(300), 10))
    assert many.low > -0.01


def test_one_patient_and_no_spread_give_a_defined_result() -> None:
    one = clustered_mean([1.0, 3.0], ["a", "a"])
    assert (one.value, one.low, one.high, one.n_patients) == (2.0, None, None, 1)
    still = clustered_mean(np.full(20, 0.7), np.arange(20))
    assert (still.low, still.high) == (still.value, still.value)
    assert clustered_mean([], []) is None
    assert clustered_quantile([], [], 0.5) is None
    assert clustered_rate([], []) is None
    # A single patient that is different: bootstrap sees too little of it to bound it.
    lone = clustered_mean([0.0] * 11 + [20.0], np.arange(12))
    assert lone.high == np.inf
