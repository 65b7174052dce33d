"""``instrument-tracker reading-list``: blinded pictures for a reader study, each reader's list, and the key."""

from __future__ import annotations

import argparse
import sys

from TemporalReconLib.cli.options import add_device_option, path_name, seed_number
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.errors import InputError

_DESCRIPTION = """Make the pictures that readers mark in the section 'Reader study' of Instrument Tracker: one frame of
each case, fully sampled and by every method and acceleration of the study, under numbers that say nothing. Every reader
gets each case in every condition, in an order of their own that is counter-balanced. CASES and --config are those of
'evaluate', which takes the answers by --reading."""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "reading-list", help="blinded pictures and lists for a reader study", description=_DESCRIPTION
    )
    parser.add_argument("cases", type=path_name, metavar="CASES", help="folder or .csv table of cases")
    parser.add_argument(
        "--output", type=path_name, required=True, metavar="DIR", help="folder for the readers, new or empty"
    )
    parser.add_argument(
        "--key", type=path_name, required=True, metavar="FILE", help="what the pictures are; keep it from the readers"
    )
    parser.add_argument("--readers", type=int, required=True, metavar="N", help="number of readers")
    parser.add_argument(
        "--config", type=path_name, metavar="FILE", help=".toml or .json: methods, accelerations, masks, point"
    )
    parser.add_argument(
        "--seed", type=seed_number, default=0, metavar="S", help="of frames, numbers and orders (%(default)s)"
    )
    parser.add_argument(
        "--absent-share",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="of the cases, that show a frame without the tip if they have one (%(default)s)",
    )
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    _check(options)
    from InstrumentTrackerLib.evaluation.study.cases.study_config import StudyConfig, read_config
    from InstrumentTrackerLib.evaluation.study.reading_preparation import ReadingPlan, prepare_reading, require_free

    require_free(options.output, options.key)
    config = StudyConfig() if options.config is None else read_config(options.config)
    plan = ReadingPlan(options.readers, options.seed, options.absent_share)
    with Progress() as progress:
        key = prepare_reading(
            options.output,
            options.key,
            options.cases,
            config,
            plan,
            options.device,
            lambda text: progress.show(text[:90].ljust(90)),
        )
    n_cases = len({(picture.patient, picture.case) for picture in key.pictures.values()})
    sys.stdout.write(
        f"{len(key.pictures)} pictures of {n_cases} cases for {options.readers} readers in {options.output}\n"
    )
    for patient, case, reason in key.excluded:
        sys.stdout.write(f"left out: {patient}/{case}: {reason}\n")
    sys.stdout.write(f"Give {options.output} to the readers and keep {options.key} from them\n")
    return 0


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.readers <= 1000:
        raise InputError(f"--readers {options.readers}: expected 1 to 1000")
    if not 0 <= options.absent_share <= 1:
        raise InputError(f"--absent-share {options.absent_share:g}: expected 0 to 1")
    if not options.cases.exists():
        raise InputError(f"{options.cases}: no such folder or table; give the cases of the study")
