"""``instrument-tracker track``: the needle in every frame of a file, as a table."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from TemporalReconLib.cli.options import (
    INPUT_HELP,
    add_method_options,
    add_series_options,
    check_options,
    path_name,
    series_options,
)
from TemporalReconLib.cli.output_options import SEQUENCE_SUFFIXES, TABLE_SUFFIXES, check_outputs
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.cli.guidance_options import (
    add_needle_options,
    add_target_options,
    add_tracking_options,
    check_tracking_options,
    needle_of,
    tracking_pipeline,
)

if TYPE_CHECKING:
    from TemporalReconLib.engine.offline import OpenedSeries

    from InstrumentTrackerLib.targeting.targeting_error import TargetingError
    from InstrumentTrackerLib.targeting.targets import Targets
    from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("track", help="find guide and needle in every frame of a file")
    parser.add_argument("input", type=path_name, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument(
        "--output", type=path_name, required=True, metavar="CSV", help="table to write, one row per frame"
    )
    parser.add_argument(
        "--mask-output",
        type=path_name,
        metavar="M",
        help="guide and needle as .seq.nrrd (all frames) or .seg.nrrd (the newest with an instrument); Slicer loads "
        "both as a segmentation",
    )
    parser.add_argument(
        "--targeting-output", type=path_name, metavar="CSV", help="errors and core forecast of every frame and target"
    )
    add_target_options(parser, several=True)
    add_needle_options(parser)
    add_tracking_options(parser)
    add_method_options(parser)
    add_series_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_outputs(
        {
            "--output": (options.output, TABLE_SUFFIXES),
            "--mask-output": (options.mask_output, SEQUENCE_SUFFIXES),
            "--targeting-output": (options.targeting_output, TABLE_SUFFIXES),
        },
        options.input,
        options.prior,
    )
    check_options(options)
    check_tracking_options(options)
    targets, needle = _targets(options), needle_of(options)
    if options.targeting_output is not None and not len(targets):
        raise InputError(f"--targeting-output {options.targeting_output}: nothing to measure against; add --target")
    from TemporalReconLib.engine.offline import open_for_playing

    opened = open_for_playing(options.input, series_options(options))
    _warn_of_targets_outside(targets, opened)
    from TemporalReconLib.reconstruction.registry import make_reconstructor

    from InstrumentTrackerLib.guidance.played import guidance_of
    from InstrumentTrackerLib.segmentation.mask_file import write_masks
    from InstrumentTrackerLib.targeting.targeting_table import write_targeting
    from InstrumentTrackerLib.track_table import write_track

    pipeline = tracking_pipeline(options, next(iter(targets), None))
    reconstructor = make_reconstructor(options.method, options.device, options.weights)
    poses, errors, labels, images = [], [], [], []
    n_unreliable = 0
    with Progress() as progress:
        for guidance in guidance_of(opened, pipeline, reconstructor):
            poses.append(guidance.tracked)
            errors.append(guidance.error)
            n_unreliable += guidance.image.is_unreliable
            if options.mask_output is not None:
                images.append(guidance.image)
                labels.append(guidance.labels)
            progress.show(f"frame {len(poses)}/{len(opened)}  {guidance.tracked.state.value:<10}")
        progress.show(_summary(poses, errors, n_unreliable, next((target.name for target in targets), "")))
    write_track(options.output, list(zip(poses, errors, strict=True)))
    if options.targeting_output is not None:
        write_targeting(options.targeting_output, poses, targets, needle)
    if options.mask_output is not None:
        write_masks(options.mask_output, labels, images)
    return 0


def _summary(poses: list[TrackedPose], errors: list[TargetingError | None], n_unreliable: int, target: str) -> str:
    """How often the instrument was found, in what pictures, and how near its tip came to the first target."""
    counts = Counter(pose.state.value for pose in poses)
    states = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    nearest = min((error.distance_mm for error in errors if error is not None), default=None)
    reached = "" if nearest is None else f"; nearest to {target} {nearest:.1f} mm"
    doubt = f"; {n_unreliable} pictures unreliable by their method's own quality" if n_unreliable else ""
    return f"{len(poses)} frames: {states}{reached}{doubt}"


def _targets(options: argparse.Namespace) -> Targets:
    from InstrumentTrackerLib.targeting.target_file import is_target_file, read_target_file
    from InstrumentTrackerLib.targeting.targets import Targets

    places = [text for text in options.target if not is_target_file(text)]
    files = [Path(text) for text in options.target if is_target_file(text)]
    if not files:
        return Targets.parse(places, options.entry, options.target_radius)
    if options.entry is not None or places:
        raise InputError(f"--target {files[0]}: a file holds a whole plan; give it without --entry and other targets")
    if len(files) > 1:
        raise InputError(f"--target {files[1]}: a second file; give one")
    return read_target_file(files[0], options.target_radius)


def _warn_of_targets_outside(targets: Targets, opened: OpenedSeries) -> None:
    from InstrumentTrackerLib.targeting.target_bounds import outside_warning

    first = opened.series.frame(0)
    if not first.has_geometry:
        return
    for target in targets:
        warning = outside_warning(target, first.ijk_to_ras, opened.series.image_shape)
        if warning is not None:
            sys.stderr.write(f"warning: {warning}\n")
