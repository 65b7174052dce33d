"""Numbers with their intervals in words."""

from __future__ import annotations

import math

from InstrumentTrackerLib.evaluation.study.report.measures import PERCENT, Measure
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Estimate

UNKNOWN = ""


def measure_cell(measure: Measure, found: Estimate | None) -> str:
    """As :func:`estimate_cell`; shares in percent."""
    return estimate_cell(found, 100.0 if measure.unit == PERCENT else 1.0, measure.digits)


def estimate_cell(found: Estimate | None, scale: float = 1.0, digits: int = 2, sign: str = "") -> str:
    """Value, and its interval on a second line; empty where it is not known."""
    return UNKNOWN if found is None else "\n".join(_parts(found, scale, digits, sign))


def estimate_text(found: Estimate, scale: float = 1.0, digits: int = 2, sign: str = "") -> str:
    """``1.55 (1.41 to 1.72)``; ``sign`` is ``+`` for differences."""
    value, interval = _parts(found, scale, digits, sign)
    return f"{value} ({interval})"


def _parts(found: Estimate, scale: float, digits: int, sign: str) -> tuple[str, str]:
    value = _number(scale * found.value, digits, sign)
    if found.low is None or found.high is None:
        return value, "too few patients"
    return value, f"{_number(scale * found.low, digits, sign)} to {_number(scale * found.high, digits, sign)}"


def _number(value: float, digits: int, sign: str) -> str:
    if math.isinf(value):
        return "unbounded"
    # No minus before a zero.
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}"


def counted(n: int, word: str) -> str:
    """``1 patient``, ``2 patients``."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
