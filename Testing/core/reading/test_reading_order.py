"""The orders of a reading are counter-balanced, and the showings of a case are kept apart."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from InstrumentTrackerLib.reading.counterbalance import hash_order, reading_orders, williams_square
from TemporalReconLib.errors import InputError


@pytest.mark.parametrize("n", [2, 3, 4, 5, 9])
def test_in_a_williams_square_each_condition_stands_and_follows_equally_often(n: int) -> None:
    rows = williams_square(n)
    assert len(rows) == (n if n % 2 == 0 else 2 * n)
    for place in range(n):
        assert set(Counter(row[place] for row in rows).values()) == {len(rows) // n}
    followers = Counter(pair for row in rows for pair in pairwise(row))
    assert len(followers) == n * (n - 1) and set(followers.values()) == {len(rows) // n}


@pytest.mark.parametrize(("n_cases", "n_conditions"), [(2, 2), (7, 3), (12, 4), (30, 5), (5, 1)])
def test_each_reader_sees_each_case_in_every_condition_once_and_never_twice_in_a_row(
    n_cases: int, n_conditions: int
) -> None:
    for parts in reading_orders(n_cases, n_conditions, n_readers=6, seed=4):
        assert len(parts) == n_conditions
        showings = [showing for part in parts for showing in part]
        assert sorted(showings) == [(case, n) for case in range(n_cases) for n in range(n_conditions)]
        for part in parts:
            assert sorted(case for case, _ in part) == list(range(n_cases))
        for case in range(n_cases):
            places = [place for place, showing in enumerate(showings) if showing[0] == case]
            assert all(later - earlier > n_cases // 2 for earlier, later in pairwise(places))


@pytest.mark.parametrize("n_conditions", [3, 4])
def test_over_readers_every_condition_of_a_case_comes_equally_often_in_every_part(n_conditions: int) -> None:
    n_readers = 2 * n_conditions
    orders = reading_orders(24, n_conditions, n_readers, seed=1)
    for case in range(24):
        of_readers = [tuple(next(n for other, n in part if other == case) for part in parts) for parts in orders]
        for part in range(n_conditions):
            assert set(Counter(order[part] for order in of_readers).values()) == {2}
        followers = Counter(pair for order in of_readers for pair in pairwise(order))
        assert set(followers.values()) == {2} and len(followers) == n_conditions * (n_conditions - 1)


def test_over_the_cases_of_a_part_conditions_are_mixed_equally() -> None:
    for parts in reading_orders(24, 4, 3, seed=7):
        for part in parts:
            assert set(Counter(condition for _, condition in part).values()) == {6}


def test_the_seed_makes_the_same_lists_and_readers_differ() -> None:
    first, again, other = (reading_orders(10, 3, 2, seed) for seed in (5, 5, 6))
    assert first == again and first != other and first[0] != first[1]
    # The same forever, on any machine: published lists can be made again.
    assert hash_order(range(8), 0, "cases") == [3, 5, 6, 7, 0, 4, 2, 1]


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((1, 3, 2), "at least two"),
        ((0, 3, 2), "nothing to read"),
        ((5, 3, 0), "0 readers"),
        ((50_000, 3, 1), "more than"),
    ],
)
def test_what_cannot_be_read_is_refused(numbers: tuple[int, int, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        reading_orders(*numbers, seed=0)
