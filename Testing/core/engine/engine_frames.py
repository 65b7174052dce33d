"""Frames of a still object for tests of order and flow."""

from dataclasses import replace

import numpy as np
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.fourier import image_to_kspace

ROWS, COLUMNS = 32, 24


def still_object():
    """A bright block, (slice, row, col)."""
    image = np.zeros((1, ROWS, COLUMNS), np.float32)
    image[0, 8:20, 6:15] = 1.0
    return image


def still_frame(index, acceleration=4.0, stream_id="a"):
    mask = sampling_mask("golden", ROWS, 1, acceleration, index)
    kspace = image_to_kspace(still_object())[None] * mask[None, :, :, None]
    return KSpaceFrame(
        kspace.astype(np.complex64), mask, np.diag([1.5, 1.5, 3.0, 1.0]), index, index, index + 0.5, stream_id
    )


def moved(frame, offset_mm):
    matrix = np.array(frame.ijk_to_ras)
    matrix[:3, 3] += offset_mm
    return replace(frame, ijk_to_ras=matrix)
