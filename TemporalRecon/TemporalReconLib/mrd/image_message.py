"""Reconstructed images as MRD images, one per slice, as scanners take them."""

from __future__ import annotations

import ismrmrd
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import LPS_TO_RAS, directions_of, spacing_of, transform_points

SERIES_INDEX = 1


def mrd_images(
    frame: ImageFrame, with_phase: bool = False, table: NDArray[np.float64] | None = None
) -> list[ismrmrd.Image]:
    """One float32 magnitude image per slice, positions and directions LPS; complex64 ``with_phase`` where it is known.

    The position is that of pixel (columns // 2, rows // 2) of its slice, as in the raw data. Without a known
    place, position and directions are zero. ``table`` is the patient table's position as the scanner stated it, (3,).
    """
    pixels = frame.complex_data if with_phase and frame.complex_data is not None else frame.data
    n_slices, rows, columns = frame.data.shape
    spacing = spacing_of(frame.ijk_to_ras)
    to_lps = LPS_TO_RAS[:3, :3]
    directions = to_lps @ directions_of(frame.ijk_to_ras)
    attributes = ismrmrd.Meta(
        {"DataRole": "Image", "ImageComment": frame.method or "image", "Keep_image_geometry": "1"}
    ).serialize()
    images = []
    for k in range(n_slices):
        image = ismrmrd.Image.from_array(np.ascontiguousarray(pixels[k]), transpose=False)
        image.image_type = ismrmrd.IMTYPE_COMPLEX if np.iscomplexobj(pixels) else ismrmrd.IMTYPE_MAGNITUDE
        image.image_index = (frame.index * n_slices + k + 1) % 2**16
        image.image_series_index = SERIES_INDEX
        image.slice = k
        image.repetition = frame.index % 2**16
        image.field_of_view[:] = (columns * spacing[0], rows * spacing[1], spacing[2])
        if frame.has_geometry:
            image.position[:] = to_lps @ transform_points(frame.ijk_to_ras, [columns // 2, rows // 2, k])
            image.read_dir[:], image.phase_dir[:], image.slice_dir[:] = directions.T
        if table is not None:
            image.patient_table_position[:] = table
        image.attribute_string = attributes
        images.append(image)
    return images


def decode_image(content: bytes) -> ismrmrd.Image:
    """An image as the ``ismrmrd`` package presents it, from header, attribute length, attributes and pixels.

    Raises
    ------
    InputError
        If the attributes are not text or the header contradicts itself.
    """
    try:
        return ismrmrd.Image.from_bytes(content)
    except Exception as error:  # the package checks little: damaged attributes end in errors of every kind
        raise InputError(
            f"MRD image cannot be decoded ({' '.join(str(error).split())[:200] or type(error).__name__})"
        ) from error
