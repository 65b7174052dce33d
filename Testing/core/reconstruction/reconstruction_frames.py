"""A small object seen by known coils, for tests that need the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.fourier import image_to_kspace

GEOMETRY = np.diag([1.5, 1.5, 3.0, 1.0])


def smooth_object(rows: int = 64, columns: int = 48, slices: int = 2) -> NDArray[np.float64]:
    """Overlapping ellipses, one more in every slice; (slice, row, col), 0..1."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    ellipses = [(0, 0, 0.8, 0.7, 0.5), (0.2, -0.2, 0.3, 0.2, 0.4), (-0.3, 0.2, 0.2, 0.25, -0.3)]
    stack = []
    for index in range(slices):
        image = np.zeros((rows, columns))
        for row, column, height, width, value in ellipses[: 2 + index]:
            image += value * (((y - row) / height) ** 2 + ((x - column) / width) ** 2 < 1)
        stack.append(image)
    return np.array(stack)


def coil_maps(n_coils: int, rows: int = 64, columns: int = 48) -> NDArray[np.complex128]:
    """Smooth complex maps of coils around the object, (coil, row, col)."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    angles = 2 * np.pi * np.arange(n_coils) / n_coils
    return np.array(
        [
            np.exp(-((x - 1.3 * np.cos(a)) ** 2 + (y - 1.3 * np.sin(a)) ** 2) / 1.5 + 1j * (a + x * np.sin(a)))
            for a in angles
        ]
    )


def acquire(
    image: NDArray,
    n_coils: int = 1,
    acceleration: float = 1.0,
    index: int = 0,
    mask_kind: str = "golden",
    noise: float = 0.0,
    **fields: object,
) -> KSpaceFrame:
    """A frame of an image (slice, row, col); ``noise`` is the standard deviation per sample."""
    slices, rows, columns = image.shape
    maps = coil_maps(n_coils, rows, columns) if n_coils > 1 else np.ones((1, rows, columns))
    kspace = image_to_kspace(maps[:, None] * image[None])
    generator = np.random.default_rng(index)
    kspace = kspace + noise * (generator.normal(size=kspace.shape) + 1j * generator.normal(size=kspace.shape))
    mask = sampling_mask(mask_kind, rows, slices, acceleration, index)
    return KSpaceFrame(
        data=(kspace * mask[None, :, :, None]).astype(np.complex64),
        mask=mask,
        ijk_to_ras=GEOMETRY,
        index=index,
        acquisition_start_time=0.1 * index,
        acquisition_end_time=0.1 * index + 0.1,
        **fields,
    )
