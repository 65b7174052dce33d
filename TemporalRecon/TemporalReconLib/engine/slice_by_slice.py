"""A method that works on one slice after the other, for when all at once do not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import slice_geometry
from TemporalReconLib.reconstruction.reconstructor import MethodInfo, Reconstructor


class SliceBySlice:
    """A reconstructor made of one reconstructor per slice; what one frame needs at a time shrinks accordingly.

    Methods that look at all slices together (coil compression, noise level) see one only, so the pictures may
    differ a little from theirs. A slice that was not sampled yet is black.

    Parameters
    ----------
    make
        Makes the reconstructor of one slice.
    """

    def __init__(self, make: Callable[[], Reconstructor]) -> None:
        self._make = make
        self._slices: list[Reconstructor] = [make()]
        self._is_begun: list[bool] = [False]
        self._planning: KSpaceFrame | ImageFrame | None = None
        self._newest: KSpaceFrame | None = None

    @property
    def info(self) -> MethodInfo:
        return self._slices[0].info

    @property
    def device(self) -> torch.device:
        return self._slices[0].device

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """As in :class:`~TemporalReconLib.reconstruction.reconstructor.Reconstructor`."""
        shape = planning.image_shape if isinstance(planning, KSpaceFrame) else planning.data.shape
        if self._newest is not None and tuple(shape) != self._newest.image_shape:
            raise InputError(
                f"planning scan: matrix {tuple(shape)} does not fit the series, {self._newest.image_shape}"
            )
        self._prepare(shape[0])
        for k, reconstructor in enumerate(self._slices):
            reconstructor.set_planning(
                _kspace_slice(planning, k) if isinstance(planning, KSpaceFrame) else _image_slice(planning, k)
            )

    def ingest(self, frame: KSpaceFrame) -> None:
        self._prepare(frame.image_shape[0])
        for k, reconstructor in enumerate(self._slices):
            if frame.mask[k].any():
                reconstructor.ingest(_kspace_slice(frame, k))
                self._is_begun[k] = True
        self._newest = frame

    def reconstruct(self) -> ImageFrame | None:
        """The image that is due, slice by slice."""
        if self._newest is None:
            raise InputError(f"method {self.info.name}: no frame to reconstruct yet")
        images = [
            reconstructor.reconstruct() if begun else None
            for reconstructor, begun in zip(self._slices, self._is_begun, strict=True)
        ]
        return self._joined(images)

    def finish(self) -> list[ImageFrame]:
        """Images that a delay still holds back, joined from their slices."""
        held = [
            reconstructor.finish() if begun else []
            for reconstructor, begun in zip(self._slices, self._is_begun, strict=True)
        ]
        joined = []
        for count in range(max(map(len, held))):
            image = self._joined([images[count] if count < len(images) else None for images in held])
            if image is not None:
                joined.append(image)
        return joined

    def reset(self) -> None:
        self._newest = None
        for k, reconstructor in enumerate(self._slices):
            reconstructor.reset()
            self._is_begun[k] = False

    def _prepare(self, n_slices: int) -> None:
        while len(self._slices) < n_slices:
            self._slices.append(self._make())
        del self._slices[n_slices:]
        self._is_begun = (self._is_begun + [False] * n_slices)[:n_slices]

    def _joined(self, images: list[ImageFrame | None]) -> ImageFrame | None:
        """All slices as one image on the grid of the series; None where no slice has one."""
        made = [image for image in images if image is not None]
        if not made or self._newest is None:
            return None
        newest = max(made, key=lambda image: image.index)
        data = [np.zeros_like(newest.data) if image is None else image.data for image in images]
        phases = [None if image is None else image.complex_data for image in images]
        errors = [None if image is None else image.uncertainty for image in images]
        qualities = [image.quality for image in made if image.quality is not None]
        return replace(
            newest,
            data=np.concatenate(data),
            ijk_to_ras=self._newest.ijk_to_ras,
            complex_data=_stacked(phases),
            uncertainty=_stacked(errors),
            quality=min(qualities) if qualities else None,
            acceleration=self._newest.acceleration,
        )


def _stacked(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """None unless every slice has its part."""
    present = [part for part in parts if part is not None]
    return np.concatenate(present) if len(present) == len(parts) else None


def _kspace_slice(frame: KSpaceFrame, k: int) -> KSpaceFrame:
    """Slice k as a frame of its own."""
    geometry = slice_geometry(frame.ijk_to_ras, k)
    return replace(frame, data=frame.data[:, k : k + 1], mask=frame.mask[k : k + 1], ijk_to_ras=geometry)


def _image_slice(frame: ImageFrame, k: int) -> ImageFrame:
    """Slice k as an image of its own."""
    phase = None if frame.complex_data is None else frame.complex_data[k : k + 1]
    return replace(
        frame, data=frame.data[k : k + 1], complex_data=phase, ijk_to_ras=slice_geometry(frame.ijk_to_ras, k)
    )
