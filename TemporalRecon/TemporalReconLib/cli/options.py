"""Options that several subcommands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.reconstruction.registry import DEFAULT_METHOD, METHOD_NAMES, check_method

if TYPE_CHECKING:
    from TemporalReconLib.engine.offline import SeriesOptions

INPUT_HELP = (
    "ISMRMRD .h5 (raw data or images), fastMRI .h5, .nrrd, .seq.nrrd, .mha, .nii.gz (magnitude, or two components "
    "real and imaginary), a DICOM folder, or the .jsonl log of a recording (or its folder)"
)


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """``--method --weights --device``."""
    parser.add_argument("--method", default=DEFAULT_METHOD, help=f"one of {', '.join(METHOD_NAMES)} (%(default)s)")
    parser.add_argument("--weights", type=path_name, help="weights of a learned method")
    add_device_option(parser)


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """``--device``."""
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda:N (%(default)s)")


def add_series_options(parser: argparse.ArgumentParser) -> None:
    """``--acceleration --mask --mask-seed --prior --frames``: how a file becomes a series of frames."""
    parser.add_argument("--acceleration", type=float, metavar="R", help="undersample a fully sampled INPUT R times")
    parser.add_argument("--mask", choices=MASK_KINDS, default="paper", help="order of the lines (%(default)s)")
    parser.add_argument("--mask-seed", type=seed_number, default=0, metavar="S", help="seed of the masks (%(default)s)")
    parser.add_argument("--prior", type=path_name, metavar="VOLUME", help="fully sampled planning image, same geometry")
    parser.add_argument(
        "--frames",
        default="time",
        metavar="time|slices|repeat:N",
        help="play time points, the slices of one volume, or one volume N times (%(default)s)",
    )


def seed_number(text: str) -> int:
    """A seed from the command line; argparse turns the error into its line."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no seed; expected a whole number from 0")
    return int(text)


def path_name(text: str) -> Path:
    """A path from the command line. An empty one, as from an unset shell variable, does not mean this folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty; give a file or a folder")
    return Path(text)


def check_options(options: argparse.Namespace) -> None:
    """Refuse at once, before torch is imported, what cannot be read or is no method.

    Raises
    ------
    InputError
        If INPUT or the planning image is missing or of an unknown kind, or the method is unknown.
    """
    from TemporalReconLib.acquisition.series import check_input
    from TemporalReconLib.engine.recording_log import find_log

    if find_log(options.input) is None:
        check_input(options.input)
    if options.prior is not None:
        check_input(options.prior)
    check_method(options.method, options.weights)


def series_options(options: argparse.Namespace) -> SeriesOptions:
    """The parsed ``add_series_options``."""
    from TemporalReconLib.engine.offline import SeriesOptions

    return SeriesOptions(options.acceleration, options.mask, options.mask_seed, options.frames, options.prior)
