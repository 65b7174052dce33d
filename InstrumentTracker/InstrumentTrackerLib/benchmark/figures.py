"""All figures of a benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from TemporalReconLib.benchmark.plot_style import LineStyle, line_styles, save
from TemporalReconLib.benchmark.results import Results
from TemporalReconLib.benchmark.runs import Run

from InstrumentTrackerLib.benchmark.acceleration_figure import acceleration_figure
from InstrumentTrackerLib.benchmark.error_figure import error_figure
from InstrumentTrackerLib.benchmark.failure_figure import failure_figure
from InstrumentTrackerLib.benchmark.plan import Plan
from InstrumentTrackerLib.benchmark.registry import CONTENDERS, PRODUCT
from InstrumentTrackerLib.benchmark.reliability_figure import reliability_figure
from InstrumentTrackerLib.benchmark.strip_figure import Strip, strip_figure
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.evaluation.series_kind import ORDINARY


def write_figures(folder: Path, plan: Plan, results: Results, summary: Summary) -> None:
    """Write ``overlay-R*.png``, ``errors.png``, ``reliability.png``, ``acceleration.png`` and ``failures.png``."""
    styles = contender_styles()
    save(error_figure(summary, styles), folder / "errors.png")
    save(acceleration_figure(summary, styles), folder / "acceleration.png")
    reliability = reliability_figure(summary)
    if reliability is not None:
        save(reliability, folder / "reliability.png")
    products = [scores for r in summary.accelerations if (scores := summary.of(r, PRODUCT)) is not None]
    failures = failure_figure(results, [row for scores in products for row in scores.rows])
    if failures is not None:
        save(failures, folder / "failures.png")
    for condition in plan.conditions():
        runs = [Run(PRODUCT, n, condition, plan.planning) for n in range(plan.test_set.n_series)]
        strips = list(_strips(results, [run for run in runs if results.has(run, needs_pictures=True)]))
        if strips:
            how = "noisy, fully sampled" if condition.acceleration == 1 else f"pictures by {plan.method}"
            title = f"what the product shows at R = {condition.acceleration:g} ({how})"
            save(strip_figure(title, strips), folder / f"overlay-R{condition.acceleration:g}.png")


def contender_styles() -> dict[str, LineStyle]:
    """The same color for the same contender in every figure; references that are no methods are dashed."""
    names = list(CONTENDERS)
    return line_styles(names, {name: {"causal": "true-masks" not in name} for name in names})


def _strips(results: Results, runs: list[Run]) -> Iterator[Strip]:
    """The first series of each kind, orientation aside; ordinary ones on procedural and on real anatomy."""
    seen = set()
    for run in runs:
        rows = results.run_rows(run)
        kind = (rows[0]["kind"], rows[0]["kind"] == ORDINARY and rows[0]["anatomy"] == "procedural")
        kept = results.pictures(run)
        if kind not in seen and kept is not None:
            seen.add(kind)
            yield Strip(rows, kept)
