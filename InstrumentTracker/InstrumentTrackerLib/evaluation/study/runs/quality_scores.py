"""Image quality of a frame beside its reference: noise, its spectrum, and what an observer sees of the tip."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import spacing_of
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.evaluation.study.runs.noise_scores import noise_scores, noise_spectrum, tissue_level
from InstrumentTrackerLib.evaluation.study.runs.tip_channels import tip_channels

Row = dict[str, Any]


def quality_scores(
    picture: ImageFrame, reference: ImageFrame, mask: NDArray[np.bool_] | None, truth: FrameTruth | None, point: str
) -> Row:
    """Scores of :mod:`noise_scores` and outputs of :mod:`tip_channels`; what is not defined is left out.

    Parameters
    ----------
    picture
        At the scale of ``reference``; where both are the same there is no noise to speak of.
    mask
        The instrument's pixels, None where they are not known.
    truth
        None where nothing is known of the frame.
    point
        ``guide`` or ``needle``: whose tip is looked for.
    """
    column_mm, row_mm, slice_mm = (float(size) for size in spacing_of(reference.ijk_to_ras))
    row: Row = {}
    # Where the picture is the reference itself, so are its pixels.
    if not np.array_equal(picture.data, reference.data):
        row |= noise_scores(picture.data, reference.data, mask, (slice_mm, row_mm, column_mm))
        spectrum = noise_spectrum(picture.data, reference.data, (row_mm, column_mm))
        if spectrum:
            row["noise_spectrum"] = spectrum
    tip = getattr(truth, f"{point}_tip") if truth is not None and truth.visible else None
    if truth is not None and tip is not None and truth.axis is not None:
        row |= tip_channels(picture, tissue_level(reference.data), tip, truth.axis)
    return row
