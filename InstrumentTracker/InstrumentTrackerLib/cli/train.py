"""``instrument-tracker train``: learn the weights that find guide and needle."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from TemporalReconLib.cli.progress import Progress, duration_text
from TemporalReconLib.cli.runner import EXIT_INTERRUPTED
from TemporalReconLib.cli.training_options import add_training_options, check_training_options, seconds_of

from InstrumentTrackerLib.training.recipe import RECIPES

if TYPE_CHECKING:
    from InstrumentTrackerLib.training.trainer import StepReport

_DESCRIPTION = """Train the network that labels guide and needle. Examples are simulated while training goes on.
Ctrl-C, or the end of --minutes, writes checkpoints and the model so far into DIR; the same command goes on from
there."""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("train", help="train the segmenter; stops and goes on", description=_DESCRIPTION)
    add_training_options(parser, RECIPES, "about an hour", "half of the examples; without an instrument in it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    recipe = RECIPES[options.recipe]
    check_training_options(options)
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps)
    from TemporalReconLib.reconstruction.device import select_device
    from TemporalReconLib.simulation.background_volume import BackgroundVolume

    from InstrumentTrackerLib.training.example_stream import StreamConfig
    from InstrumentTrackerLib.training.run import train

    for path in options.backgrounds:
        BackgroundVolume.read(path)
    device = select_device(options.device)
    stream = StreamConfig.of(recipe, options.seed, tuple(options.backgrounds))
    with Progress() as progress:

        def show(report: StepReport) -> None:
            progress.show(_line(report).ljust(90))

        progress.show("making the first examples".ljust(90))
        trained = train(recipe, stream, options.output, device, show, seconds_of(options), options.weights)
    sys.stdout.write(f"{trained.summary}\n")
    return EXIT_INTERRUPTED if trained.is_interrupted else 0


def _line(report: StepReport) -> str:
    best = f"best score {report.best:.3f}" if math.isfinite(report.best) else "not validated yet"
    left = duration_text(report.seconds_left)
    return f"step {report.step}/{report.steps}, {left} to go, loss {report.loss:.3f}, {best}"
