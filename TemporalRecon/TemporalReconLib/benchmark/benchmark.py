"""The whole comparison: runs, timing, tables, figures and the verdict on the goals."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import TemporalReconLib
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.benchmark.case_runner import Case
from TemporalReconLib.benchmark.code_version import code_digest
from TemporalReconLib.benchmark.contenders import Contenders
from TemporalReconLib.benchmark.cost import device_name, gmac_per_frame, time_frames
from TemporalReconLib.benchmark.figures import write_figures
from TemporalReconLib.benchmark.parallel import finished_runs
from TemporalReconLib.benchmark.results import Results
from TemporalReconLib.benchmark.runs import ALL_METHODS, Condition, Plan, Run
from TemporalReconLib.benchmark.summary import Summary
from TemporalReconLib.benchmark.tables import as_csv, markdown
from TemporalReconLib.benchmark.test_set import N_COILS, NOISE, TEST_SEEDS_FROM
from TemporalReconLib.benchmark.verdict import Verdict, verdicts

METHODS_FILE = "methods.json"
SUMMARY_FILES = ("summary.json", "summary.md", "summary.csv")
# Operations and times are stated for this acceleration, or the one nearest to it.
_TYPICAL_ACCELERATION = 16.0
_CODE_LENGTH = 12

logger = logging.getLogger(__name__)

Facts = dict[str, Any]


class Report(Protocol):
    """Told what is going on."""

    def start(self, runs: list[Run]) -> None:
        """These runs are to be done."""

    def finished(self, run: Run, seconds: float) -> None:
        """A run took so long, without simulation."""

    def stage(self, text: str) -> None:
        """What is done after the runs."""


def run_benchmark(
    folder: Path, plan: Plan, device: str, weights: Mapping[str, Path], jobs: int, report: Report
) -> list[Verdict]:
    """Do what is missing in ``folder``, then write summary and figures of everything there.

    Results of other code are dropped, whatever their method, and those of other weights; a warning tells.

    Parameters
    ----------
    weights
        Weights by method; a learned method without an entry uses those that come with the product.
    jobs
        Processes that work on different series at the same time; times are taken alone.

    Returns
    -------
    list
        The goals, each with its outcome.

    Raises
    ------
    InputError
        If a method or its weights cannot be used, or the folder holds results under other settings.
    """
    contenders = Contenders(device, weights, plan.n_frames)
    digests = {method: contenders.digest(method) for method in plan.methods}
    for method in plan.methods:
        contenders.reconstructor(method)
    results = Results(folder, _settings(plan), plan.test_set.frames_at)
    code = code_digest([TemporalReconLib])[:_CODE_LENGTH]
    _drop_others(results, code, digests)
    _do_runs(results, plan, contenders, code, digests, jobs, report)
    methods = _known_methods(folder, code)
    _measure_costs(methods, plan, contenders, code, digests, report)
    _write_json(folder / METHODS_FILE, methods)
    report.stage("tables and figures")
    # A method that was interrupted earlier joins when it is run to its end.
    summary = Summary((row for row in results.rows() if row["method"] in methods), ALL_METHODS)
    outcome = verdicts(summary, methods)
    _write_summary(folder, plan, results, summary, methods, outcome)
    write_figures(folder, plan, results, summary, methods)
    return outcome


def _settings(plan: Plan) -> Facts:
    """What results of one folder have in common."""
    test_set = plan.test_set
    return {
        "frames": test_set.length.setting,
        "seed": test_set.seed,
        "matrix": test_set.matrix,
        "background": [path.name for path in test_set.backgrounds],
        "coils": N_COILS,
        "noise": NOISE,
    }


def _drop_others(results: Results, code: str, digests: Mapping[str, str | None]) -> None:
    for method in sorted({str(row["method"]) for row in results.rows()}):
        if results.drop(method, code, "code"):
            logger.warning("%s: results of other code are dropped", method)
    for method, digest in digests.items():
        if results.drop(method, digest):
            logger.warning("%s: results of other weights are replaced", method)


def _do_runs(
    results: Results,
    plan: Plan,
    contenders: Contenders,
    code: str,
    digests: Mapping[str, str | None],
    jobs: int,
    report: Report,
) -> None:
    pending = []
    for series, condition in plan.cases():
        runs = [run for run in plan.runs(series, condition) if not results.has(run, plan.has_pictures(run))]
        pending += [runs] if runs else []
    report.start([run for runs in pending for run in runs])
    marks = {
        method: {"code": code} if digest is None else {"code": code, "weights": digest}
        for method, digest in digests.items()
    }
    for finished in finished_runs(plan, contenders, pending, marks, jobs):
        results.add(finished.run, finished.rows, finished.pictures)
        report.finished(finished.run, finished.seconds)


def _known_methods(folder: Path, code: str) -> dict[str, Facts]:
    """What was measured of methods by the same code."""
    path = folder / METHODS_FILE
    known: dict[str, Facts] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {method: facts for method, facts in known.items() if facts.get("code") == code}


def _measure_costs(
    methods: dict[str, Facts],
    plan: Plan,
    contenders: Contenders,
    code: str,
    digests: Mapping[str, str | None],
    report: Report,
) -> None:
    """Time, parameters and operations of the methods that have none yet on this device with these weights."""
    case: Case | None = None
    for method in plan.methods:
        reconstructor = contenders.reconstructor(method)
        device = device_name(reconstructor.device)
        known = methods.get(method, {})
        if (known.get("device"), known.get("weights")) == (device, digests[method]) and known:
            continue
        report.stage(f"timing {method}")
        if case is None:
            nearest = min(plan.accelerations, key=lambda r: abs(r - _TYPICAL_ACCELERATION))
            case = Case(plan, 0, Condition(nearest, plan.masks[0]))
        planning = case.planning if plan.planning[0] else None
        is_learned = contenders.is_learned(method)
        info = reconstructor.info
        methods[method] = {
            "description": info.description,
            "causal": info.causal,
            "delay_frames": info.delay_frames,
            "needs_coil_maps": info.needs_coil_maps,
            "device": device,
            "code": code,
            "weights": digests[method],
            "ms_per_frame": asdict(time_frames(reconstructor, case.frames, planning)),
            "parameters": contenders.n_parameters(method) if is_learned else None,
            "gmac": round(gmac_per_frame(reconstructor, case.frames, planning), 3) if is_learned else None,
        }


def _write_summary(
    folder: Path,
    plan: Plan,
    results: Results,
    summary: Summary,
    methods: Mapping[str, Facts],
    outcome: list[Verdict],
) -> None:
    rows = results.rows()
    by_seed = {int(row["seed"]): row for row in rows}
    snr = [float(row["snr"]) for row in by_seed.values()]
    anatomies = sorted({str(row["anatomy"]) for row in by_seed.values()})
    test_set = {
        "series": len(by_seed),
        "seeds": [min(by_seed), max(by_seed)],
        "frames": plan.test_set.length.setting,
        "anatomy": anatomies,
        "snr_median": round(float(np.median(snr)), 2),
        "snr_range": [min(snr), max(snr)],
    }
    facts = [
        f"{len(by_seed)} simulated series (seeds {min(by_seed)} to {max(by_seed)}; training uses none from "
        f"{TEST_SEEDS_FROM} on) of {plan.test_set.length}, one slice, {N_COILS} coils",
        f"anatomy: {', '.join(anatomies)}",
        f"SNR {test_set['snr_median']:.1f} (median; {min(snr):.1f} to {max(snr):.1f}): median magnitude inside the "
        "body over the noise's standard deviation in the combined, fully sampled image",
        f"times on {', '.join(sorted({str(known['device']) for known in methods.values()}))}, alone, one slice",
    ]
    _write_json(
        folder / SUMMARY_FILES[0],
        {
            "test_set": test_set,
            "verdict": [asdict(verdict) for verdict in outcome],
            "methods": methods,
            "results": summary.entries(),
        },
    )
    texts = (markdown("Reconstruction methods side by side", facts, summary, methods, outcome), as_csv(summary))
    for name, text in zip(SUMMARY_FILES[1:], texts, strict=True):
        with written_atomically(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _write_json(path: Path, content: Any) -> None:
    with written_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
