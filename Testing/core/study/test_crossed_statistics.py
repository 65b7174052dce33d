"""Readers and patients both drawn at random: intervals hold as often as they say, and know their limits."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean
from InstrumentTrackerLib.evaluation.study.statistics.crossed import (
    crossed_mean,
    crossed_rate,
    crossed_rate_difference,
)


def crossed(
    generator: np.random.Generator, n_readers: int, n_patients: int, reader_sd: float
) -> tuple[np.ndarray, ...]:
    """Readings with true mean 0: readers and patients differ, and each reading by itself."""
    readers, patients = generator.normal(0, reader_sd, n_readers), generator.normal(0, 0.5, n_patients)
    values = readers[:, None] + patients + generator.normal(0, 0.4, (n_readers, n_patients))
    grid = np.meshgrid(np.arange(n_readers), np.arange(n_patients), indexing="ij")
    return values.ravel(), grid[0].ravel(), grid[1].ravel()


@pytest.mark.parametrize(("n_readers", "reader_sd"), [(3, 0.1), (3, 0.4), (6, 0.3)])
def test_the_interval_of_a_mean_holds_for_other_readers_and_other_patients(n_readers: int, reader_sd: float) -> None:
    generator = np.random.default_rng(5)
    found = [crossed_mean(*crossed(generator, n_readers, 24, reader_sd)) for _ in range(120)]
    covered = np.mean([each.low <= 0 <= each.high for each in found])
    assert covered >= 0.89  # 95 % promised; three readers tell little of a large spread


def test_readers_that_differ_widen_the_interval_where_patients_alone_would_not_see_it() -> None:
    generator = np.random.default_rng(2)
    values, readers, patients = crossed(generator, 4, 30, 1.0)
    both, alone = crossed_mean(values, readers, patients), clustered_mean(values, patients)
    assert both.value == pytest.approx(alone.value) == pytest.approx(values.mean())
    assert both.high - both.low > 2 * (alone.high - alone.low)


def test_the_standard_error_is_that_of_the_two_way_analysis_of_variance() -> None:
    # Many of both: the bootstrap's correction for the interaction vanishes, Student's quantile is 1.98.
    generator = np.random.default_rng(3)
    values, readers, patients = crossed(generator, 40, 200, 0.5)
    found = crossed_mean(values, readers, patients)
    expected = np.sqrt(0.5**2 / 40 + 0.5**2 / 200 + 0.4**2 / 8000)
    assert (found.high - found.low) / 2 / 2.02 == pytest.approx(expected, rel=0.25)


def test_one_reader_is_as_without_readers_and_few_patients_have_no_interval() -> None:
    values = np.random.default_rng(0).normal(1, 1, 20)
    assert crossed_mean(values, np.ones(20), np.arange(20)) == clustered_mean(values, np.arange(20))
    few = crossed_mean([1.0, 2.0, 3.0, 4.0], [1, 1, 2, 2], ["a", "b", "a", "b"])
    assert (few.value, few.low, few.n_patients) == (2.5, None, 2)
    assert crossed_mean([], [], []) is None and crossed_rate([], [], []) is None
    assert crossed_rate_difference([], [], [], []) is None


def test_missing_readings_change_weights_not_the_meaning() -> None:
    values, readers, patients = crossed(np.random.default_rng(1), 3, 20, 0.2)
    kept = np.random.default_rng(4).random(values.size) < 0.8
    found = crossed_mean(values[kept], readers[kept], patients[kept])
    assert found.value == pytest.approx(values[kept].mean()) and found.low < found.value < found.high


def test_a_rate_that_never_failed_is_bounded_by_the_patients_not_by_the_readings() -> None:
    readers, patients = np.repeat(np.arange(5), 30), np.tile(np.arange(30), 5)
    every = crossed_rate(np.ones(150), readers, patients)
    # Wilson's bound of 30 of 30, with Student's quantile of 29 degrees of freedom.
    assert (every.low, every.high) == pytest.approx((30 / (30 + 2.045**2), 1.0), abs=1e-3)
    same = crossed_rate_difference(np.ones(150), np.ones(150), readers, patients)
    assert same.low < -0.05 and same.high > 0.05


def test_a_planted_loss_of_success_is_seen() -> None:
    generator = np.random.default_rng(8)
    readers, patients = np.repeat(np.arange(4), 60), np.tile(np.arange(60), 4)
    others = generator.random(240) < 0.95
    hits = others & (generator.random(240) < 0.6)
    found = crossed_rate_difference(hits, others, readers, patients)
    assert found.value == pytest.approx(hits.mean() - others.mean())
    assert found.low < found.value < found.high < -0.05
