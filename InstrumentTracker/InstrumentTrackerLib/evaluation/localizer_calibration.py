"""Calibrates the mask localizer anew for the network that is shipped: one command after each training.

``python -m InstrumentTrackerLib.evaluation.localizer_calibration --output calibration.json`` simulates series that
neither training nor tests use, reconstructs and segments them, adds pictures without instrument but with what resembles
one, and fits spreads and confidence.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.simulation.simulated_series import SimulatedSeries
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.evaluation.calibration_fit import JudgedFrame, fit_calibration
from InstrumentTrackerLib.localization.masks.calibration import SHIPPED
from InstrumentTrackerLib.segmentation.network_segmenter import METHOD, NetworkSegmenter
from InstrumentTrackerLib.segmentation.segmenter import Segmenter
from InstrumentTrackerLib.training.rendered_pictures import RenderedPictures
from InstrumentTrackerLib.training.simulated_pictures import FULLY_SAMPLED, VALIDATION_SEEDS_FROM, random_series

# Behind the series that training validates on.
SEEDS_FROM = VALIDATION_SEEDS_FROM + 60_000
# What users see most, and a fully sampled picture now and then.
METHODS = ("temporal", "temporal", FULLY_SAMPLED, "temporal", "compressed-sensing")
# Neighboring frames say nearly the same.
EVERY, FIRST_FRAME = 3, 2
SERIES = 60
# Pictures with look-alikes and no instrument for each series: hardly any simulated series has such.
LOOK_ALIKES_PER_SERIES = 1


def judged_frames(segmenter: Segmenter, n_series: int, device: str) -> Iterator[JudgedFrame]:
    """Segmented pictures of simulated series of all accelerations, with their truth."""
    for number in range(n_series):
        series = random_series(SEEDS_FROM + number)
        for image in _images(series, METHODS[number % len(METHODS)], device):
            yield JudgedFrame(image, segmenter.segment(image), series.truth.frames[image.index])


def look_alikes(segmenter: Segmenter, n_pictures: int) -> Iterator[JudgedFrame]:
    """Segmented pictures without instrument, rendered as for training but from other seeds."""
    rendered = RenderedPictures(np.random.default_rng([SEEDS_FROM, n_pictures]), (), n_procedural=4, uses_of_volume=15)
    for index in range(n_pictures):
        picture = rendered.next_without_instrument()
        image = ImageFrame(picture.data, picture.ijk_to_ras, index)
        truth = FrameTruth(index, 0.0, visible=False, guide_tip=None, needle_tip=None, axis=None, width=None)
        yield JudgedFrame(image, segmenter.segment(image), truth)


def _images(series: SimulatedSeries, method: str, device: str) -> Iterator[ImageFrame]:
    if method == FULLY_SAMPLED:
        for index in range(FIRST_FRAME, series.config.frames, EVERY):
            yield ImageFrame(series.image(index), series.ijk_to_ras, index)
        return
    reconstructor = make_reconstructor(method, device)
    if series.planning is not None:
        reconstructor.set_planning(series.planning)
    for frame in series.frames:
        reconstructor.ingest(frame)
        image = reconstructor.reconstruct()
        if image is not None and image.index >= FIRST_FRAME and (image.index - FIRST_FRAME) % EVERY == 0:
            yield image


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Calibrate the mask localizer for a network.")
    parser.add_argument("--weights", type=Path, help="of the network (default: those that come with the product)")
    parser.add_argument("--series", type=int, default=SERIES, help=f"simulated series (default {SERIES})")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:0")
    parser.add_argument("--output", type=Path, default=SHIPPED, help="JSON file (default: the one that is shipped)")
    options = parser.parse_args(arguments)
    segmenter = NetworkSegmenter(torch.device(options.device), options.weights)
    n_look_alikes = LOOK_ALIKES_PER_SERIES * options.series
    frames = [
        *judged_frames(segmenter, options.series, options.device),
        *look_alikes(segmenter, n_look_alikes),
    ]
    seeds = f"seeds {SEEDS_FROM}-{SEEDS_FROM + options.series - 1}, {n_look_alikes} look-alikes"
    fit_calibration(frames, f"network {options.weights or METHOD}, {seeds}").write(options.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
