"""``temporal-recon train``: learn the weights of a method from simulated biopsies and own series."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from TemporalReconLib.cli.options import path_name
from TemporalReconLib.cli.progress import Progress, duration_text
from TemporalReconLib.cli.runner import EXIT_INTERRUPTED
from TemporalReconLib.cli.training_options import add_training_options, check_training_options, seconds_of
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
    add_training_options(parser, RECIPES, "about two hours", "half of the simulated series")
    parser.add_argument(
        "--method", choices=TRAINABLE_METHODS, default=TRAINABLE_METHODS[0], help="what to train (%(default)s)"
    )
    parser.add_argument("--data", type=path_name, metavar="DIR", help="own fully sampled series, half of the examples")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    recipe = recipe_for(options.method, options.recipe)
    check_training_options(options)
    if options.data is not None and not options.data.is_dir():
        raise InputError(f"--data {options.data}: no such folder; give one that holds fully sampled series")
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps)
    from TemporalReconLib.simulation.background_volume import BackgroundVolume
    from TemporalReconLib.training.example_stream import StreamConfig
    from TemporalReconLib.training.processes import training_process
    from TemporalReconLib.training.recorded_series import find_recordings
    from TemporalReconLib.training.run import train

    for path in options.backgrounds:
        BackgroundVolume.read(path)
    recordings = () if options.data is None else find_recordings(options.data, recipe.n_columns)
    stream = StreamConfig.of(recipe, options.seed, tuple(options.backgrounds), recordings)
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
            seconds_of(options),
            show_calibration,
            options.weights,
        )
    if process.rank == 0:
        sys.stdout.write(f"{trained.summary}\n")
    return EXIT_INTERRUPTED if trained.is_interrupted else 0


def _line(report: StepReport) -> str:
    best = f"best {report.best:.2f} dB at the tip" if math.isfinite(report.best) else "not validated yet"
    left = duration_text(report.seconds_left)
    return f"step {report.step}/{report.steps}, {left} to go, loss {report.loss:.3f}, {best}"
