"""The results for other programs: CSV for spreadsheets, JSON with everything."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from InstrumentTrackerLib.evaluation.study.report.measures import ALL_MEASURES
from InstrumentTrackerLib.evaluation.study.report.reader_agreement import AXES, Agreement
from InstrumentTrackerLib.evaluation.study.report.reading_section import ReadingSection
from InstrumentTrackerLib.evaluation.study.report.reading_tables import reader_measures, reading_json
from InstrumentTrackerLib.evaluation.study.report.section import Section
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Estimate
from InstrumentTrackerLib.evaluation.study.study import Study

COLUMNS = (
    *("origin", "method", "mask", "acceleration", "measure", "unit"),
    *("value", "low", "high", "frames", "patients", "reader"),
)
FRAME_COLUMNS = (
    *("origin", "patient", "case", "group", "method", "mask", "acceleration", "seed", "frame", "visible"),
    *("guide_true", "guide_found", "guide_error_mm", "guide_in_plane_mm", "guide_along_mm"),
    *("needle_true", "needle_found", "needle_error_mm", "needle_in_plane_mm", "needle_along_mm"),
    *("axis_error_deg", "state", "confidence", "dice", "hd95_mm", "sensitivity", "specificity"),
    *("psnr", "ssim", "nmse", "noise", "snr", "cnr"),
)


def measures_csv(sections: Sequence[Section], readings: Sequence[ReadingSection]) -> str:
    """One line for each condition and measure; shares and differences of success as 0..1.

    The column ``reader`` is empty for what the product found itself.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for section, read in zip(sections, readings, strict=True):
        for condition, found in section.measures.items():
            place = [section.origin, condition.method, condition.mask, f"{condition.acceleration:g}"]
            for measure in ALL_MEASURES:
                writer.writerow([*place, measure.key, measure.unit, *_cells(found[measure]), ""])
        for tested in (each for sequence in section.tested for each in sequence):
            condition, comparison = tested.condition, tested.comparison
            place = [section.origin, condition.method, condition.mask, f"{condition.acceleration:g}"]
            for key, unit, estimate in (
                ("difference_error_penalized", "mm", comparison.penalized_mm),
                ("difference_error_found", "mm", comparison.found_mm),
                ("difference_success", "%", comparison.success),
            ):
                writer.writerow([*place, key, unit, *_cells(estimate), ""])
        for reader, condition, measure, estimate in reader_measures(read):
            place = [section.origin, condition.method, condition.mask, f"{condition.acceleration:g}"]
            writer.writerow([*place, measure.key, measure.unit, *_cells(estimate), reader])
    return text.getvalue()


def frames_csv(sections: Sequence[Section]) -> str:
    """One line for each frame of each run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FRAME_COLUMNS, extrasaction="ignore", lineterminator="\n", restval="")
    writer.writeheader()
    for section in sections:
        for row in section.rows:
            for frame in row["frames"]:
                writer.writerow(row | frame)
    return text.getvalue()


def summary_json(
    study: Study,
    sections: Sequence[Section],
    agreements: Sequence[Agreement | None],
    readings: Sequence[ReadingSection],
) -> str:
    """Everything that the report states, with its provenance."""
    content = {
        "provenance": study.provenance,
        "excluded": [asdict(each) for each in study.excluded],
        "sections": [_section(*each) for each in zip(sections, agreements, readings, strict=True)],
    }
    return json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _section(section: Section, agreement: Agreement | None, readings: ReadingSection) -> dict[str, Any]:
    return {
        "origin": section.origin,
        "patients": section.n_patients,
        "cases": section.n_cases,
        "measures": [
            asdict(condition) | {measure.key: _as_json(found[measure]) for measure in ALL_MEASURES}
            for condition, found in section.measures.items()
        ],
        "noninferiority": [
            asdict(tested.condition) | asdict(tested.comparison) | {"outcome": tested.outcome.value}
            for sequence in section.tested
            for tested in sequence
        ],
        "readers": None if agreement is None else _agreement(agreement),
        "reader_study": None if not readings.rows else _reader_study(readings),
    }


def _reader_study(readings: ReadingSection) -> dict[str, Any]:
    agreement = readings.agreement
    return reading_json(readings) | {"agreement": None if agreement is None else _agreement(agreement)}


def _agreement(agreement: Agreement) -> dict[str, Any]:
    return {
        "names": agreement.readers,
        "frames": agreement.n_frames,
        "icc": {
            name: None if found is None else asdict(found)
            for name, found in zip(AXES, agreement.correlations, strict=True)
        },
        "pairs": [
            {
                "names": pair.names,
                "distance_mm": asdict(pair.distance_mm),
                "limits_of_agreement_mm": {
                    name: None if limits is None else asdict(limits)
                    for name, limits in zip(AXES, pair.limits, strict=True)
                },
            }
            for pair in agreement.pairs
        ],
    }


def _cells(found: Estimate | None) -> list[str]:
    if found is None:
        return ["", "", "", "0", "0"]
    numbers = ["" if value is None else f"{value:.6g}" for value in (found.value, found.low, found.high)]
    return [*numbers, str(found.n), str(found.n_patients)]


def _as_json(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def _finite(value: Any) -> Any:
    """JSON has no infinity: a bound that is none is ``null``."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
