"""In which order each reader sees each case in each condition.

A reading has as many parts as there are conditions; in each part a reader sees every case once. Which condition comes
in which part follows a Williams square (Williams, Aust J Sci Res A 2:149, 1949): over the readers, every condition
stands equally often in every part and follows every other one equally often, and so it does over the cases of a part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeVar

from TemporalReconLib.errors import InputError

Item = TypeVar("Item")
# (case, condition), numbers from 0.
Showing = tuple[int, int]
Part = tuple[Showing, ...]

MAX_SHOWINGS = 100_000


def hash_order(items: Iterable[Item], *words: object) -> list[Item]:
    """A shuffle that is the same on every machine and in every version of Python: by SHA256 of words and item."""
    return sorted(items, key=lambda item: hashlib.sha256("|".join(map(repr, (*words, item))).encode()).digest())


def williams_square(n_conditions: int) -> list[tuple[int, ...]]:
    """Orders of conditions in which each stands once in every place; the mirrored ones follow for odd numbers.

    Over all of them each condition follows each other one equally often.
    """
    # 0, 1, n - 1, 2, n - 2, ...
    first = [0, *((place + 1) // 2 if place % 2 else n_conditions - place // 2 for place in range(1, n_conditions))]
    rows = [tuple((each + shift) % n_conditions for each in first) for shift in range(n_conditions)]
    return rows if n_conditions % 2 == 0 or n_conditions == 1 else rows + [row[::-1] for row in rows]


def reading_orders(n_cases: int, n_conditions: int, n_readers: int, seed: int) -> list[list[Part]]:
    """Parts of each reader, in order.

    Between two showings of a case lie at least ``n_cases // 2`` other pictures.

    Raises
    ------
    InputError
        If there are too few cases to keep the showings of a case apart, no reader, or too much for anyone to read.
    """
    if n_readers < 1:
        raise InputError(f"{n_readers} readers: expected at least 1")
    if n_cases < 1 or n_conditions < 1:
        raise InputError("nothing to read: no case can be shown in every condition")
    if n_conditions > 1 and n_cases < 2:
        raise InputError("one case alone would be shown several times in a row; give at least two")
    if n_cases * n_conditions > MAX_SHOWINGS:
        raise InputError(f"{n_cases} cases in {n_conditions} conditions: more than {MAX_SHOWINGS} pictures to read")
    rows = williams_square(n_conditions)
    cases = hash_order(range(n_cases), seed, "cases")
    group = {case: place for place, case in enumerate(cases)}
    # Who comes in the first half of a part does so in all parts, which keeps the showings of a case apart.
    halves = (cases[: n_cases // 2], cases[n_cases // 2 :])
    orders = []
    for reader in range(n_readers):
        parts: list[Part] = []
        for number in range(n_conditions):
            order = [case for half in halves for case in hash_order(half, seed, reader, number)]
            parts.append(tuple((case, _row(rows, n_conditions, group[case], reader)[number]) for case in order))
        orders.append(parts)
    return orders


def _row(rows: list[tuple[int, ...]], n_conditions: int, group: int, reader: int) -> tuple[int, ...]:
    """Both group and reader go through the square first and its mirror image next."""
    shift = (group + reader) % n_conditions
    is_mirrored = len(rows) > n_conditions and (group // n_conditions + reader // n_conditions) % 2
    return rows[shift + n_conditions * int(is_mirrored)]
