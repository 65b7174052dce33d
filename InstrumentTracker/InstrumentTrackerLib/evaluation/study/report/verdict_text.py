"""What can be concluded from a section, and what cannot."""

from __future__ import annotations

import math
from collections.abc import Sequence

from InstrumentTrackerLib.evaluation.study.cases.study_case import SIMULATED
from InstrumentTrackerLib.evaluation.study.report.number_text import counted
from InstrumentTrackerLib.evaluation.study.report.section import Section, Tested
from InstrumentTrackerLib.evaluation.study.statistics.estimate import MIN_PATIENTS, Estimate
from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import Margins, Outcome

# Shape and word, so that no meaning hangs on a color.
SYMBOLS = {
    Outcome.NONINFERIOR: "✓",
    Outcome.NOT_SHOWN: "?",
    Outcome.WORSE: "✗",
    Outcome.NOT_TESTED: "-",
    Outcome.TOO_FEW: "-",
}


def verdict_lines(section: Section) -> list[str]:
    """One line per method and mask."""
    return [_line(section, tested) for tested in section.tested]


def limits(section: Section, n_excluded: int) -> list[str]:
    """What the verdict does not say."""
    margins = section.config.margins
    found = [
        "“Not shown” is not “worse”: the cases do not suffice to exclude a loss beyond the margins.",
        "Accelerations behind the first that is not shown are not tested, whatever their numbers look like. The error "
        "rate of 2.5 % holds for each method and mask by itself, not for all together.",
        f"A frame without a tip counts as an error of {margins.penalty_mm:g} mm; another penalty may lead to another "
        "verdict. The figures without failures stand beside it.",
        "Nothing is said of other methods, accelerations, orders of lines, scanners, needles or readers than these.",
    ]
    if section.origin == SIMULATED:
        found.insert(0, "Simulated cases say nothing about patients.")
    if "pictures" in section.data:
        found.insert(
            0,
            "Pictures were undersampled in retrospect: one coil, no raw noise, no motion within a frame. Raw data of a "
            "fast scan are harder.",
        )
    if n_excluded:
        left_out = counted(n_excluded, "case")
        found.append(
            f"{left_out} or runs took no part (listed below); if they are the hard ones, all figures are too good."
        )
    return found


def _line(section: Section, tested: Sequence[Tested]) -> str:
    first = tested[0].condition
    point = section.config.point
    n_patients = max(each.comparison.n_patients for each in tested)
    who = f"{section.origin.capitalize()} cases, {counted(n_patients, 'patient')}: {first.method} ({first.mask} mask)"
    passed = [each for each in tested if each.outcome is Outcome.NONINFERIOR]
    if tested[0].outcome is Outcome.TOO_FEW:
        return (
            f"{who}: no conclusion; {counted(n_patients, 'patient')} with a known {point} tip, at least "
            f"{MIN_PATIENTS} are needed."
        )
    if passed:
        highest = passed[-1]
        text = (
            f"{who} is noninferior to full sampling up to R = {highest.condition.acceleration:g} "
            f"({_numbers(highest, section.config.margins)})."
        )
    else:
        text = f"{who}: noninferiority to full sampling is shown at no acceleration."
    rest = tested[len(passed) :]
    if rest:
        word = "worse than the margins allow" if rest[0].outcome is Outcome.WORSE else rest[0].outcome.value
        text += f" R = {rest[0].condition.acceleration:g}: {word} ({_numbers(rest[0], section.config.margins)})."
    if len(rest) > 1:
        text += f" R = {', '.join(f'{each.condition.acceleration:g}' for each in rest[1:])}: not tested."
    return text


def _numbers(tested: Tested, margins: Margins) -> str:
    error, success = tested.comparison.penalized_mm, tested.comparison.success
    assert error is not None and success is not None
    return (
        f"tip error {error.value:+.2f} mm, {_ends(error, 1.0, 2)}, margin {margins.tip_error_mm:+.2f}; success "
        f"{100 * success.value:+.1f} points, {_ends(success, 100.0, 1)}, margin {-margins.success_points:+.1f}"
    )


def _ends(found: Estimate, scale: float, digits: int) -> str:
    assert found.low is not None and found.high is not None
    low, high = (f"{scale * end:+.{digits}f}" if math.isfinite(end) else "unbounded" for end in (found.low, found.high))
    return f"95 % interval {low} to {high}"
