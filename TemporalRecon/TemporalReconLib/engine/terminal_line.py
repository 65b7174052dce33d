"""How the engine is, as one line for who started it at a terminal."""

from __future__ import annotations

import math

from TemporalReconLib.engine.health import HealthReport


def terminal_line(report: HealthReport) -> str:
    """State, frames, pictures and latency; reasons are given where something is not as it should be."""
    parts = [f"{report.state}: {report.arrived} frames in, {report.shown} pictures out"]
    parts += [
        f"{number} {word}"
        for number, word in (
            (report.skipped, "skipped"),
            (report.rejected, "could not be used"),
            (report.paused, "ignored while stopped"),
            (report.foreign, "of another sender left out"),
        )
        if number
    ]
    if not math.isnan(report.latency_ms_median):
        parts.append(f"latency {report.latency_ms_median:.0f} ms (median), {report.latency_ms_p95:.0f} ms (p95)")
    line = ", ".join(parts)
    return f"{line}; {report.reason}" if report.reason else line
