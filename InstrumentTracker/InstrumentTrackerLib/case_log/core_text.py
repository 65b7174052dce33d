"""A core's values as a reader sees them."""

from __future__ import annotations

from datetime import datetime

from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.core_statistics import Spread

NOT_KNOWN = "\N{EN DASH}"


def local_time(time_s: float) -> str:
    """Hours, minutes and seconds of this computer's time zone."""
    return datetime.fromtimestamp(time_s).astimezone().strftime("%H:%M:%S")


def number(value: float | None, unit: str = "", digits: int = 1) -> str:
    """With its unit, or a dash."""
    if value is None:
        return NOT_KNOWN
    return f"{value:.{digits}f}{unit if unit.startswith(chr(176)) or not unit else ' ' + unit}"


def at_least(record: CoreRecord, value: float | None) -> str:
    """A distance in mm that may be larger where the tip was partly unknown."""
    text = number(value, "mm")
    return f"\N{GREATER-THAN OR EQUAL TO} {text}" if record.is_partly_unknown and value is not None else text


def percent(value: float | None) -> str:
    """Of 0..1, or a dash."""
    return NOT_KNOWN if value is None else f"{100 * value:.0f} %"


def depth_text(record: CoreRecord) -> str:
    """Millimeters and to which side."""
    if record.depth_mm is None:
        return NOT_KNOWN
    return f"{abs(record.depth_mm):.1f} mm {'short' if record.depth_mm >= 0 else 'past'}"


def verdict_text(record: CoreRecord) -> str:
    """The forecast in one word."""
    return record.verdict or NOT_KNOWN


def tip_text(record: CoreRecord) -> str:
    """Which tip, whether it was measured, and whether it had been fired; or why nothing was measured."""
    if not record.has_measurement:
        return f"not measured: {record.state}"
    about = " (predicted)" if record.state == "predicted" else ""
    return f"{record.tip_kind}{' fired' if record.has_fired else ''}{about}"


def spread_text(spread: Spread | None, unit: str) -> str:
    """Median with its interval, and the 95th percentile."""
    if spread is None:
        return NOT_KNOWN
    interval = "" if spread.interval is None else f" [{spread.interval[0]:.1f}, {spread.interval[1]:.1f}]"
    return f"{spread.median:.1f}{interval} / {number(spread.p95, unit)}"
