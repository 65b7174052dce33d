"""Planted effects: the comparison says what was planted, and stays silent where it cannot know."""

from collections import Counter

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.statistics.estimate import MIN_PATIENTS
from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import (
    Comparison,
    Margins,
    Outcome,
    Pairs,
    compare,
    in_sequence,
)
from planted_studies import BETTER_BUT_FAILING, EQUAL, WORSE, planted_pairs

N_STUDIES = 60


@pytest.mark.parametrize(
    ("effect", "is_right"),
    [
        (EQUAL, lambda outcome: outcome is Outcome.NONINFERIOR),
        (WORSE, lambda outcome: outcome in (Outcome.WORSE, Outcome.NOT_SHOWN)),
        (BETTER_BUT_FAILING, lambda outcome: outcome in (Outcome.WORSE, Outcome.NOT_SHOWN)),
    ],
)
def test_planted_effects_get_the_right_verdict_in_95_of_100_studies(effect, is_right) -> None:
    outcomes = Counter(compare(planted_pairs(seed, effect), Margins()).outcome for seed in range(N_STUDIES))
    right = sum(count for outcome, count in outcomes.items() if is_right(outcome))
    assert right >= 0.95 * N_STUDIES, outcomes


def test_a_better_tip_does_not_hide_failures() -> None:
    comparison = compare(planted_pairs(3, BETTER_BUT_FAILING), Margins())
    assert comparison.found_mm.high < 0  # where it finds the tip it is better beyond doubt
    assert comparison.penalized_mm.value > 0 and comparison.success.value < -0.05


def at_the_margin(seed: int) -> Pairs:
    """Exactly 1.0 mm worse, 30 patients."""
    generator = np.random.default_rng(seed)
    reference = np.abs(generator.normal(1.5, 0.5, (30, 8)))
    shift = 1.0 + generator.normal(0, 0.6, (30, 1))
    method = reference + shift + generator.normal(0, 0.5, (30, 8))
    return Pairs(method.ravel(), reference.ravel(), np.repeat(np.arange(30).astype(str), 8))


def test_a_method_at_the_margin_passes_about_once_in_forty_studies() -> None:
    n = 200
    # All are successes, so that the tip error alone decides.
    margins = Margins(success_mm=50.0)
    passed = sum(compare(at_the_margin(seed), margins).penalized_mm.high < 1.0 for seed in range(n))
    assert passed <= 0.06 * n


def test_accelerations_behind_the_first_that_is_not_shown_are_not_tested() -> None:
    def with_outcome(outcome: Outcome) -> Comparison:
        return Comparison(None, None, None, 30, 300, outcome)

    sequence = [Outcome.NONINFERIOR, Outcome.NOT_SHOWN, Outcome.NONINFERIOR]
    assert in_sequence([with_outcome(each) for each in sequence]) == [
        Outcome.NONINFERIOR,
        Outcome.NOT_SHOWN,
        Outcome.NOT_TESTED,
    ]


def test_one_patient_all_failures_and_no_pairs_are_defined() -> None:
    few = MIN_PATIENTS - 1
    assert compare(planted_pairs(0, EQUAL, few), Margins()).outcome is Outcome.TOO_FEW
    assert compare(planted_pairs(0, EQUAL, 1), Margins()).outcome is Outcome.TOO_FEW
    nothing = Pairs(np.array([]), np.array([]), np.array([], dtype=str))
    assert compare(nothing, Margins()).outcome is Outcome.TOO_FEW
    patients = np.repeat(np.arange(20).astype(str), 5)
    failing = compare(Pairs(np.full(100, np.nan), np.ones(100), patients), Margins())
    assert failing.outcome is Outcome.WORSE
    assert failing.found_mm is None and failing.penalized_mm.value == 19.0


def test_equal_results_of_enough_patients_are_noninferior_without_any_spread() -> None:
    patients = np.repeat(np.arange(100).astype(str), 5)
    same = compare(Pairs(np.full(500, 1.2), np.full(500, 1.2), patients), Margins())
    assert same.outcome is Outcome.NONINFERIOR
    assert same.penalized_mm.high == 0.0
