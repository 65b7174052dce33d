"""``instrument-tracker track``: the needle in every frame of a file, as a table."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
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

if TYPE_CHECKING:
    from TemporalReconLib.acquisition.image_frame import ImageFrame
    from TemporalReconLib.engine.offline import OpenedSeries

    from InstrumentTrackerLib.targeting.target import Target


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("track", help="find guide and needle in every frame of a file")
    parser.add_argument("input", type=path_name, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument("--output", type=Path, required=True, metavar="CSV", help="table to write, one row per frame")
    parser.add_argument("--mask-output", type=Path, metavar="M", help="labels (1 guide, 2 needle) as .seq.nrrd")
    add_target_options(parser)
    add_method_options(parser)
    add_series_options(parser)
    parser.set_defaults(run=run)


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """``--target --entry``; values may begin with a minus: ``--target=-12,30,5``."""
    parser.add_argument("--target", metavar="R,A,S", help="planned biopsy target, RAS mm")
    parser.add_argument("--entry", metavar="R,A,S", help="planned entry point, RAS mm")


def target_of(options: argparse.Namespace) -> Target | None:
    """The parsed ``add_target_options``; raises InputError for an entry without a target."""
    from InstrumentTrackerLib.targeting.target import Target

    return Target.parse(options.target, options.entry)


def run(options: argparse.Namespace) -> int:
    check_outputs(
        {"--output": (options.output, TABLE_SUFFIXES), "--mask-output": (options.mask_output, SEQUENCE_SUFFIXES)},
        options.input,
        options.prior,
    )
    check_options(options)
    target = target_of(options)
    import numpy as np
    from TemporalReconLib.acquisition.sequence_writer import write_label_sequence
    from TemporalReconLib.engine.offline import open_for_playing

    opened = open_for_playing(options.input, series_options(options))
    from InstrumentTrackerLib.pipeline import TrackingPipeline
    from InstrumentTrackerLib.track_table import write_track

    pipeline = TrackingPipeline(target)
    rows, labels, images = [], [], []
    with Progress() as progress:
        for image in images_of(opened, options):
            guidance = pipeline.push(image)
            rows.append((guidance.tracked, guidance.error))
            if options.mask_output is not None:
                images.append(image)
                labels.append(np.zeros(image.data.shape, np.uint8) if guidance.mask is None else guidance.mask.labels)
            progress.show(f"frame {len(rows)}/{len(opened)}  {guidance.tracked.state.value:<10}")
    write_track(options.output, rows)
    if options.mask_output is not None:
        write_label_sequence(options.mask_output, labels, images)
    return 0


def images_of(opened: OpenedSeries, options: argparse.Namespace) -> Iterator[ImageFrame]:
    """Pictures of a series: images as they are, k-space reconstructed as it would be live."""
    from TemporalReconLib.acquisition.image_frame import ImageFrame
    from TemporalReconLib.engine.offline import reconstruct_series
    from TemporalReconLib.reconstruction.registry import make_reconstructor

    reconstructor = make_reconstructor(options.method, options.device, options.weights)
    if opened.series.is_kspace:
        yield from reconstruct_series(opened, reconstructor)
        return
    for frame in opened.frames():
        assert isinstance(frame, ImageFrame)
        yield frame
