"""What the section *Review* says."""

import html

import qt
from slicer.i18n import tr as _

from InstrumentTrackerLib.case_log.core_statistics import CoreStatistics
from InstrumentTrackerLib.case_log.core_text import (
    NOT_KNOWN,
    depth_text,
    local_time,
    number,
    percent,
    spread_text,
    verdict_text,
)
from InstrumentTrackerLib.case_log.marking import ShownGuidance, core_record
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target

_A_YEAR_S = 3e7


def showCases(table, cases):
    """One row of statistics for each case, and one for all where there are several."""
    rows = [(case.name, CoreStatistics.of(case.records)) for case in cases]
    if len(cases) > 1:
        rows.append((_("All cases"), CoreStatistics.of(core for case in cases for core in case.records)))
    table.setRowCount(len(rows))
    for row, (name, found) in enumerate(rows):
        for column, text in enumerate(_statisticsTexts(name, found)):
            table.setItem(row, column, qt.QTableWidgetItem(text))
    table.resizeColumnsToContents()


def _statisticsTexts(name, found):
    spreads = (found.core_miss_mm, found.distance_mm, found.lateral_mm, found.depth_mm)
    return (
        name,
        str(found.n),
        str(found.n_measured),
        _("{hits} of {n}").format(hits=found.hits, n=found.n_judged) if found.n_judged else NOT_KNOWN,
        *(spread_text(spread, "mm") for spread in spreads),
        spread_text(found.angle_deg, "\N{DEGREE SIGN}"),
    )


def frameText(frame, core, position, count):
    """A recorded moment in two lines: which one, and the tip against the target of a core, as rich text."""
    state = _("no pose recorded") if frame.tracked is None else frame.tracked.state.value
    # A series without a clock counts from 0; a live one states the time of day.
    time = local_time(frame.time_s) if frame.time_s > _A_YEAR_S else f"{frame.time_s:.2f} s"
    first = _("{position} of {count}: frame {index}, {time}, <b>{state}</b>").format(
        position=position + 1, count=count, index=frame.index, time=time, state=state
    )
    record = _recordOf(frame, core)
    if record is None or record.distance_mm is None:
        return first
    words = _(
        "{core}: tip to target {distance}, sideways miss {sideways}, depth {depth}; core {miss} ({verdict}{chance})"
    )
    return f"{first}<br>" + words.format(
        core=html.escape(core.name),
        distance=number(record.distance_mm, "mm"),
        sideways=number(record.lateral_mm, "mm"),
        depth=depth_text(record),
        miss=number(record.core_miss_mm, "mm"),
        verdict=verdict_text(record),
        chance="" if record.probability is None else f", {percent(record.probability)}",
    )


def _recordOf(frame, core):
    """The tip of a moment against target and needle of a core; None without one of them."""
    if frame.tracked is None or core is None or core.target is None:
        return None
    needle = None
    if core.throw_mm is not None:
        needle = BiopsyNeedle(core.throw_mm, core.notch_mm, core.dead_tip_mm)
    target = Target(core.target, core.entry, core.target_name, core.target_radius_mm)
    return core_record(1, frame.time_s, ShownGuidance(frame.tracked, None, 0.0, 1.0, target, needle))


def errorText(error):
    """What is wrong, as rich text."""
    return f"\N{MULTIPLICATION X} <b>{html.escape(str(error))}</b>"


def writtenText(path):
    """Which file was written, as rich text."""
    return _("Written: {path}").format(path=html.escape(str(path)))
