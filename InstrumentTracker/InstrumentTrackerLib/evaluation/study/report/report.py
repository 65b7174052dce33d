"""The report of a study: one HTML page that opens offline, and its numbers beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from TemporalReconLib.acquisition.output_file import written_atomically

from InstrumentTrackerLib.evaluation.study.report.html_page import heading, page, paragraph, preformatted, table
from InstrumentTrackerLib.evaluation.study.report.number_tables import frames_csv, measures_csv, summary_json
from InstrumentTrackerLib.evaluation.study.report.reader_agreement import reader_agreement
from InstrumentTrackerLib.evaluation.study.report.reading_parts import reading_parts
from InstrumentTrackerLib.evaluation.study.report.reading_section import ReadingSection
from InstrumentTrackerLib.evaluation.study.report.reading_tables import readings_csv
from InstrumentTrackerLib.evaluation.study.report.section import Section, sections_of
from InstrumentTrackerLib.evaluation.study.report.section_parts import section_parts
from InstrumentTrackerLib.evaluation.study.report.verdict_text import verdict_lines
from InstrumentTrackerLib.evaluation.study.study import Study

REPORT_FILE = "report.html"
_LISTED = 500
_TITLE = "How fast is safe: tip finding at high acceleration"


def write_report(folder: Path, study: Study) -> list[str]:
    """Write ``report.html``, ``summary.json``, ``measures.csv`` and ``frames.csv``; returns the verdict lines.

    With readers also ``readings.csv``.
    """
    sections = sections_of(study.rows, study.config)
    agreements = [reader_agreement(section) for section in sections]
    readings = [ReadingSection(section, study.reading) for section in sections]
    texts = {
        "summary.json": summary_json(study, sections, agreements, readings),
        "measures.csv": measures_csv(sections, readings),
        "frames.csv": frames_csv(sections),
    }
    if study.reading.rows:
        texts["readings.csv"] = readings_csv(study.reading)
    parts = list(_head(study, sections))
    for section, agreement, read in zip(sections, agreements, readings, strict=True):
        parts += section_parts(section, agreement, study.journal, len(study.excluded))
        if read.rows:
            parts += reading_parts(section, read)
    parts += _tail(study)
    for name, text in ((REPORT_FILE, page(_TITLE, parts)), *texts.items()):
        with written_atomically(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    lines = [line for section in sections for line in verdict_lines(section)]
    return lines or ["Nothing can be concluded: no case could be used; report.html lists why."]


def _head(study: Study, sections: list[Section]) -> Iterator[str]:
    yield heading(1, _TITLE)
    yield paragraph(
        f"{study.provenance['software']}, research software, not a medical device. Fully sampled cases were "
        "undersampled, reconstructed and tracked as the product does it live; every frame is compared with the same "
        "frame fully sampled.",
        "note",
    )
    if not sections:
        yield paragraph("Nothing can be concluded: no case could be used.", "verdict")
    if len(sections) > 1:
        yield paragraph("Real and simulated cases are never pooled: each has a section of its own.", "note")


def _tail(study: Study) -> Iterator[str]:
    yield heading(2, f"Not part of the study: {len(study.excluded)}")
    if study.excluded:
        listed = [("", [each.patient, each.case, each.reason]) for each in study.excluded[:_LISTED]]
        yield table(["patient", "case", "reason"], listed)
    else:
        yield paragraph("Every case that was given took part with every run.")
    if len(study.excluded) > _LISTED:
        yield paragraph(f"and {len(study.excluded) - _LISTED} more in summary.json")
    yield heading(2, "How this was made")
    counts = Counter(row["method"] for row in study.rows)
    runs = ", ".join(f"{name} {count}" for name, count in counts.items())
    yield paragraph(
        f"Runs: {runs or 'none'}. Statistics: means by studentized bootstrap of patients, rates by Wilson's "
        "and differences of rates by Tango's interval at the effective number of frames; of several readers by two-way "
        "bootstrap over readers and patients."
    )
    yield preformatted(json.dumps(study.provenance, indent=1, ensure_ascii=False))
