"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from TemporalReconLib.benchmark.verdict import Verdict

from InstrumentTrackerLib.benchmark.registry import CONTENDERS, NEEDLE_ONLY, PRODUCT
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.evaluation.frame_statistics import Lag, Mean, Rate
from InstrumentTrackerLib.evaluation.scores import SUCCESS_MM, Scores
from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM

_NOTES = """\
All series are **simulated**; nothing here was measured in a patient, and published figures of patients are no
comparison. Every contender sees the same pictures, except that R = 1 is a noisy fully sampled picture of one moment.

- *Tip errors* are distances in 3D between what is reported and the truth in the middle of the frame's acquisition,
  over the frames in which both exist; *in plane* leaves out the distance through the slices.
- *Within 5 mm* and *within 3 mm* are over all frames that show the guide tip; a frame without numbers has failed.
- *Once found*: of the frames that show the guide after the first in which its tip is reported within 5 mm; how many
  frames pass until then stands under *Time*.
- *False alarms* are frames without the guide tip in the slices for which a position is reported all the same, a
  predicted one too.
- *95 % upper*: upper end of the two-sided 95 % interval of the mean, by a studentized bootstrap that draws whole
  series; not stated with fewer than six series, or where they bound nothing. Rates have 95 % intervals by Wilson, as
  if frames were independent, which within a series they are not.
- *Calibration*: confidence against the share of guide tips within 3 mm, over frames with numbers; a position without
  an instrument counts as wrong. The expected calibration error weights ten bins by their frames.
- *Lag*: minus the slope (Theil and Sen) of the error along the axis over the true advance per frame, during steady
  advance; in frame intervals, with its 95 % interval.
- *Depth over bound*: typical depth error of the needle tip in the last frame of a series over the Cramer-Rao bound of
  that frame's samples (axis and background known); several frames together may do better than 1.
- *Shot*: the needle is fired 20 mm within one frame; frames from the first that shows it until the reported needle
  tip is within 5 mm of the true one."""

Column = tuple[str, Callable[[Scores], str]]


def markdown(facts: Sequence[str], summary: Summary, outcome: Sequence[Verdict], left_out: Mapping[str, str]) -> str:
    """The whole report.

    Parameters
    ----------
    facts
        Lines that say on what was measured.
    left_out
        Contenders that were not run, and why.
    """
    lines = ["# Finding the instrument", "", *(f"- {fact}" for fact in facts), "", _NOTES, "", "## Goals", ""]
    lines += ["| goal | | measured |", "|---|---|---|"]
    lines += [f"| {verdict.goal} | **{verdict.outcome}** | {verdict.found} |" for verdict in outcome]
    lines += ["", "## Contenders", ""]
    lines += [f"- `{name}`: {CONTENDERS[name]}" for name in summary.contenders]
    lines += [f"- `{name}`: left out: {reason}" for name, reason in left_out.items()]
    for title, columns in _TABLES.items():
        lines += ["", f"## {title}"]
        for acceleration, group in summary.scores.items():
            shown = {name: scores for name, scores in group.items() if title != _GUIDE or name != NEEDLE_ONLY}
            lines += ["", f"### R = {acceleration:g}", "", *_table(columns, shown)]
    lines += ["", f"## States and false alarms of `{PRODUCT}`", "", *_states(summary)]
    return "\n".join(lines) + "\n"


def percent(rate: Rate) -> str:
    """``98.1 % (96.0 to 99.1)``; empty without frames."""
    interval = rate.interval
    if interval is None or rate.share is None:
        return ""
    return f"{100 * rate.share:.1f} % ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def _mean(mean: Mean | None) -> str:
    if mean is None:
        return ""
    return f"**{mean.mean:.2f}**" + ("" if mean.upper is None else f" ({mean.upper:.2f})")


def _quantiles(mean: Mean | None) -> str:
    return "" if mean is None else f"{mean.median:.2f}; {mean.p95:.2f}"


def lag_text(lag: Lag | None) -> str:
    """``0.31 (0.22 to 0.40)``; empty where it is not known."""
    if lag is None:
        return ""
    return f"{lag.frames:.2f}" + ("" if lag.interval is None else f" ({lag.interval[0]:.2f} to {lag.interval[1]:.2f})")


