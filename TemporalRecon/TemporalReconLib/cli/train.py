"""``temporal-recon train``: learn the weights of a method from simulated biopsies and own series."""

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
from TemporalReconLib.training.methods import TRAINABLE_METHODS, recipe_for
from TemporalReconLib.training.recipe import RECIPES

if TYPE_CHECKING:
    from TemporalReconLib.training.trainer import StepReport

_DESCRIPTION = """Train a learned method. Examples are made while training goes on. Ctrl-C, or the end of --minutes,
writes checkpoints and the model so far into DIR; the same command goes on from there. Several GPUs:
torchrun --nproc-per-node N -m TemporalReconLib train ..."""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("train", help="train a learned method; stops and goes on", description=_DESCRIPTION)
    parser.add_argument("--output", type=path_name, required=True, metavar="DIR", help="continues what it holds")
    parser.add_argument("--method", choices=TRAINABLE_METHODS, default=TRAINABLE_METHODS[0], help="(%(default)s)")
    parser.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        default="small",
        help="small: two CPU cores, about two hours; full: one large GPU (%(default)s)",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="instead of the recipe's; the schedule follows")
    parser.add_argument("--minutes", type=float, metavar="M", help="stop after this time, to go on later")
    parser.add_argument(
        "--backgrounds",
        nargs="+",
        type=path_name,
        default=[],
        metavar="VOL",
        help="MR anatomy behind half of the simulated series",
    )
    parser.add_argument("--data", type=path_name, metavar="DIR", help="own fully sampled series, half of the examples")
    parser.add_argument(
        "--weights", type=path_name, metavar="PATH", help="begin with these, not with random ones: fine-tuning"
    )
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help="weights and data (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda:N (%(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    recipe = recipe_for(options.method, options.recipe)
    if options.steps is not None:
        if options.steps < 1:
            raise InputError(f"--steps {options.steps}: expected 1 or more")
        recipe = replace(recipe, steps=options.steps)
    if options.minutes is not None and not 0.0 <= options.minutes < math.inf:
        raise InputError(f"--minutes {options.minutes}: expected 0 or more")
    _check_files(options)
    from TemporalReconLib.simulation.background_volume import BackgroundVolume
    from TemporalReconLib.training.example_stream import StreamConfig
    from TemporalReconLib.training.processes import training_process
    from TemporalReconLib.training.recorded_series import find_recordings
    from TemporalReconLib.training.run import train

    for path in options.backgrounds:
        BackgroundVolume.read(path)
    recordings = () if options.data is None else find_recordings(options.data, recipe.n_columns)
    stream = StreamConfig.of(recipe, options.seed, tuple(options.backgrounds), recordings)
    seconds = math.inf if options.minutes is None else 60.0 * options.minutes
    with Progress() as progress, training_process(options.device) as process:

        def show(report: StepReport) -> None:
            progress.show(_line(report).ljust(90))

        def show_calibration(done: int, n_series: int) -> None:
            progress.show(f"calibrating the quality signal: series {done}/{n_series}".ljust(90))

        if process.rank == 0:
            progress.show("making the first examples".ljust(90))
        trained = train(
            options.method,
            recipe,
            stream,
            options.output,
            process,
            show,
            seconds,
            show_calibration,
            options.weights,
        )
    if process.rank == 0:
        sys.stdout.write(f"{trained.summary}\n")
    return EXIT_INTERRUPTED if trained.is_interrupted else 0


def _check_files(options: argparse.Namespace) -> None:
    from TemporalReconLib.acquisition.series import check_input

    for path in options.backgrounds:
        check_input(path)
    if options.data is not None and not options.data.is_dir():
        raise InputError(f"--data {options.data}: no such folder; give one that holds fully sampled series")
    if options.weights is not None and not options.weights.exists():
        raise InputError(f"--weights {options.weights}: does not exist; give a model folder or a weights file")
    if options.output.exists() and not options.output.is_dir():
        raise InputError(f"--output {options.output}: a file of that name is there; give the name of a folder")
    require_writable(options.output / "newest.pt" if options.output.exists() else options.output)


def _line(report: StepReport) -> str:
    best = f"best {report.best:.2f} dB at the tip" if math.isfinite(report.best) else "not validated yet"
    left = duration_text(report.seconds_left)
    return f"step {report.step}/{report.steps}, {left} to go, loss {report.loss:.3f}, {best}"
