"""What readers marked, for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from InstrumentTrackerLib.evaluation.study.report.measures import Measure
from InstrumentTrackerLib.evaluation.study.report.reading_section import ReadingSection
from InstrumentTrackerLib.evaluation.study.report.section import Condition
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Estimate
from InstrumentTrackerLib.reading.joined import Reading

COLUMNS = (
    *("reader", "origin", "patient", "case", "frame", "method", "mask", "acceleration", "seed"),
    *("has_tip", "is_marked", "error_mm", "tip_r", "tip_a", "tip_s", "confidence", "seconds"),
)


def readings_csv(reading: Reading) -> str:
    """One line for each reading, in the order in which it was read; RAS, empty where there is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in reading.rows:
        picture, tip = row.picture, row.tip or ("", "", "")
        place = [picture.origin, picture.patient, picture.case, picture.frame]
        condition = [picture.method, picture.mask, f"{picture.acceleration:g}", picture.seed]
        numbers = [row.error_mm, *tip, row.confidence, row.seconds]
        flags = [int(row.has_tip), int(row.tip is not None)]
        writer.writerow([row.reader, *place, *condition, *flags, *("" if each is None else each for each in numbers)])
    return text.getvalue()


def reader_measures(readings: ReadingSection) -> Iterator[tuple[str, Condition, Measure, Estimate | None]]:
    """Every number of every reader and condition."""
    for (reader, condition), found in readings.measures.items():
        for measure, estimate in found.items():
            yield reader, condition, measure, estimate


def reading_json(readings: ReadingSection) -> dict[str, Any]:
    """The same with the comparisons, JSON types but for infinities."""
    return {
        "answered": {str(reader): counts for reader, counts in readings.answered.items()},
        "measures": [
            {"reader": reader, **asdict(condition)}
            | {measure.key: None if each is None else asdict(each) for measure, each in found.items()}
            for (reader, condition), found in readings.measures.items()
        ],
        "noninferiority": [
            asdict(tested.condition) | asdict(tested.comparison) | {"outcome": tested.outcome.value}
            for sequence in readings.tested
            for tested in sequence
        ],
    }
