"""What readers marked, as HTML."""

from __future__ import annotations

from collections.abc import Iterator

from InstrumentTrackerLib.evaluation.study.report.html_page import heading, paragraph, table
from InstrumentTrackerLib.evaluation.study.report.measures import Measure
from InstrumentTrackerLib.evaluation.study.report.number_text import UNKNOWN, counted, estimate_cell, measure_cell
from InstrumentTrackerLib.evaluation.study.report.reader_agreement import AXES
from InstrumentTrackerLib.evaluation.study.report.reading_section import ALL_READERS, READER_MEASURES, ReadingSection
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Condition, Section
from InstrumentTrackerLib.evaluation.study.report.section_parts import (
    agreement_parts,
    comparison_table,
    measure_title,
)


def reading_parts(section: Section, readings: ReadingSection) -> Iterator[str]:
    """Heading, tables and plots of a reader study."""
    yield heading(3, f"Readers: {counted(len(readings.readers), 'reader')}, {counted(len(readings.rows), 'reading')}")
    yield paragraph(
        "Readers marked the tip in blinded pictures in an order of their own, or said that it cannot be seen, and how "
        "sure they were. What a reader says not to see counts as a failure. Intervals of all readers hold for other "
        "readers and other patients: both are resampled (two-way bootstrap), with Student's quantile for few readers. "
        "Those of one reader hold for this reader alone.",
        "note",
    )
    open_lists = [
        f"reader {reader} has read {done} of {count}"
        for reader, (done, count) in readings.answered.items()
        if done < count
    ]
    if open_lists:
        yield paragraph(
            f"Not finished: {', '.join(open_lists)}. Conditions are not balanced over what is missing.", "verdict"
        )
    if readings.n_other:
        yield paragraph(
            f"{counted(readings.n_other, 'reading')} of conditions that this study does not have are left out."
        )
    yield _measure_table(section, readings)
    if readings.tested:
        who = ALL_READERS if len(readings.readers) > 1 else f"reader {readings.readers[0]}"
        yield paragraph(
            f"Against what the same readers marked in the fully sampled pictures ({who}; margins and order of "
            "testing as above):"
        )
        yield comparison_table(readings.tested)
    if readings.agreement is not None:
        yield heading(3, "Agreement of the readers")
        yield _agreement_table(readings)
        yield from agreement_parts(section, readings.agreement)


def _measure_table(section: Section, readings: ReadingSection) -> str:
    known = [
        measure
        for measure in READER_MEASURES
        if any(found[measure] is not None for found in readings.measures.values())
    ]
    rows, previous = [], None
    for (reader, condition), found in readings.measures.items():
        kind = "reference" if condition is FULL else ("" if condition == previous else "first")
        cells = [*_condition_cells(condition), reader, *(measure_cell(measure, found[measure]) for measure in known)]
        rows.append((kind, cells))
        previous = condition
    titles = [_title(measure, section) for measure in known]
    return table(["method", "mask", "R", "reader", *titles], rows)


def _title(measure: Measure, section: Section) -> str:
    """Readers mark what an algorithm finds."""
    return measure_title(measure, section).replace("failures", "“not visible”").replace("found", "marked")


def _agreement_table(readings: ReadingSection) -> str:
    rows = []
    for condition, agreement in readings.agreement_by_condition().items():
        distances = [estimate_cell(pair.distance_mm).partition("\n")[0] for pair in agreement.pairs]
        icc = [
            UNKNOWN if each is None else f"{each.value:.3f}\n{each.low:.3f} to {each.high:.3f}"
            for each in agreement.correlations
        ]
        rows.append(
            ("reference" if condition is FULL else "", [*_condition_cells(condition), ", ".join(distances), *icc])
        )
    return table(["method", "mask", "R", "distance of each pair (mm)", *(f"ICC(2,1) of {name}" for name in AXES)], rows)


def _condition_cells(condition: Condition) -> list[str]:
    name = "full sampling" if condition is FULL else condition.method
    return [name, condition.mask, f"{condition.acceleration:g}"]