def _counted(frames: Sequence[int | None]) -> str:
    """``2 x 0, 1 x 3, 1 x never``."""
    known = [number for number in frames if number is not None]
    never = len(frames) - len(known)
    counts = ", ".join(f"{known.count(number)} x {number}" for number in sorted(set(known)))
    return counts + (f"{', ' if counts else ''}{never} x never" if never else "")


def _ratio(scores: Scores) -> str:
    ratio = scores.ratio_to_bound
    return "" if ratio is None else f"{ratio:.1f}"


def _calibration_error(scores: Scores) -> str:
    error = scores.calibration_error
    return "" if error is None else f"{error:.3f}"


_GUIDE = "Guide tip (mm)"
_TABLES: dict[str, Sequence[Column]] = {
    _GUIDE: (
        ("mean (95 % upper)", lambda s: _mean(s.guide)),
        ("median; p95", lambda s: _quantiles(s.guide)),
        ("in plane, mean", lambda s: _mean(s.mean("guide_in_plane_mm"))),
        ("found", lambda s: percent(s.found)),
        (f"within {SUCCESS_MM:g} mm", lambda s: percent(s.within(SUCCESS_MM))),
        (f"within {CLOSE_MM:g} mm", lambda s: percent(s.within(CLOSE_MM))),
        (f"within {SUCCESS_MM:g} mm once found", lambda s: percent(s.kept)),
        ("false alarms", lambda s: percent(s.false_alarms)),
    ),
    "Needle tip (mm) and axis (deg)": (
        ("needle tip, mean (95 % upper)", lambda s: _mean(s.needle)),
        ("median; p95", lambda s: _quantiles(s.needle)),
        ("in plane, mean", lambda s: _mean(s.mean("needle_in_plane_mm"))),
        ("needle found", lambda s: percent(s.needle_found)),
        ("needle reported while in the guide", lambda s: percent(s.needle_invented)),
        ("depth over bound", _ratio),
        ("axis, mean (95 % upper)", lambda s: _mean(s.axis)),
        ("median; p95", lambda s: _quantiles(s.axis)),
    ),
    "Confidence": (
        ("guide tip within 3 mm where confidence >= 0.9", lambda s: percent(s.sure_and_right)),
        ("frames", lambda s: str(s.sure_and_right.n)),
        ("needle tip within 3 mm there", lambda s: percent(s.sure_and_right_needle)),
        ("expected calibration error", _calibration_error),
    ),
    "Time": (
        ("lag of the guide tip (frames)", lambda s: lag_text(s.lag("guide"))),
        ("lag of the needle tip (frames)", lambda s: lag_text(s.lag("needle"))),
        ("frames to find the guide", lambda s: _counted(s.frames_to_find)),
        ("frames to follow a shot", lambda s: _counted(s.frames_to_follow)),
        ("ms per frame of three slices: median; p95", lambda s: f"{s.ms[0]:.0f}; {s.ms[1]:.0f}"),
    ),
}


def _table(columns: Sequence[Column], group: Mapping[str, Scores]) -> list[str]:
    lines = [_row("contender", [title for title, _ in columns]), "|---" * (len(columns) + 1) + "|"]
    return lines + [_row(f"`{name}`", [cell(scores) for _, cell in columns]) for name, scores in group.items()]


def _states(summary: Summary) -> list[str]:
    found = {r: scores for r in summary.accelerations if (scores := summary.of(r, PRODUCT)) is not None}
    if not found:
        return ["No results."]
    states, causes = (list(getattr(next(iter(found.values())), name)) for name in ("states", "false_alarms_by_cause"))
    lines = [
        "States where the guide tip is in the slices; then positions reported where it is not, by cause.",
        "",
        _row("R", [*states, *causes]),
        "|---" * (len(states) + len(causes) + 1) + "|",
    ]
    for acceleration, scores in found.items():
        cells = [percent(scores.states[state]) for state in states]
        cells += [f"{rate.hits} of {rate.n}" for rate in scores.false_alarms_by_cause.values()]
        lines.append(_row(f"{acceleration:g}", cells))
    return lines


def _row(name: str, cells: Sequence[str]) -> str:
    return "| " + " | ".join([name, *cells]) + " |"
