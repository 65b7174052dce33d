"""``instrument-tracker calibrate``: what the masks of a network are worth."""

from __future__ import annotations

import argparse
import os
import sys
import time

from TemporalReconLib.cli.options import add_device_option, path_name
from TemporalReconLib.cli.progress import Progress, duration_text
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.cli.guidance_options import add_segmenter_options
from InstrumentTrackerLib.segmentation.registry import (
    CLASSICAL,
    calibration_file,
    check_segmenter,
    make_segmenter,
    model_of,
)

_DESCRIPTION = """Fit confidence and stated spreads to what a segmenter finds in simulated series: after each training,
and for a network of your own. track, serve, benchmark and evaluate take the file that lies beside the network."""
_SERIES, _FEWEST = 60, 10


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("calibrate", help="fit confidence to a segmenter", description=_DESCRIPTION)
    add_segmenter_options(parser)
    parser.add_argument("--series", type=int, default=_SERIES, metavar="N", help="simulated series (%(default)s)")
    parser.add_argument(
        "--backgrounds",
        nargs="+",
        type=path_name,
        default=[],
        metavar="VOL",
        help="MR anatomy behind half of them; without an instrument in it",
    )
    add_device_option(parser)
    parser.add_argument("--output", type=path_name, metavar="JSON", help="(beside the network, where it is looked for)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.series < _FEWEST:
        raise InputError(f"--series {options.series}: expected {_FEWEST} or more; with fewer nothing can be fitted")
    kind = check_segmenter(options.segmenter, options.segmenter_weights).kind
    if kind == CLASSICAL:
        raise InputError(f"segmenter '{kind}' draws its mask from the pose; there is nothing to calibrate")
    model = model_of(options.segmenter, options.segmenter_weights)
    if options.output is not None:
        output = options.output
    elif model is not None:
        output = calibration_file(model)
    else:
        raise InputError(
            "the network that comes with this software has its calibration; name your own by --segmenter-weights or "
            "--segmenter, or a file by --output"
        )
    # Found out now, not after ten minutes.
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise InputError(f"--output {output}: {output.parent} is no folder that can be written to")
    segmenter = make_segmenter(options.segmenter, options.device, options.segmenter_weights)
    assert segmenter is not None
    from TemporalReconLib.reconstruction.device import select_device

    from InstrumentTrackerLib.evaluation.localizer_calibration import calibrated

    begin = time.monotonic()
    with Progress() as progress:

        def show(number: int) -> None:
            left = (time.monotonic() - begin) / max(number - 1, 1) * (options.series - number + 1)
            to_go = "" if number == 1 else f", {duration_text(left)} to go"
            progress.show(f"series {number}/{options.series}{to_go}".ljust(50))

        source = kind if model is None else f"{kind} {model.name}"
        calibration = calibrated(
            segmenter, source, str(select_device(options.device)), options.series, options.backgrounds, show
        )
    calibration.write(output)
    sys.stdout.write(f"{output}: {calibration.provenance}\n")
    return 0
