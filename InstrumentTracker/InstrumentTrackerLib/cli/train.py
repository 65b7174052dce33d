"""``instrument-tracker train``: learn the weights that find guide and needle."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from TemporalReconLib.acquisition.output_file import require_writable
from TemporalReconLib.cli.options import path_name, seed_number
from TemporalReconLib.cli.progress import Progress, duration_text
from TemporalReconLib.cli.runner import EXIT_INTERRUPTED
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.training.recipe import RECIPES

if TYPE_CHECKING:
    from InstrumentTrackerLib.training.trainer import StepReport

_DESCRIPTION = """Train the network that labels guide and needle. Examples are simulated while training goes on.
Ctrl-C, or the end of --minutes, writes checkpoints and the model so far into DIR; the same command goes on from
there."""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("train", help="train the segmenter; stops and goes on", description=_DESCRIPTION)
    parser.add_argument("--output", type=path_name, required=True, metavar="DIR", help="continues what it holds")
    parser.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        default="small",
        help="small: two CPU cores, about an hour; full: one large GPU (%(default)s)",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="instead of the recipe's; the schedule follows")
    parser.add_argument("--minutes", type=float, metavar="M", help="stop after this time, to go on later")
    parser.add_argument(
        "--backgrounds",
        nargs="+",
        type=path_name,
        default=[],
        metavar="VOL",
        help="MR anatomy without instrument, behind half of the examples",
    )
    parser.add_argument(
        "--weights", type=path_name, metavar="PATH", help="begin with these, not with random ones: fine-tuning"
    )
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help="weights and data (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda:N (%(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    recipe = RECIPES[options.recipe]
    if options.steps is not None:
        if options.steps < 1:
            raise InputError(f"--steps {options.steps}: expected 1 or more")
        recipe = replace(recipe, steps=options.steps)
    if options.minutes is not None and not 0.0 <= options.minutes < math.inf:
        raise InputError(f"--minutes {options.minutes}: expected 0 or more")
    _check_files(options)
    from TemporalReconLib.reconstruction.device import select_device
    from TemporalReconLib.simulation.background_volume import BackgroundVolume

    from InstrumentTrackerLib.training.example_stream import StreamConfig
    from InstrumentTrackerLib.training.run import train

    for path in options.backgrounds:
        BackgroundVolume.read(path)
    device = select_device(options.device)
    stream = StreamConfig.of(recipe, options.seed, tuple(options.backgrounds))
    seconds = math.inf if options.minutes is None else 60.0 * options.minutes
    with Progress() as progress:

        def show(report: StepReport) -> None:
            progress.show(_line(report).ljust(90))

        progress.show("making the first examples".ljust(90))
        trained = train(recipe, stream, options.output, device, show, seconds, options.weights)
    sys.stdout.write(f"{trained.summary}\n")
    return EXIT_INTERRUPTED if trained.is_interrupted else 0


def _check_files(options: argparse.Namespace) -> None:
    from TemporalReconLib.acquisition.series import check_input

    for path in options.backgrounds:
        check_input(path)
    if options.output.exists() and not options.output.is_dir():
        raise InputError(f"--output {options.output}: a file of that name is there; give the name of a folder")
    require_writable(options.output / "newest.pt" if options.output.exists() else options.output)


def _line(report: StepReport) -> str:
    best = f"best score {report.best:.3f}" if math.isfinite(report.best) else "not validated yet"
    left = duration_text(report.seconds_left)
    return f"step {report.step}/{report.steps}, {left} to go, loss {report.loss:.3f}, {best}"
