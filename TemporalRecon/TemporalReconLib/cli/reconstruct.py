"""``temporal-recon reconstruct``: play a file through the live pipeline and keep the images."""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import replace
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
from TemporalReconLib.cli.output_options import JSON_SUFFIXES, SEQUENCE_SUFFIXES, check_outputs
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.errors import InputError

if TYPE_CHECKING:
    from TemporalReconLib.acquisition.image_frame import ImageFrame


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("reconstruct", help="reconstruct a series frame by frame, as it would be live")
    parser.add_argument("input", type=path_name, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument("--output", type=path_name, required=True, metavar="OUT", help=".seq.nrrd (or .nrrd) to write")
    parser.add_argument(
        "--uncertainty",
        type=path_name,
        metavar="OUT",
        help=".seq.nrrd (or .nrrd) of each pixel's expected absolute error",
    )
    parser.add_argument(
        "--report",
        type=path_name,
        metavar="JSON",
        help="method, device, dropped; latency, R, quality, times of each frame",
    )
    add_method_options(parser)
    add_series_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_outputs(
        {
            "--output": (options.output, SEQUENCE_SUFFIXES),
            "--uncertainty": (options.uncertainty, SEQUENCE_SUFFIXES),
            "--report": (options.report, JSON_SUFFIXES),
        },
        options.input,
        options.prior,
    )
    check_options(options)
    from TemporalReconLib.acquisition.sequence_writer import write_image_sequence
    from TemporalReconLib.engine.offline import SeriesOptions, open_for_playing, reconstruct_series
    from TemporalReconLib.engine.recording_log import find_log
    from TemporalReconLib.engine.replay import replay
    from TemporalReconLib.reconstruction.registry import make_reconstructor

    series = series_options(options)
    log = find_log(options.input)
    if log is not None and series != SeriesOptions():
        raise InputError(
            f"{options.input}: a recording is played as it was; leave --acceleration, --mask, --mask-seed, --prior and "
            "--frames out, or give one of its .h5 files"
        )
    opened = open_for_playing(options.input, series)
    reconstructor = make_reconstructor(options.method, options.device, options.weights)
    images, uncertainties = [], []
    with Progress() as progress:
        for image in reconstruct_series(opened, reconstructor) if log is None else replay(log, reconstructor):
            images.append(image)
            if options.uncertainty is not None:
                uncertainties.append(uncertainty_of(image, options.uncertainty))
            progress.show(f"frame {len(images)}/{len(opened)}  {image.latency_s * 1e3:.0f} ms")
        if images:
            progress.show(_summary(images))
    write_image_sequence(options.output, images)
    if options.uncertainty is not None:
        write_image_sequence(options.uncertainty, uncertainties)
    if options.report is not None:
        write_report(options.report, images, str(reconstructor.device), n_dropped=len(opened) - len(images))
    return 0


def _summary(images: list[ImageFrame]) -> str:
    """What a user wants to know first: how many, by what, how fast, and how many are not to be believed."""
    median_ms = statistics.median(image.latency_s for image in images) * 1e3
    n_unreliable = sum(image.is_unreliable for image in images)
    doubt = f"; {n_unreliable} unreliable by the method's own quality" if n_unreliable else ""
    return f"{len(images)} frames by {images[0].method}, {median_ms:.0f} ms each (median){doubt}"


def uncertainty_of(image: ImageFrame, path: Path) -> ImageFrame:
    """The uncertainty of an image as an image of its own.

    Raises
    ------
    InputError
        If the method gives none.
    """
    if image.uncertainty is None:
        raise InputError(f"--uncertainty {path}: method '{image.method}' gives no uncertainty; take --method temporal")
    return replace(image, data=image.uncertainty, complex_data=None, uncertainty=None)


def write_report(path: Path, images: list[ImageFrame], device: str, n_dropped: int) -> None:
    """Write what each frame took as JSON, whole or not at all."""
    from TemporalReconLib.acquisition.output_file import written_atomically

    report = {
        "method": images[0].method,
        "device": device,
        "dropped": n_dropped,
        "frames": [
            {
                "index": image.index,
                "latency_ms": round(image.latency_s * 1e3, 3),
                "acceleration": round(image.acceleration, 3),
                "quality": None if image.quality is None else round(image.quality, 3),
                "acquisition_start_time_s": image.acquisition_start_time,
                "acquisition_end_time_s": image.acquisition_end_time,
            }
            for image in images
        ],
    }
    with written_atomically(path) as temporary:
        temporary.write_text(json.dumps(report, indent=1), encoding="utf-8")
