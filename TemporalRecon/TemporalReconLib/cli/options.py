"""Options that several subcommands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.reconstruction.registry import DEFAULT_METHOD, METHOD_NAMES

if TYPE_CHECKING:
    from TemporalReconLib.engine.offline import SeriesOptions

INPUT_HELP = (
    "ISMRMRD .h5, fastMRI .h5, .nrrd, .seq.nrrd, .mha, .nii.gz (magnitude, or two components real and imaginary) "
    "or a DICOM folder"
)


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """``--method --weights --device``."""
    parser.add_argument("--method", default=DEFAULT_METHOD, help=f"one of {', '.join(METHOD_NAMES)} (%(default)s)")
    parser.add_argument("--weights", type=Path, help="weights of a learned method")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda:N (%(default)s)")


def add_series_options(parser: argparse.ArgumentParser) -> None:
    """``--acceleration --mask --mask-seed --prior --frames``: how a file becomes a series of frames."""
    parser.add_argument("--acceleration", type=float, metavar="R", help="undersample a fully sampled INPUT R times")
    parser.add_argument("--mask", choices=MASK_KINDS, default="paper", help="order of the lines (%(default)s)")
    parser.add_argument("--mask-seed", type=seed_number, default=0, metavar="S", help="seed of the masks (%(default)s)")
    parser.add_argument("--prior", type=Path, metavar="VOLUME", help="fully sampled planning image, same geometry")
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


def series_options(options: argparse.Namespace) -> SeriesOptions:
    """The parsed ``add_series_options``."""
    from TemporalReconLib.engine.offline import SeriesOptions

    return SeriesOptions(options.acceleration, options.mask, options.mask_seed, options.frames, options.prior)
