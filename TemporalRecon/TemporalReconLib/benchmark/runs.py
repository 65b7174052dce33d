"""What is compared: every method on every series, acceleration, mask, with and without planning scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from TemporalReconLib.acquisition.series import check_input
from TemporalReconLib.benchmark.bart_methods import BART_METHODS, bart_is_installed, check_bart
from TemporalReconLib.benchmark.test_set import TestSet
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import METHOD_NAMES, METHODS, check_method
from TemporalReconLib.weights.bundle import default_weights

ALL_METHODS = (*METHOD_NAMES, *BART_METHODS)


def available_methods(weights: Mapping[str, Path]) -> tuple[tuple[str, ...], dict[str, str]]:
    """All methods that can be compared on this machine, and those left out with the reason.

    Parameters
    ----------
    weights
        Given ones by method; a learned method without them needs those that come with the product.
    """
    left_out = {}
    for name, method in METHODS.items():
        if method.has_weights and name not in weights:
            try:
                default_weights(name)
            except InputError:
                left_out[name] = "no weights come with this software; give some with --weights"
    if not bart_is_installed():
        left_out |= dict.fromkeys(BART_METHODS, "BART is not installed: apt-get install bart")
    return tuple(name for name in ALL_METHODS if name not in left_out), left_out


@dataclass(frozen=True)
class Condition:
    """How a series is acquired."""

    acceleration: float
    mask: str


@dataclass(frozen=True)
class Run:
    """One method on one series under one condition.

    Attributes
    ----------
    planning
        Whether the method is given the fully sampled planning scan.
    """

    method: str
    series: int
    condition: Condition
    planning: bool


@dataclass(frozen=True)
class Plan:
    """All runs that were asked for.

    Attributes
    ----------
    planning
        True: with the planning scan; False: without.
    """

    test_set: TestSet
    methods: tuple[str, ...]
    accelerations: tuple[float, ...]
    masks: tuple[str, ...]
    planning: tuple[bool, ...]

    def check(self, weights: Mapping[str, Path]) -> None:
        """Refuse at once what would fail after hours.

        Raises
        ------
        InputError
            If there is no such method, weights belong to none of them, a series cannot be simulated as asked, or a
            background is missing or of an unknown kind.
        """
        for method in self.methods:
            if method in BART_METHODS:
                check_bart(method)
            else:
                check_method(method, weights.get(method))
        unused = sorted(method for method in weights if method not in self.methods or method in BART_METHODS)
        if unused:
            raise InputError(f"--weights: {', '.join(unused)} is not among the learned methods of --methods")
        for background in self.test_set.backgrounds:
            check_input(background)
        for acceleration, mask in product(self.accelerations, self.masks):
            self.test_set.config(0, acceleration, mask)

    def cases(self) -> list[tuple[int, Condition]]:
        """(series, condition) in the order they are run: one series after the other."""
        conditions = [Condition(*both) for both in product(self.accelerations, self.masks)]
        return list(product(range(self.test_set.n_series), conditions))

    def runs(self, series: int, condition: Condition) -> list[Run]:
        """All runs on the same simulated data."""
        return [Run(method, series, condition, given) for method, given in product(self.methods, self.planning)]

    @property
    def n_frames(self) -> int:
        """Frames of the longest series."""
        return max(map(self.test_set.frames_at, self.accelerations))

    @property
    def picture_series(self) -> int:
        """The series whose images are kept for the figures: on real anatomy if the set has any."""
        numbers = range(self.test_set.n_series)
        config = self.test_set.config
        return next((n for n in numbers if config(n, self.accelerations[0], self.masks[0]).background is not None), 0)

    def has_pictures(self, run: Run) -> bool:
        """Whether figures show this run: one series, under the first mask and the first choice of planning."""
        is_shown = run.condition.mask == self.masks[0] and run.planning == self.planning[0]
        return is_shown and run.series == self.picture_series
