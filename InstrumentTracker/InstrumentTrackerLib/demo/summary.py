"""The figures of a run: what came through, how fast, how near the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.demo.live_run import LiveRun, ShownFrame


@dataclass(frozen=True)
class Truth:
    """Truth of a simulated case, by frame: guide and needle tip in RAS mm, None where not there.

    Attributes
    ----------
    target, entry
        RAS mm, or None.
    guide_tips, needle_tips
        By frame index.
    """

    target: list[float] | None
    entry: list[float] | None
    guide_tips: dict[int, list[float] | None]
    needle_tips: dict[int, list[float] | None]

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Read the simulator's truth JSON; raises InputError if it is something else."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            frames = {int(frame["index"]): frame for frame in content["frames"]}
            return cls(
                target=content.get("target"),
                entry=content.get("entry"),
                guide_tips={index: frame["guide_tip"] if frame["visible"] else None for index, frame in frames.items()},
                needle_tips={
                    index: frame["needle_tip"] if frame["visible"] else None for index, frame in frames.items()
                },
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not the simulator's truth JSON ({error})") from None


def summarize(run: LiveRun, n_sent: int, acceleration: float, truth: Truth | None) -> dict[str, Any]:
    """Counts, latency in ms and, with a truth, tip errors in mm; median and p95 with their number of frames.

    ``frames_dropped`` are frames whose samples were lost; ``pictures_skipped`` those whose samples were used while
    a newer picture was shown.
    """
    shown = run.shown
    states = [frame.tracked.state.value for frame in shown]
    result: dict[str, Any] = {
        "frames_sent": n_sent,
        "frames_received": len(shown),
        "frames_dropped": n_sent - run.n_used,
        "pictures_skipped": run.n_used - len(shown),
        "acceleration": round(acceleration, 2),
        "latency_ms": _statistics([1e3 * frame.latency_s for frame in shown]),
        "states": {state: states.count(state) for state in sorted(set(states))},
    }
    if truth is not None:
        result["simulated"] = True
        result["guide_tip_error_mm"] = _errors(shown, truth.guide_tips, "guide_tip")
        result["needle_tip_error_mm"] = _errors(shown, truth.needle_tips, "needle_tip")
    return result


def _errors(shown: Sequence[ShownFrame], tips: dict[int, list[float] | None], name: str) -> dict[str, Any]:
    """Error where found; ``missed`` counts frames where the tip was there and not found, ``false`` the reverse."""
    errors, missed, invented = [], 0, 0
    for frame in shown:
        true_tip, found = tips.get(frame.image.index), getattr(frame.tracked, name)
        if true_tip is not None and found is not None:
            errors.append(float(np.linalg.norm(np.asarray(true_tip) - found)))
        elif true_tip is not None:
            missed += 1
        elif found is not None:
            invented += 1
    return {**_statistics(errors), "missed": missed, "false": invented}


def _statistics(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"median": None, "p95": None, "n": 0}
    return {
        "median": round(float(np.median(values)), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "n": len(values),
    }


def table(summary: dict[str, Any]) -> str:
    """The summary as a few lines to read."""
    lines = [
        f"frames        sent {summary['frames_sent']}, shown {summary['frames_received']}, "
        f"skipped {summary['pictures_skipped']} (samples used, no picture), dropped {summary['frames_dropped']}"
        f"  (R = {summary['acceleration']:g})",
        f"latency       {_typical(summary['latency_ms'], 'ms')}  (last k-space line to scene)",
        "states        " + ", ".join(f"{state} {count}" for state, count in summary["states"].items()),
    ]
    for key, name in (("guide_tip_error_mm", "guide tip"), ("needle_tip_error_mm", "needle tip")):
        if key in summary:
            error = summary[key]
            lines.append(
                f"{name:<13} {_typical(error, 'mm')}  "
                f"(simulated; n {error['n']}, missed {error['missed']}, false {error['false']})"
            )
    return "\n".join(lines)


def _typical(statistics: dict[str, Any], unit: str) -> str:
    if not statistics["n"]:
        return "not measured"
    return f"median {statistics['median']} {unit}, p95 {statistics['p95']} {unit}"
