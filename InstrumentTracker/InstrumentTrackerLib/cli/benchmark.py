"""``instrument-tracker benchmark``: how well the instrument is found, against the truth of simulated biopsies."""

from __future__ import annotations

import argparse
import sys

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.cli.benchmark_options import add_benchmark_options, listed, require_jobs_and_figures
from TemporalReconLib.cli.options import add_method_options
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.cli.run_progress import RunProgress

from InstrumentTrackerLib.cli.guidance_options import add_segmenter_options
from InstrumentTrackerLib.segmentation.registry import missing_calibration


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "benchmark", help="measure the product, its parts and the baselines on simulated series: tables and figures"
    )
    add_benchmark_options(parser, accelerations="1,8,16,25,32")
    parser.add_argument("--mask", choices=MASK_KINDS, default="golden", help="order of the lines (%(default)s)")
    parser.add_argument("--no-planning", action="store_true", help="the reconstruction is given no planning scan")
    add_method_options(parser)
    add_segmenter_options(parser)
    parser.add_argument("--contenders", metavar="LIST", help="all that can be run")
    parser.add_argument(
        "--development", action="store_true", help="other seeds, to be looked at while the product is changed"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    require_jobs_and_figures(options.jobs)
    from InstrumentTrackerLib.benchmark.plan import Plan
    from InstrumentTrackerLib.benchmark.registry import chosen
    from InstrumentTrackerLib.benchmark.test_set import TrackingTestSet

    wanted = None if options.contenders is None else listed(options.contenders, "--contenders", str)
    contenders, left_out = chosen(wanted, options.segmenter)
    plan = Plan(
        TrackingTestSet(
            options.series,
            options.frames,
            options.seed,
            tuple(options.backgrounds),
            options.matrix,
            options.development,
            options.seconds,
        ),
        options.method,
        options.weights,
        listed(options.accelerations, "--accelerations", float),
        options.mask,
        not options.no_planning,
        options.segmenter,
        options.segmenter_weights,
        contenders,
        options.device,
    )
    plan.check()
    sys.stderr.write(missing_calibration(options.segmenter, options.segmenter_weights))
    for name, reason in left_out.items():
        sys.stderr.write(f"left out: {name}: {reason}\n")
    from InstrumentTrackerLib.benchmark.benchmark import run_benchmark

    with Progress() as progress:
        outcome = run_benchmark(options.output, plan, left_out, options.jobs, RunProgress(progress))
    sys.stdout.writelines(f"{verdict.line}\n" for verdict in outcome)
    return 0
