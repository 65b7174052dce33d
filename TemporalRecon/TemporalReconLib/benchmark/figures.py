"""All figures of a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from TemporalReconLib.benchmark.comparison_figure import comparison_figure
from TemporalReconLib.benchmark.curve_figure import curve_figure
from TemporalReconLib.benchmark.plot_style import save
from TemporalReconLib.benchmark.profile_figure import profile_figure
from TemporalReconLib.benchmark.results import Results
from TemporalReconLib.benchmark.runs import Condition, Plan, Run
from TemporalReconLib.benchmark.summary import Setting, Summary

CURVES_FILE = "curves.png"


def write_figures(
    folder: Path, plan: Plan, results: Results, summary: Summary, facts: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write ``images-R*.png``, ``profiles-R*.png`` and ``curves.png``, of every method that has results."""
    save(curve_figure(summary, facts), folder / CURVES_FILE)
    for acceleration in plan.accelerations:
        setting = Setting(plan.masks[0], plan.planning[0], acceleration)
        pictures, captions = {}, {}
        for method in summary.methods:
            run = Run(method, plan.picture_series, Condition(acceleration, plan.masks[0]), plan.planning[0])
            kept = results.pictures(run)
            if kept is not None:
                pictures[method] = kept
                captions[method] = [_caption(results.run_rows(run)[int(frame)]) for frame in kept["frames"]]
        title = f"R = {acceleration:g}, {setting.title}"
        save(
            comparison_figure(f"{title} (yellow: true tip)", pictures, captions),
            folder / f"images-R{acceleration:g}.png",
        )
        save(
            profile_figure(f"intensity along the needle's axis, {title}", pictures),
            folder / f"profiles-R{acceleration:g}.png",
        )


def _caption(row: Mapping[str, Any]) -> str:
    if row.get("tip_psnr") is None:
        return ""
    return f"{row['tip_psnr']:.1f} dB, {row['tip_error_mm']:.1f} mm"
