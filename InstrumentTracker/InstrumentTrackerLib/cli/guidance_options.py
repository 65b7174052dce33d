"""Options of every subcommand that follows an instrument: target, needle, segmentation."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from TemporalReconLib.cli.options import path_name

from InstrumentTrackerLib.segmentation.registry import (
    DEFAULT_SEGMENTER,
    SEGMENTERS,
    check_segmenter,
    make_segmenter,
    missing_calibration,
    model_of,
)
from InstrumentTrackerLib.targeting.needle_materials import NEEDLE_MATERIALS

if TYPE_CHECKING:
    from InstrumentTrackerLib.pipeline import TrackingPipeline
    from InstrumentTrackerLib.targeting.artifact_correction import ArtifactCorrection
    from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
    from InstrumentTrackerLib.targeting.target import Target


def add_target_options(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """``--target --entry``; values may begin with a minus: ``--target=-12,30,5``.

    Parameters
    ----------
    several
        Whether ``--target`` may be given again, and with a name; what is parsed is then a list.
    """
    if several:
        parser.add_argument(
            "--target",
            action="append",
            default=[],
            metavar="[NAME=]R,A,S|FILE",
            help="planned biopsy target, RAS mm; give several for --targeting-output, the first counts for --output. "
            "Or one file of targets: Slicer markups (.mrk.json; a point called entry is the entry) or a table (.csv) "
            "of name,R,A,S",
        )
    else:
        parser.add_argument("--target", metavar="R,A,S", help="planned biopsy target, RAS mm")
    parser.add_argument("--entry", metavar="R,A,S", help="planned entry point, RAS mm")


def add_segmenter_options(parser: argparse.ArgumentParser) -> None:
    """``--segmenter --segmenter-weights``."""
    parser.add_argument(
        "--segmenter",
        default=DEFAULT_SEGMENTER,
        metavar="SPEC",
        help=f"what marks guide and needle: {SEGMENTERS}; labels of other names are given as "
        "nnunet:FOLDER?guide=1&needle=2 (%(default)s)",
    )
    parser.add_argument(
        "--segmenter-weights", type=path_name, metavar="PATH", help="weights of our segmentation network"
    )


def add_tracking_options(parser: argparse.ArgumentParser) -> None:
    """``--segmenter --segmenter-weights --artifact-correction --field-strength --echo-time``."""
    add_segmenter_options(parser)
    parser.add_argument(
        "--artifact-correction",
        choices=NEEDLE_MATERIALS,
        metavar="MATERIAL",
        help=f"estimate the metal's tip from the void's, for a needle of {', '.join(NEEDLE_MATERIALS)} (off)",
    )
    parser.add_argument(
        "--field-strength", type=float, default=3.0, metavar="T", help="for that estimate (%(default)s T)"
    )
    parser.add_argument("--echo-time", type=float, default=2.28, metavar="MS", help="likewise (%(default)s ms)")


def target_of(options: argparse.Namespace) -> Target | None:
    """The parsed ``add_target_options``; raises InputError for an entry without a target."""
    from InstrumentTrackerLib.targeting.target import Target

    return Target.parse(options.target, options.entry)


def add_needle_options(parser: argparse.ArgumentParser) -> None:
    """``--target-radius --needle-throw --needle-notch --needle-dead-tip``, in mm."""
    for name, default, text in (
        ("--target-radius", 3.0, "a core this near to the target's middle samples it"),
        ("--needle-throw", 22.0, "how far the gun throws the needle"),
        ("--needle-notch", 18.0, "length of the notch"),
        ("--needle-dead-tip", 4.0, "from the notch's end to the very tip"),
    ):
        parser.add_argument(name, type=float, default=default, metavar="MM", help=f"{text} (%(default)s mm)")


def needle_of(options: argparse.Namespace) -> BiopsyNeedle:
    """The parsed ``add_needle_options``; raises InputError for lengths that no needle has."""
    from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle

    return BiopsyNeedle(options.needle_throw, options.needle_notch, options.needle_dead_tip)


def check_tracking_options(options: argparse.Namespace) -> None:
    """Refuse at once, before torch is imported, a segmenter that cannot be meant; raises InputError."""
    check_segmenter(options.segmenter, options.segmenter_weights)


def tracking_pipeline(options: argparse.Namespace, target: Target | None) -> TrackingPipeline:
    """What ``add_tracking_options`` ask for; a network without a calibration of its own is told on stderr.

    Raises
    ------
    InputError
        If a segmenter's model or its calibration cannot be used.
    """
    from InstrumentTrackerLib.localization.masks.calibration import Calibration
    from InstrumentTrackerLib.pipeline import TrackingPipeline

    segmenter = make_segmenter(options.segmenter, options.device, options.segmenter_weights)
    sys.stderr.write(missing_calibration(options.segmenter, options.segmenter_weights))
    calibration = Calibration.of_model(model_of(options.segmenter, options.segmenter_weights))
    return TrackingPipeline(target, segmenter, _correction(options), calibration)


def tracking_arguments(options: argparse.Namespace) -> list[str]:
    """The parsed ``add_tracking_options`` as words for an engine's command line."""
    words = ["--segmenter", options.segmenter]
    if options.segmenter_weights is not None:
        words += ["--segmenter-weights", str(options.segmenter_weights)]
    if options.artifact_correction is not None:
        words += ["--artifact-correction", options.artifact_correction]
        words += ["--field-strength", str(options.field_strength), "--echo-time", str(options.echo_time)]
    return words


def _correction(options: argparse.Namespace) -> ArtifactCorrection | None:
    if options.artifact_correction is None:
        return None
    from InstrumentTrackerLib.targeting.artifact_correction import ArtifactCorrection

    return ArtifactCorrection(options.artifact_correction, options.field_strength, options.echo_time)
