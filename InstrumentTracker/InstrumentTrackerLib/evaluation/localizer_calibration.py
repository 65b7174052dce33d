"""What a segmenter's masks are worth: fitted on simulated series that neither training nor tests use.

They are reconstructed and segmented, over time and some over the slices of a volume; pictures without instrument, but
with what resembles one, are added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.simulation.simulated_series import SimulatedSeries
from TemporalReconLib.simulation.truth import FrameTruth
from TemporalReconLib.training.stored_series import VALIDATION_SEEDS_FROM

from InstrumentTrackerLib.evaluation.calibration_fit import JudgedFrame, fit_calibration
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.segmentation.segmenter import Segmenter
from InstrumentTrackerLib.training.rendered_pictures import RenderedPictures
from InstrumentTrackerLib.training.simulated_pictures import FULLY_SAMPLED, random_series
from InstrumentTrackerLib.training.swept_pictures import swept_images

# Behind the series that training validates on.
SEEDS_FROM = VALIDATION_SEEDS_FROM + 60_000
# What users see most, and a fully sampled picture now and then.
METHODS = ("temporal", "temporal", FULLY_SAMPLED, "temporal", "compressed-sensing")
# Neighboring frames say nearly the same.
EVERY, FIRST_FRAME = 3, 2
# One volume whose slices are played as time after so many series.
SWEPT_AFTER = 4
# Pictures with look-alikes and no instrument for each series, a fifth of all: hardly any simulated series has such.
LOOK_ALIKES_PER_SERIES = 2
FEWEST_SIGHTS = 30


def calibrated(
    segmenter: Segmenter,
    source: str,
    device: str,
    n_series: int,
    backgrounds: Sequence[Path] = (),
    show: Callable[[int], None] | None = None,
) -> Calibration:
    """Spreads and confidence of the mask localizer with this segmenter.

    Parameters
    ----------
    source
        What the segmenter is, for the calibration's provenance.
    device
        ``cpu`` or ``cuda:N``, for the reconstruction.
    backgrounds
        Volumes of real anatomy, in turn behind every other series and half of the look-alikes.
    show
        Called with the number of each series when it is begun, from 1.

    Raises
    ------
    InputError
        If the segmenter finds too little to fit anything.
    """
    frames: list[JudgedFrame] = []
    for number in range(n_series):
        if show is not None:
            show(number + 1)
        series = random_series(SEEDS_FROM + number, _every_other(backgrounds, number))
        for image in _images(series, METHODS[number % len(METHODS)], device):
            frames.append(JudgedFrame(image, segmenter.segment(image), series.truth.frames[image.index]))
        if number % SWEPT_AFTER == 0:
            background = _every_other(backgrounds, number // SWEPT_AFTER)
            for swept in swept_images(SEEDS_FROM + number, background, "temporal", device):
                frames.append(JudgedFrame(swept.image, segmenter.segment(swept.image), swept.truth))
    n_look_alikes = LOOK_ALIKES_PER_SERIES * n_series
    frames.extend(look_alikes(segmenter, n_look_alikes, backgrounds))
    n_found = sum(bool(frame.mask.labels.any()) for frame in frames)
    if n_found < FEWEST_SIGHTS:
        raise InputError(
            f"{source} marks something in {n_found} of {len(frames)} simulated pictures; {FEWEST_SIGHTS} are needed to "
            "fit its confidence: does it label guide and needle, on pictures like these?"
        )
    n_swept = -(-n_series // SWEPT_AFTER)
    seeds = f"seeds {SEEDS_FROM}-{SEEDS_FROM + n_series - 1}, {n_swept} of them also slice by slice, "
    seeds += f"{n_look_alikes} look-alikes"
    if backgrounds:
        seeds += f", half of them on {len(backgrounds)} volumes of real anatomy"
    return fit_calibration(frames, f"{source}, {seeds}")


def look_alikes(segmenter: Segmenter, n_pictures: int, backgrounds: Sequence[Path] = ()) -> Iterator[JudgedFrame]:
    """Segmented pictures without instrument, rendered as for training but from other seeds."""
    generator = np.random.default_rng([SEEDS_FROM, n_pictures])
    rendered = RenderedPictures(generator, backgrounds, n_procedural=4, uses_of_volume=15)
    for index in range(n_pictures):
        picture = rendered.next_without_instrument()
        image = ImageFrame(picture.data, picture.ijk_to_ras, index)
        truth = FrameTruth(index, 0.0, visible=False, guide_tip=None, needle_tip=None, axis=None, width=None)
        yield JudgedFrame(image, segmenter.segment(image), truth)


def _every_other(backgrounds: Sequence[Path], number: int) -> Path | None:
    return backgrounds[number // 2 % len(backgrounds)] if backgrounds and number % 2 else None


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
