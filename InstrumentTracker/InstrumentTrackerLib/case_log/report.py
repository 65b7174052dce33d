"""The report of a case: one HTML document for paper and screen.

The page is built of plain tables and a few style rules, which browsers and Qt's text documents lay out alike. How
pictures and schemes get in is the caller's: as data in the file for browsers, as named resources for Qt.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.core_scheme import core_scheme, scheme_svg
from InstrumentTrackerLib.case_log.core_statistics import CoreStatistics, by_target
from InstrumentTrackerLib.case_log.core_text import (
    NOT_KNOWN,
    at_least,
    depth_text,
    local_time,
    number,
    percent,
    spread_text,
    tip_text,
    verdict_text,
)
from InstrumentTrackerLib.case_log.provenance import Provenance
from InstrumentTrackerLib.notice import NOTICE

# Of the pictures on paper, mm.
PICTURE_SIZE_MM, SCHEME_SIZE_MM = (56.0, 42.0), (34.0, 42.0)
# Pictures fit below the tables of this many cores; more of them begin a page, which holds so many.
_CARDS_WITH_TABLES, _CARDS_PER_PAGE = 6, 10
_NEW_PAGE = ' style="page-break-before: always"'

_STYLE = """
body { font-family: Arial, Helvetica, sans-serif; font-size: 11px; color: #1a1a1a; background-color: #ffffff; }
h1 { font-size: 19px; margin: 0px; }
h2 { font-size: 13px; margin-top: 10px; margin-bottom: 3px; }
p { margin-top: 2px; margin-bottom: 2px; }
th { text-align: left; font-weight: bold; font-size: 10px; }
td { font-size: 10px; }
.small { font-size: 9px; color: #444444; }
.value { white-space: nowrap; }
.notice { font-size: 11px; font-weight: bold; color: #8a1c00; }
.label { font-size: 12px; font-weight: bold; }
"""
_PRINT_STYLE = """
@page { size: A4; margin: 10mm; }
@media screen { body { width: 190mm; margin: 8mm auto; } }
table { border-collapse: collapse; }
.grid td, .grid th { border-bottom: 0.3mm solid #c8c8c8; }
.card { page-break-inside: avoid; }
img { max-width: 100%; }
"""

Drawer = Callable[[CoreRecord], str]


@dataclass(frozen=True)
class ReportCase:
    """What a report tells.

    Attributes
    ----------
    removed
        Removed cores with the reason.
    """

    name: str
    records: Sequence[CoreRecord]
    removed: Sequence[tuple[CoreRecord, str]] = ()
    provenances: Sequence[Provenance] = ()

    @classmethod
    def of(cls, log: CaseLog) -> ReportCase:
        """The case as it is now."""
        return cls(log.name, log.records, log.removed, log.provenances)


def html_report(case: ReportCase, picture: Callable[[CoreRecord], bytes | None]) -> str:
    """A file that needs no other: pictures (PNG) as data URIs, schemes as inline SVG, nothing from a network."""

    def picture_tag(record: CoreRecord) -> str:
        data = picture(record)
        if data is None:
            return ""
        encoded = base64.b64encode(data).decode("ascii")
        return (
            f'<img src="data:image/png;base64,{encoded}" alt="{escape(record.name)}" '
            f'style="max-width:{PICTURE_SIZE_MM[0]:g}mm; max-height:{PICTURE_SIZE_MM[1]:g}mm">'
        )

    def scheme_tag(record: CoreRecord) -> str:
        scheme = core_scheme(record)
        return "" if scheme is None else scheme_svg(scheme, *SCHEME_SIZE_MM)

    return compose_report(case, picture_tag, scheme_tag, _PRINT_STYLE)


def compose_report(case: ReportCase, picture: Drawer, scheme: Drawer, more_style: str = "") -> str:
    """The document.

    Parameters
    ----------
    picture, scheme
        Give the HTML that shows a core's picture and scheme, empty where there is none.
    more_style
        Style rules for those who understand more.
    """
    parts = [
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(case.name)}</title>'
        f"<style>{_STYLE}{more_style}</style></head><body>",
        _header(case),
        _summary(case.records),
        _core_table(case.records),
        _cards(case.records, picture, scheme),
        _removed(case.removed),
        _provenance(case.provenances),
        f'<p class="small">Report written {datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")}.</p>',
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part)


def _header(case: ReportCase) -> str:
    when = ""
    if case.records:
        begin = datetime.fromtimestamp(case.records[0].marked_at_s).astimezone()
        when = f"{begin.strftime('%Y-%m-%d')}, times in {begin.strftime('UTC%z')}"
    return (
        '<table width="100%" cellspacing="0" cellpadding="0"><tr>'
        f"<td><h1>{escape(case.name)}</h1><p>Biopsy cores and guidance. {when}</p></td>"
        f'<td align="right" valign="top"><p class="notice">{NOTICE}</p></td></tr></table>'
    )


def _summary(records: Sequence[CoreRecord]) -> str:
    rows = [_statistics_row("All cores", CoreStatistics.of(records))]
    targets = by_target(records)
    if len(targets) > 1:
        rows += [_statistics_row(name or "no target", found) for name, found in targets.items()]
    names = ("Cores", "Measured", "Hits", "Core to target", "Tip to target", "Sideways miss", "Depth", "Angle")
    head = "".join(f"<th>{name}</th>" for name in ("", *names))
    return (
        f'<h2>Summary</h2><table class="grid" width="100%" cellspacing="0" cellpadding="2"><tr>{head}</tr>'
        f"{''.join(rows)}</table>"
        '<p class="small">Errors when marked: median [95 % interval, from three cores on] / 95th percentile, in mm and '
        "degrees; depth without its sign. Hit: the core, as placed by the measured needle, comes within the target's "
        "radius of its middle with the safety margin; edge: without it; unsure: the tip's place through the picture is "
        "not known. A forecast, no histology. Hits above count edges.</p>"
    )


def _statistics_row(name: str, found: CoreStatistics) -> str:
    spreads = (found.core_miss_mm, found.distance_mm, found.lateral_mm, found.depth_mm, found.angle_deg)
    hits = f"{found.hits} of {found.n_judged}" if found.n_judged else NOT_KNOWN
    cells = [f"<b>{escape(name)}</b>", str(found.n), str(found.n_measured), hits]
    cells += [spread_text(spread, "") for spread in spreads]
    return "<tr>" + "".join(f'<td class="value">{cell}</td>' for cell in cells) + "</tr>"


def _core_table(records: Sequence[CoreRecord]) -> str:
    names = ("Core", "Time", "Target", "Tip", "Tip to target", "Sideways miss", "Depth", "Angle")
    more = ("Core to target", "Forecast", "P(hit)", "Confidence", "Frame")
    head = "".join(f"<th>{name}</th>" for name in (*names, *more))
    rows = []
    for record in records:
        cells = (
            f"<b>{record.number}</b>",
            local_time(record.marked_at_s),
            escape(record.target_name) or NOT_KNOWN,
            escape(tip_text(record)),
            at_least(record, record.distance_mm),
            at_least(record, record.lateral_mm),
            depth_text(record),
            number(record.angle_deg, "\N{DEGREE SIGN}"),
            at_least(record, record.core_miss_mm),
            f"<b>{verdict_text(record)}</b>",
            percent(record.probability),
            percent(record.confidence),
            NOT_KNOWN if record.frame is None else str(record.frame),
        )
        rows.append("<tr>" + "".join(f'<td class="value">{cell}</td>' for cell in cells) + "</tr>")
        if record.note:
            rows.append(f'<tr><td></td><td colspan="{len(cells) - 1}"><i>{escape(record.note)}</i></td></tr>')
    return (
        f'<h2>Cores</h2><table class="grid" width="100%" cellspacing="0" cellpadding="2"><tr>{head}</tr>'
        f"{''.join(rows)}</table>"
    )


def _cards(records: Sequence[CoreRecord], picture: Drawer, scheme: Drawer) -> str:
    cards = []
    for record in records:
        shown = [drawn for drawn in (picture(record), scheme(record)) if drawn]
        if shown:
            cells = "".join(f'<td valign="top">{drawn}</td>' for drawn in shown)
            caption = f'<span class="label">{escape(record.name)}</span> {escape(_caption(record))}'
            cards.append(
                f'<table cellspacing="0" cellpadding="1"><tr><td colspan="{len(shown)}">{caption}</td></tr>'
                f"<tr>{cells}</tr></table>"
            )
    if not cards:
        return ""
    is_long = len(records) > _CARDS_WITH_TABLES
    rows = []
    for index in range(0, len(cards), 2):
        pair = "".join(f'<td width="50%" valign="top">{card}</td>' for card in cards[index : index + 2])
        # Said in words that Qt understands, too; else a caption may stay on the page before its picture.
        begins_page = _NEW_PAGE if is_long and index > 0 and index % _CARDS_PER_PAGE == 0 else ""
        rows.append(
            f'<table class="card" width="100%" cellspacing="0" cellpadding="1"{begins_page}><tr>{pair}</tr></table>'
        )
    return f"<h2{_NEW_PAGE if is_long else ''}>When marked</h2>" + "".join(rows)


def _caption(record: CoreRecord) -> str:
    if record.core_miss_mm is None:
        return tip_text(record)
    return f"{verdict_text(record)}, core {at_least(record, record.core_miss_mm)} from the target's middle"


def _removed(removed: Sequence[tuple[CoreRecord, str]]) -> str:
    if not removed:
        return ""
    texts = (f"{record.name}, {local_time(record.marked_at_s)}: {reason}" for record, reason in removed)
    return f"<p><b>Removed:</b> {escape('; '.join(texts))}</p>"


def _provenance(provenances: Sequence[Provenance]) -> str:
    lines = []
    for found in provenances:
        known = found.to_dict()
        words = (f"{name.replace('_', ' ')} {value}" for name, value in known.items())
        lines.append(f'<p class="small"><b>Computed by</b> InBoreGuidance {escape(", ".join(words))}</p>')
    return "".join(lines) or '<p class="small"><b>Computed by</b> InBoreGuidance, details not known</p>'
