"""Masks of a series as a file that Slicer loads with names and colors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.segment_fields import Segment
from TemporalReconLib.acquisition.sequence_writer import write_label_sequence

from InstrumentTrackerLib.palette import GUIDE_COLOR, NEEDLE_COLOR
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL

# Names and colors as in the live scene.
SEGMENTS = (Segment("Guide", GUIDE_LABEL, GUIDE_COLOR), Segment("Needle", NEEDLE_LABEL, NEEDLE_COLOR))


def write_masks(path: Path, labels: Sequence[NDArray[np.uint8]], images: Sequence[ImageFrame]) -> None:
    """Write one label map, uint8 (slice, row, col), for each image.

    ``.seq.nrrd`` holds all frames: Slicer's Sequences play them as label maps, and loaded as *Segmentation* the file
    gives the newest frame that shows the instrument. ``.seg.nrrd`` holds that frame alone. A Slicer file that is a
    sequence and carries names and colors for every frame does not exist in NRRD.

    Raises
    ------
    InputError
        As :func:`~TemporalReconLib.acquisition.sequence_writer.write_label_sequence`.
    """
    write_label_sequence(path, labels, images, SEGMENTS)
