"""The goals, each with the number that was measured: passed, failed, or not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from TemporalReconLib.benchmark.bart_methods import BART_METHODS
from TemporalReconLib.benchmark.summary import TIP_ERROR, TIP_PSNR, Group, Metric, Setting, Summary
from TemporalReconLib.reconstruction.registry import METHODS

OURS, PUBLISHED = "temporal", "bcrnn"
RIVALS = (*(name for name in METHODS if name != OURS), *BART_METHODS)
MARGIN_AT, MARGIN_DB = 16.0, 3.0
LOSS_FROM, LOSS_TO, LOSS_MM = 8.0, 32.0, 0.7
GMAC_RATIO = 1 / 50

PASS, FAIL, NOT_MEASURED = "PASS", "FAIL", "NOT MEASURED"


@dataclass(frozen=True)
class Verdict:
    """One goal.

    Attributes
    ----------
    goal
        What was asked for.
    outcome
        :data:`PASS`, :data:`FAIL` or :data:`NOT_MEASURED`.
    found
        The number, and where it is worst.
    """

    goal: str
    outcome: str
    found: str

    @property
    def line(self) -> str:
        return f"{self.outcome}: {self.goal}: {self.found}"


@dataclass(frozen=True)
class Margin:
    """How far ours is ahead of one rival in one setting."""

    value: float
    rival: str
    setting: Setting

    def __str__(self) -> str:
        return f"{self.value:+.2f} dB over {self.rival} ({self.setting.title})"


def verdicts(summary: Summary, methods: Mapping[str, Mapping[str, Any]]) -> list[Verdict]:
    """Every goal in turn.

    Parameters
    ----------
    methods
        What is known of each method: ``causal`` and ``gmac``.
    """
    causal = {name for name, facts in methods.items() if facts["causal"]}
    return [
        *(_ahead_of_all(summary, acceleration) for acceleration in summary.accelerations),
        _ahead_of_causal(summary, causal),
        _loss_of_tip(summary),
        _operations(methods),
    ]


def difference(first: Group, second: Group, metric: Metric) -> float | None:
    """Difference of the medians over the frames that both have; None if there are none."""
    mine, other = first.values(metric.key), second.values(metric.key)
    common = sorted(mine.keys() & other.keys())
    if not common:
        return None
    return float(np.median([mine[place] for place in common]) - np.median([other[place] for place in common]))


def _change(high: Group, low: Group, metric: Metric) -> float | None:
    """Difference of the medians over the series that both have; None if there are none.

    In series of so many seconds the same frame of another acceleration is another moment: every frame counts.
    """
    mine, other = high.values(metric.key), low.values(metric.key)
    common = {series for series, _ in mine} & {series for series, _ in other}
    if not common:
        return None
    medians = [np.median([x for (series, _), x in values.items() if series in common]) for values in (mine, other)]
    return float(medians[0] - medians[1])


def _margins(summary: Summary, acceleration: float) -> list[Margin]:
    """Over every rival in every setting of an acceleration, the narrowest first."""
    found = []
    for setting, groups in summary.groups.items():
        if setting.acceleration != acceleration or OURS not in groups:
            continue
        for rival, group in groups.items():
            value = difference(groups[OURS], group, TIP_PSNR)
            if rival != OURS and value is not None:
                found.append(Margin(value, rival, setting))
    return sorted(found, key=lambda margin: margin.value)


def _ahead_of_all(summary: Summary, acceleration: float) -> Verdict:
    goal = f"R = {acceleration:g}: {OURS} ahead of every other method at the tip"
    margins = _margins(summary, acceleration)
    missing = sorted(set(RIVALS) - {margin.rival for margin in margins})
    if margins and margins[0].value <= 0:
        return Verdict(goal, FAIL, str(margins[0]))
    if not margins or missing:
        narrowest = f"narrowest of the others {margins[0]}; " if margins else ""
        return Verdict(goal, NOT_MEASURED, f"{narrowest}no results of {', '.join(missing)}")
    return Verdict(goal, PASS, f"narrowest {margins[0]}")


def _ahead_of_causal(summary: Summary, causal: set[str]) -> Verdict:
    goal = f"R = {MARGIN_AT:g}: {OURS} ahead of the best other causal method at the tip by {MARGIN_DB:g} dB"
    margins = [margin for margin in _margins(summary, MARGIN_AT) if margin.rival in causal]
    if not margins:
        return Verdict(goal, NOT_MEASURED, f"no results of {OURS} and another causal method")
    return Verdict(goal, PASS if margins[0].value >= MARGIN_DB else FAIL, f"narrowest {margins[0]}")


def _loss_of_tip(summary: Summary) -> Verdict:
    goal = f"{OURS} loses at most {LOSS_MM:g} mm of median tip error from R = {LOSS_FROM:g} to {LOSS_TO:g}"
    losses = []
    for (mask, planning), _ in summary.sections().items():
        low, high = (summary.groups.get(Setting(mask, planning, r), {}).get(OURS) for r in (LOSS_FROM, LOSS_TO))
        loss = None if low is None or high is None else _change(high, low, TIP_ERROR)
        if loss is not None:
            losses.append((loss, Setting(mask, planning, LOSS_TO).title))
    if not losses:
        return Verdict(goal, NOT_MEASURED, f"no results of {OURS} at both accelerations")
    loss, where = max(losses)
    return Verdict(goal, PASS if loss <= LOSS_MM else FAIL, f"largest {loss:+.2f} mm ({where})")


def _operations(methods: Mapping[str, Mapping[str, Any]]) -> Verdict:
    goal = f"{OURS} takes at most 1/{1 / GMAC_RATIO:.0f} of the operations of {PUBLISHED}"
    mine, published = (methods.get(name, {}).get("gmac") for name in (OURS, PUBLISHED))
    if not mine or not published:
        return Verdict(goal, NOT_MEASURED, f"operations of {OURS} and {PUBLISHED} are not both known")
    found = f"{mine:.2f} against {published:.1f} GMAC per frame, 1/{published / mine:.0f}"
    return Verdict(goal, PASS if mine / published <= GMAC_RATIO else FAIL, found)
