"""``temporal-recon benchmark``: all reconstruction methods side by side on simulated series, in one run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.cli import benchmark_link
from TemporalReconLib.cli.benchmark_options import add_benchmark_options, listed, require_jobs_and_figures
from TemporalReconLib.cli.options import add_device_option
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.cli.run_progress import RunProgress
from TemporalReconLib.errors import InputError

_PLANNING = {"with": True, "without": False}


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("benchmark", help="compare all methods on simulated series: tables and figures")
    add_benchmark_options(parser, accelerations="8,16,25,32", has_subcommands=True)
    parser.add_argument(
        "--masks", metavar="LIST", default=",".join(MASK_KINDS), help="orders of the lines (%(default)s)"
    )
    parser.add_argument(
        "--plannings", metavar="LIST", default="with,without", help="planning scan given or not (%(default)s)"
    )
    parser.add_argument(
        "--methods", metavar="LIST", help="all with weights, and bart-tv and bart-llr where BART is installed"
    )
    parser.add_argument(
        "--weights", nargs="+", default=[], metavar="METHOD=PATH", help="instead of those of the product"
    )
    add_device_option(parser)
    parser.set_defaults(run=run)
    benchmark_link.add_parser(parser.add_subparsers(metavar="[link]", parser_class=type(parser)))


def run(options: argparse.Namespace) -> int:
    if options.output is None:
        raise InputError("benchmark: give --output DIR, or 'benchmark link' for the OpenIGTLink link")
    weights = _weights_by_method(options.weights)
    require_jobs_and_figures(options.jobs)
    from TemporalReconLib.benchmark.runs import Plan, available_methods
    from TemporalReconLib.benchmark.test_set import TestSet

    methods, left_out = available_methods(weights)
    if options.methods is not None:
        methods, left_out = listed(options.methods, "--methods", str), {}
    plan = Plan(
        TestSet(
            options.series,
            options.frames,
            options.seed,
            tuple(options.backgrounds),
            options.matrix,
            options.seconds,
        ),
        methods,
        listed(options.accelerations, "--accelerations", float),
        listed(options.masks, "--masks", str),
        listed(options.plannings, "--plannings", _PLANNING.__getitem__),
    )
    plan.check(weights)
    for name, reason in left_out.items():
        sys.stderr.write(f"left out: {name}: {reason}\n")
    from TemporalReconLib.benchmark.benchmark import run_benchmark

    with Progress() as progress:
        verdicts = run_benchmark(options.output, plan, options.device, weights, options.jobs, RunProgress(progress))
    sys.stdout.writelines(f"{verdict.line}\n" for verdict in verdicts)
    return 0


def _weights_by_method(words: list[str]) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for word in words:
        method, equals, path = word.partition("=")
        if not (method and equals and path):
            raise InputError(f"--weights {word}: expected METHOD=PATH, for example temporal=weights.safetensors")
        found[method] = Path(path)
    return found
