"""``instrument-tracker demo``: the main job on a simulated case or a user's file."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from TemporalReconLib.cli.options import (
    INPUT_HELP,
    add_method_options,
    add_series_options,
    path_name,
    seed_number,
    series_options,
)
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.cli.guidance_options import (
    add_target_options,
    add_tracking_options,
    check_tracking_options,
    target_of,
    tracking_arguments,
    tracking_pipeline,
)


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("demo", help="play a biopsy live, end to end, and draw what the clinician sees")
    parser.add_argument(
        "--output", type=path_name, default=Path("demo-output"), metavar="DIR", help="where to write (%(default)s)"
    )
    parser.add_argument(
        "--input", type=path_name, metavar="CASE", help=f"play this instead of a simulation: {INPUT_HELP}"
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the simulation (%(default)s)")
    add_target_options(parser)
    add_tracking_options(parser)
    add_method_options(parser)
    add_series_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from TemporalReconLib.engine.offline import open_for_playing

    _check(options)  # before the scene is loaded, the folder made and a minute spent on a simulation
    from InstrumentTrackerLib.demo.case import Case, simulated_case
    from InstrumentTrackerLib.demo.demo import run_demo
    from InstrumentTrackerLib.demo.summary import table
    from InstrumentTrackerLib.targeting.target import Target

    begin = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - begin:5.1f} s] {text}\n")
        sys.stdout.flush()

    target = target_of(options)
    output: Path = options.output
    _make_folder(output)
    if options.input is None:
        say("simulating a biopsy (R = 16, raw multi-coil k-space)")
        case = simulated_case(output, options.seed)
        if target is None and case.truth is not None and case.truth.target is not None:
            target = Target(case.truth.target, case.truth.entry)
    else:
        case = Case(options.input, _series_arguments(options))
    opened = open_for_playing(case.path, series_options(options))
    engine_arguments = ["--method", options.method, "--device", options.device]
    engine_arguments += tracking_arguments(options)
    if options.weights is not None:
        engine_arguments += ["--weights", str(options.weights)]
    summary = run_demo(case, opened, target, output, engine_arguments, say)
    say("done")
    sys.stdout.write(
        f"\n{table(summary)}\n\nLook at {output.absolute()}: *.png, biopsy.gif; open biopsy.mrb in Slicer\n"
    )
    if not summary["frames_received"]:
        raise InputError(f"no frame came back from the engine; see {output / 'InstrumentTrackerLib.log'}")
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what the engine or the player would refuse later, and what a simulated case does not heed."""
    from TemporalReconLib.engine.offline import SeriesOptions, open_for_playing
    from TemporalReconLib.reconstruction.registry import check_method, make_reconstructor

    check_tracking_options(options)
    check_method(options.method, options.weights)
    if options.input is None and series_options(options) != SeriesOptions():
        raise InputError(
            "the simulated case is played as it was simulated; leave --acceleration, --mask, --mask-seed, --prior and "
            "--frames out, or give a file with --input"
        )
    if options.input is not None:
        open_for_playing(options.input, series_options(options))
    make_reconstructor(options.method, options.device, options.weights)  # imports torch, which takes longest
    tracking_pipeline(options, target_of(options))


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {output}: {error.strerror}; choose another --output") from None


def _series_arguments(options: argparse.Namespace) -> list[str]:
    arguments = ["--frames", options.frames, "--mask", options.mask, "--mask-seed", str(options.mask_seed)]
    if options.acceleration is not None:
        arguments += ["--acceleration", str(options.acceleration)]
    if options.prior is not None:
        arguments += ["--prior", str(options.prior)]
    return arguments
