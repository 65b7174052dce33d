"""``temporal-recon benchmark``: all reconstruction methods side by side on simulated series, in one run."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.cli import benchmark_link
from TemporalReconLib.cli.options import add_device_option, path_name, seed_number
from TemporalReconLib.cli.progress import Progress, duration_text
from TemporalReconLib.errors import InputError

if TYPE_CHECKING:
    from TemporalReconLib.benchmark.runs import Run

_PLANNING = {"with": True, "without": False}

Item = TypeVar("Item")


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("benchmark", help="compare all methods on simulated series: tables and figures")
    parser.add_argument("--output", type=path_name, metavar="DIR", help="needed; continues what it holds")
    parser.add_argument("--series", type=int, default=20, metavar="N", help="simulated biopsies (%(default)s)")
    parser.add_argument("--frames", type=int, default=24, metavar="F", help="frames of each (%(default)s)")
    parser.add_argument(
        "--accelerations", default="8,16,25,32", metavar="R,R", help="accelerations to compare (%(default)s)"
    )
    parser.add_argument("--masks", default=",".join(MASK_KINDS), help="orders of the lines (%(default)s)")
    parser.add_argument("--planning", default="with,without", help="planning scan given or not (%(default)s)")
    parser.add_argument("--methods", metavar="LIST", help="all, with bart-tv and bart-llr where BART is installed")
    parser.add_argument(
        "--weights", nargs="+", default=[], metavar="METHOD=PATH", help="instead of those of the product"
    )
    parser.add_argument(
        *("--backgrounds", "--background"),
        nargs="+",
        type=path_name,
        default=[],
        metavar="VOL",
        help="MR anatomy of half of the series",
    )
    parser.add_argument("--matrix", type=int, default=256, metavar="N", help="rows, columns (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help="another test set (%(default)s)")
    add_device_option(parser)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, except for timing (%(default)s)")
    parser.set_defaults(run=run)
    benchmark_link.add_parser(parser.add_subparsers(metavar="[link]", parser_class=type(parser)))


def run(options: argparse.Namespace) -> int:
    if options.output is None:
        raise InputError("benchmark: give --output DIR, or 'benchmark link' for the OpenIGTLink link")
    weights = _weights_by_method(options.weights)
    require_jobs_and_figures(options.jobs)
    from TemporalReconLib.benchmark.runs import Plan, available_methods
    from TemporalReconLib.benchmark.test_set import TestSet

    plan = Plan(
        TestSet(options.series, options.frames, options.seed, tuple(options.backgrounds), options.matrix),
        available_methods() if options.methods is None else listed(options.methods, "--methods", str),
        listed(options.accelerations, "--accelerations", float),
        listed(options.masks, "--masks", str),
        listed(options.planning, "--planning", _PLANNING.__getitem__),
    )
    plan.check(weights)
    from TemporalReconLib.benchmark.benchmark import run_benchmark

    with Progress() as progress:
        verdicts = run_benchmark(options.output, plan, options.device, weights, options.jobs, RunProgress(progress))
    sys.stdout.writelines(f"{verdict.line}\n" for verdict in verdicts)
    return 0


def require_jobs_and_figures(jobs: int) -> None:
    """Refuse at once what would fail after hours.

    Raises
    ------
    InputError
        If there are no processes to work, or there is no library to draw with.
    """
    if jobs < 1:
        raise InputError(f"--jobs {jobs}: expected 1 or more")
    if find_spec("matplotlib") is None:
        raise InputError("the benchmark draws with matplotlib, which is not installed; pip install matplotlib")


class RunProgress:
    """One line of progress with the time to go.

    Methods differ a hundredfold in time, so the rest is estimated from the mean of each; one that has not been run
    yet counts as the mean of all.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._open: Counter[str] = Counter()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._total = 0
        self._begin = 0.0

    def start(self, runs: list[Run]) -> None:
        self._open = Counter(run.method for run in runs)
        self._total = len(runs)
        self._begin = time.monotonic()

    def finished(self, run: Run, seconds: float) -> None:
        self._open[run.method] -= 1
        self._seconds[run.method].append(seconds)
        condition = run.condition
        text = f"series {run.series} R {condition.acceleration:g} {condition.mask} {run.method}"
        done = self._total - self._open.total()
        self._progress.show(f"run {done}/{self._total}, {duration_text(self._remaining())} to go ({text})".ljust(90))

    def stage(self, text: str) -> None:
        self._progress.show(text.ljust(90))

    def _remaining(self) -> float:
        every = [seconds for taken in self._seconds.values() for seconds in taken]
        usual = sum(every) / len(every)
        means = {method: sum(taken) / len(taken) for method, taken in self._seconds.items()}
        rest = sum(count * means.get(method, usual) for method, count in self._open.items())
        # Simulation, and several processes, make the clock run faster or slower than the runs.
        return rest * (time.monotonic() - self._begin) / max(sum(every), 1e-9)


def listed(text: str, option: str, convert: Callable[[str], Item]) -> tuple[Item, ...]:
    """Values separated by commas, each once."""
    found = []
    for word in text.split(","):
        try:
            found.append(convert(word.strip()))
        except (ValueError, KeyError):
            raise InputError(f"{option} {text}: '{word}' is none; see --help") from None
    if len(set(found)) < len(found):
        raise InputError(f"{option} {text}: names something twice")
    return tuple(found)


def _weights_by_method(words: list[str]) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for word in words:
        method, equals, path = word.partition("=")
        if not (method and equals and path):
            raise InputError(f"--weights {word}: expected METHOD=PATH, for example temporal=weights.safetensors")
        found[method] = Path(path)
    return found
