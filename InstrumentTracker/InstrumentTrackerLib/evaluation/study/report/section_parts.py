"""A section of the report as HTML: verdict, tables, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from InstrumentTrackerLib.evaluation.study.report.acceleration_curves_figure import acceleration_curves_figure
from InstrumentTrackerLib.evaluation.study.report.agreement_figure import agreement_figure
from InstrumentTrackerLib.evaluation.study.report.confidence_figure import confidence_figure
from InstrumentTrackerLib.evaluation.study.report.distribution_figure import FOUND, SUCCESS, distribution_figure
from InstrumentTrackerLib.evaluation.study.report.figure_style import as_png, as_svg
from InstrumentTrackerLib.evaluation.study.report.forest_figure import forest_figure
from InstrumentTrackerLib.evaluation.study.report.html_page import bullets, figure, heading, paragraph, table
from InstrumentTrackerLib.evaluation.study.report.measures import (
    OTHER_MEASURES,
    PERCENT,
    PICTURE_MEASURES,
    TIP_MEASURES,
    Measure,
)
from InstrumentTrackerLib.evaluation.study.report.noise_figure import noise_figure
from InstrumentTrackerLib.evaluation.study.report.number_text import (
    UNKNOWN,
    counted,
    estimate_cell,
    estimate_text,
    measure_cell,
)
from InstrumentTrackerLib.evaluation.study.report.reader_agreement import AXES, Agreement
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Condition, Section, Tested
from InstrumentTrackerLib.evaluation.study.report.verdict_text import SYMBOLS, limits, verdict_lines
from InstrumentTrackerLib.evaluation.study.report.worst_figure import worst_figure, worst_runs
from InstrumentTrackerLib.evaluation.study.runs.journal import Journal


def section_parts(section: Section, agreement: Agreement | None, journal: Journal, n_excluded: int) -> Iterator[str]:
    """Real and simulated cases have a section each.

    Parameters
    ----------
    n_excluded
        Cases and runs that took no part.
    """
    sizes = f"{counted(section.n_patients, 'patient')}, {counted(section.n_cases, 'case')}"
    yield heading(2, f"{section.origin.capitalize()} cases: {sizes}")
    yield from (paragraph(line, "verdict") for line in verdict_lines(section))
    yield paragraph("What this does not say:")
    yield bullets(limits(section, n_excluded))
    yield from _noninferiority(section)
    yield heading(3, f"Finding the {section.config.point} tip")
    yield _measure_table(section, TIP_MEASURES)
    for mask in section.config.masks:
        yield figure(
            as_svg(acceleration_curves_figure(section, mask)),
            "tip error and success against acceleration",
            "Means and rates with 95 % intervals by patient; gray band: full sampling.",
        )
        for kind in (SUCCESS, FOUND):
            yield figure(
                as_svg(distribution_figure(section, kind, mask)),
                "cumulative distributions of the tip error",
                f"Dashed: the success limit of {section.config.margins.success_mm:g} mm.",
            )
    yield heading(3, "Direction and masks")
    yield _measure_table(section, OTHER_MEASURES)
    yield from _picture_quality(section)
    yield from _confidence(section)
    if agreement is not None:
        yield heading(3, "Agreement of readers")
        yield from agreement_parts(section, agreement)
    worst = worst_runs(section, journal)
    if worst:
        yield heading(3, "Worst cases")
        drawn = worst_figure(section, worst)
        yield figure(
            as_png(drawn),
            "pictures of the worst cases",
            "One run per patient, the lowest accelerations first.",
            drawn.get_figwidth() * 1.15,
        )


def _noninferiority(section: Section) -> Iterator[str]:
    margins = section.config.margins
    yield heading(3, "Noninferiority to full sampling")
    yield paragraph(
        f"Margins, stated beforehand: {margins.tip_error_mm:g} mm of mean tip error and {margins.success_points:g} "
        f"points of success (tip within {margins.success_mm:g} mm). A method is noninferior where both one-sided "
        "97.5 % bounds lie inside; accelerations are tested from the lowest up to the first that fails. Paired by "
        "frame, patients as clusters.",
        "note",
    )
    yield figure(
        as_svg(forest_figure(section)),
        "forest plot of noninferiority",
        "Lines: 95 % intervals, whose ends are the one-sided 97.5 % bounds. Shaded: beyond the margin.",
    )
    yield comparison_table(section.tested)


def comparison_table(sequences: Sequence[Sequence[Tested]]) -> str:
    """Differences from full sampling with what they show, one group per method and mask."""
    titles = [
        *("method", "mask", "R", "outcome", "tip error, failures as penalty (mm)"),
        *("tip error where both found it (mm)", "success (points)", "patients", "frames"),
    ]
    rows = []
    for sequence in sequences:
        for number, tested in enumerate(sequence):
            condition, found = tested.condition, tested.comparison
            cells = [
                *(condition.method, condition.mask, f"{condition.acceleration:g}"),
                f"{SYMBOLS[tested.outcome]} {tested.outcome.value}",
                *(estimate_cell(each, sign="+") for each in (found.penalized_mm, found.found_mm)),
                estimate_cell(found.success, 100.0, 1, "+"),
                *(str(found.n_patients), str(found.n_frames)),
            ]
            rows.append(("" if number else "first", cells))
    return table(titles, rows)


def _measure_table(section: Section, measures: Sequence[Measure]) -> str:
    known = [each for each in measures if any(found[each] is not None for found in section.measures.values())]
    titles = ["method", "mask", "R", *(measure_title(each, section) for each in known)]
    rows = []
    previous: Condition | None = None
    for condition, found in section.measures.items():
        is_new = previous is None or (previous.method, previous.mask) != (condition.method, condition.mask)
        kind = "reference" if condition is FULL else ("first" if is_new else "")
        name = "full sampling" if condition is FULL else condition.method
        cells = [
            name,
            condition.mask,
            f"{condition.acceleration:g}",
            *(measure_cell(each, found[each]) for each in known),
        ]
        rows.append((kind, cells))
        previous = condition
    return table(titles, rows)


def measure_title(measure: Measure, section: Section) -> str:
    """Head of a column, with its unit."""
    title = measure.title.replace("the success limit", f"{section.config.margins.success_mm:g} mm")
    if measure.unit == PERCENT:
        return f"{title} (%)"
    return f"{title} ({measure.unit})" if measure.unit else title


def _picture_quality(section: Section) -> Iterator[str]:
    yield heading(3, "Pictures")
    yield _measure_table(section, PICTURE_MEASURES)
    yield paragraph(
        "Noise is the standard deviation of what differs from the fully sampled picture in the tissue, aliasing and "
        "blur included; SNR and CNR are the mean signal, and the difference of instrument and tissue up to 10 mm "
        "around it, over that deviation. d' tells how well a linear observer with Laguerre-Gauss channels (channelized "
        f"Hotelling, judged on patients that it was not made from) tells the {section.config.point} tip from places "
        "20 mm beside it. It knows where to look, in one slice, by channels 8 mm wide: blur within that costs it "
        "nothing, and readers may see less or more.",
        "note",
    )
    for mask in section.config.masks:
        drawn = noise_figure(section, mask)
        if drawn is not None:
            yield figure(
                as_svg(drawn),
                "noise power spectra",
                "Radial means over frames of the middle of the picture, in units of the tissue's mean signal. Noise "
                "that falls to the right is smooth; a hump is structured aliasing.",
            )


def _confidence(section: Section) -> Iterator[str]:
    drawn = confidence_figure(section)
    if drawn is not None:
        yield heading(3, "Confidence")
        yield figure(
            as_svg(drawn), "reliability diagrams", "All accelerations together; on the dashed line it is honest."
        )


def agreement_parts(section: Section, agreement: Agreement) -> Iterator[str]:
    """Distances, intraclass correlation and Bland-Altman plots of all pairs of readers."""
    titles = ["readers", "distance (mm)", *(f"{name}: bias, limits of agreement (mm)" for name in AXES)]
    rows = []
    for pair in agreement.pairs:
        limits_text = [
            UNKNOWN if each is None else f"{estimate_text(each.bias, sign='+')}, {each.low:+.2f} to {each.high:+.2f}"
            for each in pair.limits
        ]
        rows.append(("", [" and ".join(pair.names), estimate_text(pair.distance_mm), *limits_text]))
    yield table(titles, rows)
    icc = [
        f"{name} {each.value:.3f} ({each.low:.3f} to {each.high:.3f})"
        for name, each in zip(AXES, agreement.correlations, strict=True)
        if each is not None
    ]
    if icc:
        yield paragraph(
            f"ICC(2,1) of the position over {agreement.n_frames} frames that all {len(agreement.readers)} readers "
            f"marked: {', '.join(icc)}. It lies near 1 because patients lie in different places; look at the limits.",
            "note",
        )
    for pair in agreement.pairs:
        yield figure(
            as_svg(agreement_figure(section, pair)),
            "Bland-Altman plots",
            "Line: bias; dashed: limits of agreement (bias and 1.96 standard deviations).",
        )
