"""``instrument-tracker evaluate``: which acceleration is safe on a collection of cases, by margins stated before."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from TemporalReconLib.cli.options import add_device_option, path_name
from TemporalReconLib.cli.progress import Progress, duration_text
from TemporalReconLib.errors import InputError

if TYPE_CHECKING:
    from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion

# A study without a usable case fails like any other bad input; its report says why.
EXIT_NOTHING_USABLE = 2
MAX_LEFT_OUT_LINES = 20

_DESCRIPTION = """Undersample fully sampled cases, reconstruct and track them as 'track' does, and compare every method
at every acceleration with the fully sampled pictures. Finished cases are kept: the same command goes on where it
stopped. CASES is a folder with one folder per patient (CASES/PATIENT/CASE.nrrd with CASE.mrk.json beside it), or a CSV
table with the columns patient, case, input, annotations."""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "evaluate", help="the study: how fast is safe on your own cases", description=_DESCRIPTION
    )
    parser.add_argument("cases", type=path_name, metavar="CASES", help="folder or .csv table of cases")
    parser.add_argument("--output", type=path_name, required=True, metavar="DIR", help="continues what it holds")
    parser.add_argument(
        "--config", type=path_name, metavar="FILE", help=".toml or .json: methods, accelerations, masks, seeds, margins"
    )
    parser.add_argument(
        "--reading", type=path_name, metavar="DIR", help="of 'reading-list', with the readers' answers; needs its key"
    )
    parser.add_argument("--reading-key", type=path_name, metavar="FILE", help="what the pictures of --reading are")
    add_device_option(parser)
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes on this machine, by Dask; 0 works in this process without Dask (%(default)s)",
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask scheduler, instead of --workers")
    parser.add_argument(
        "--worker-memory", type=float, metavar="GB", help="a worker that needs more is ended (share of the machine)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    _check(options)
    from InstrumentTrackerLib.evaluation.study.cases.study_config import StudyConfig, read_config

    config = StudyConfig() if options.config is None else read_config(options.config)
    if options.reading is not None:
        from InstrumentTrackerLib.reading.joined import join_reading

        join_reading(options.reading, options.reading_key, config.point, {})  # refuses now, not after hours
    from InstrumentTrackerLib.evaluation.study.runs.schedule import Schedule, require_dask

    schedule = Schedule(options.workers, options.scheduler, options.worker_memory)
    if options.workers or options.scheduler:
        require_dask()
    from InstrumentTrackerLib.segmentation.registry import missing_calibration

    sys.stderr.write(missing_calibration(config.segmenter, config.segmenter_weights))
    from InstrumentTrackerLib.evaluation.study.report.report import write_report
    from InstrumentTrackerLib.evaluation.study.study import do_study, with_reading

    with Progress() as progress:
        listener = StudyProgress(progress)
        study = do_study(options.output, options.cases, config, options.device, schedule, listener)
        if options.reading is not None:
            study = with_reading(study, options.reading, options.reading_key)
        listener.stage("statistics and report")
        verdicts = write_report(options.output, study)
    sys.stdout.writelines(_left_out_lines(study.excluded))
    sys.stdout.writelines(f"{line}\n" for line in verdicts)
    sys.stdout.write(f"Open {options.output / 'report.html'}\n")
    return 0 if study.rows else EXIT_NOTHING_USABLE


def _left_out_lines(excluded: Sequence[Exclusion]) -> Iterator[str]:
    """What takes no part, with the reason; a long list is cut, for the report has all."""
    for each in excluded[:MAX_LEFT_OUT_LINES]:
        yield f"left out: {each.patient}/{each.case}: {each.reason}\n"
    if len(excluded) > MAX_LEFT_OUT_LINES:
        yield f"left out: {len(excluded) - MAX_LEFT_OUT_LINES} more, see report.html\n"


class StudyProgress:
    """One line of progress with the time to go."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._n_cases = self._n_runs = self._done_cases = self._done_runs = 0
        self._begin = time.monotonic()

    def start(self, n_cases: int, n_runs: int) -> None:
        self._n_cases, self._n_runs = n_cases, n_runs
        self._begin = time.monotonic()
        self._show(f"{n_cases} cases, {n_runs} runs to do")

    def finished(self, case: str, n_runs: int) -> None:
        self._done_cases += 1
        self._done_runs += n_runs
        per_run = (time.monotonic() - self._begin) / max(self._done_runs, 1)
        left = duration_text(per_run * (self._n_runs - self._done_runs))
        self._show(f"case {self._done_cases}/{self._n_cases}, {left} to go ({case})")

    def stage(self, text: str) -> None:
        self._show(text)

    def _show(self, text: str) -> None:
        self._progress.show(text[:90].ljust(90))


def _check(options: argparse.Namespace) -> None:
    """Refuse at once what would fail after hours."""
    if options.workers < 0:
        raise InputError(f"--workers {options.workers}: expected 0 or more")
    if options.worker_memory is not None and not options.worker_memory > 0:
        raise InputError(f"--worker-memory {options.worker_memory:g}: expected GB above 0")
    if not options.cases.exists():
        raise InputError(f"{options.cases}: no such folder or table; give the cases of the study")
    if (options.reading is None) != (options.reading_key is None):
        raise InputError("--reading and --reading-key belong together; give both or none")
    for name, path in (("--reading", options.reading), ("--reading-key", options.reading_key)):
        if path is not None and not path.exists():
            raise InputError(f"{name} {path}: does not exist")
    if find_spec("matplotlib") is None:
        raise InputError("the report draws with matplotlib, which is not installed; pip install matplotlib")
