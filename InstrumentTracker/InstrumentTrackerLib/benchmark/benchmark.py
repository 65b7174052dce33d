"""The whole measurement: runs, timing, tables, figures and the verdict on the goals."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.benchmark.benchmark import Report
from TemporalReconLib.benchmark.parallel import in_processes
from TemporalReconLib.benchmark.results import Results
from TemporalReconLib.benchmark.test_set import N_COILS, NOISE
from TemporalReconLib.benchmark.verdict import Verdict

from InstrumentTrackerLib.benchmark.case_runner import CaseWork, contenders, reconstructions
from InstrumentTrackerLib.benchmark.figures import write_figures
from InstrumentTrackerLib.benchmark.goals import verdicts
from InstrumentTrackerLib.benchmark.plan import Plan
from InstrumentTrackerLib.benchmark.registry import CONTENDERS, PRODUCT, version_of
from InstrumentTrackerLib.benchmark.summary import Summary
from InstrumentTrackerLib.benchmark.tables import markdown
from InstrumentTrackerLib.benchmark.test_set import N_SLICES
from InstrumentTrackerLib.benchmark.timing import Timing, time_product
from InstrumentTrackerLib.evaluation.measurement import Row

SUMMARY_FILES = ("summary.json", "summary.md")

logger = logging.getLogger(__name__)


def run_benchmark(folder: Path, plan: Plan, left_out: Mapping[str, str], jobs: int, report: Report) -> list[Verdict]:
    """Do what is missing in ``folder``, then write summary and figures of everything there.

    Parameters
    ----------
    left_out
        Contenders that cannot be run, and why; the report says so.
    jobs
        Processes that work on different series at the same time; the time per frame is taken alone.

    Returns
    -------
    list
        The goals, each with its outcome.

    Raises
    ------
    InputError
        If the method, the segmenter or their weights cannot be used, or the folder holds results under other
        settings.
    """
    reconstructions(plan).reconstructor(plan.method)
    contenders(plan)
    version = version_of(plan)
    results = Results(folder, _settings(plan), plan.test_set.frames_at)
    for name in CONTENDERS:
        if results.drop(name, version, "version"):
            logger.warning("%s: results of other code or weights are replaced", name)
    pending = []
    for series in range(plan.test_set.n_series):
        for condition in plan.conditions():
            runs = [run for run in plan.runs(series, condition) if not results.has(run, run.method == PRODUCT)]
            pending += [runs] if runs else []
    report.start([run for runs in pending for run in runs])
    for finished in in_processes(CaseWork(plan, version), pending, jobs):
        results.add(finished.run, finished.rows, finished.pictures)
        report.finished(finished.run, finished.seconds)
    timing = None
    if PRODUCT in plan.contenders:
        report.stage("timing")
        timing = time_product(plan)
    report.stage("tables and figures")
    rows = results.rows()
    summary = Summary(rows)
    outcome = verdicts(summary, timing)
    _write_summary(folder, plan, rows, summary, outcome, timing, left_out)
    write_figures(folder, plan, results, summary)
    return outcome


def _settings(plan: Plan) -> dict[str, Any]:
    """What results of one folder have in common."""
    test_set = plan.test_set
    return {
        "frames": test_set.length.setting,
        "slices": N_SLICES,
        "seed": test_set.seed,
        "development": test_set.is_development,
        "matrix": test_set.matrix,
        "background": [path.name for path in test_set.backgrounds],
        "coils": N_COILS,
        "noise": NOISE,
        "method": plan.method,
        "weights": reconstructions(plan).digest(plan.method),
        "segmenter": plan.segmenter,
        "mask": plan.mask,
        "planning": plan.planning,
    }


def _write_summary(
    folder: Path,
    plan: Plan,
    rows: list[Row],
    summary: Summary,
    outcome: list[Verdict],
    timing: Timing | None,
    left_out: Mapping[str, str],
) -> None:
    content = {
        "settings": _settings(plan),
        "verdict": [asdict(verdict) for verdict in outcome],
        "timing": None if timing is None else timing.as_json(),
        "left_out": dict(left_out),
        "results": summary.entries(),
    }
    texts = (json.dumps(content, indent=1), markdown(_facts(plan, rows, timing), summary, outcome, left_out))
    for name, text in zip(SUMMARY_FILES, texts, strict=True):
        with written_atomically(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _facts(plan: Plan, rows: list[Row], timing: Timing | None) -> list[str]:
    by_seed = {int(row["seed"]): row for row in rows}
    kinds = [str(row["kind"]) for row in by_seed.values()]
    snr = [float(row["snr"]) for row in by_seed.values()]
    seen = "**seeds of development: no test**" if plan.test_set.is_development else "training and development use none"
    facts = [
        f"{len(by_seed)} simulated series (seeds {min(by_seed)} to {max(by_seed)}; {seen}) of "
        f"{plan.test_set.length}, {N_SLICES} slices, {N_COILS} coils: "
        + ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)),
        f"anatomy: {', '.join(sorted({str(row['anatomy']) for row in by_seed.values()}))}",
        f"SNR {np.median(snr):.1f} (median; {min(snr):.1f} to {max(snr):.1f}): median magnitude inside the body over "
        "the noise's standard deviation in the combined, fully sampled image",
        f"pictures by `{plan.method}`, {plan.mask} mask, {'with' if plan.planning else 'without'} planning scan; "
        f"segmenter `{plan.segmenter}`",
    ]
    if timing is not None:
        facts.append(f"time alone on {timing.device}: {timing.median_ms:.0f} ms (median), {timing.p95_ms:.0f} ms (p95)")
    return facts
