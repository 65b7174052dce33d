"""Retrospective undersampling: fully sampled series become the series a faster scan would have given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from TemporalReconLib.acquisition.frame_series import Frame, Series
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import image_to_kspace


class UndersampledSeries(Series):
    """See :func:`undersample`."""

    is_kspace = True

    def __init__(self, series: Series, acceleration: float, mask_kind: str, mask_seed: int) -> None:
        self._series = series
        self._acceleration = acceleration
        self._mask_kind = mask_kind
        self._mask_seed = mask_seed
        self.name = series.name
        self.image_shape = series.image_shape
        self.frame_interval_s = series.frame_interval_s
        self.planning = series.planning

    def __len__(self) -> int:
        return len(self._series)

    def frame(self, index: int) -> KSpaceFrame:
        full = kspace_of(self._series.frame(index))
        if not full.is_fully_sampled:
            raise InputError(
                f"{self.name}: frame {index} is already undersampled (R = {full.acceleration:.1f}); "
                "only a fully sampled series can be undersampled: take it as it is, without an acceleration"
            )
        slices, rows, _ = full.image_shape
        mask = sampling_mask(self._mask_kind, rows, slices, self._acceleration, index, self._mask_seed)
        return replace(full, data=full.data * mask[np.newaxis, :, :, np.newaxis], mask=mask)


def undersample(series: Series, acceleration: float, mask_kind: str = "paper", mask_seed: int = 0) -> Series:
    """A series of undersampled k-space frames; the planning scan stays as it is.

    Images become single-coil k-space (complex where the phase is known). The mask of frame n depends on the
    arguments and n only.

    Raises
    ------
    InputError
        If the series is already undersampled, the mask kind unknown or the acceleration impossible.
    """
    result = UndersampledSeries(series, acceleration, mask_kind, mask_seed)
    result.frame(0)  # refuse now, not in the middle of the work
    result.frame(len(result) - 1)
    return result


def kspace_of(frame: Frame) -> KSpaceFrame:
    """Fully sampled single-coil k-space of an image; a k-space frame as it is."""
    if isinstance(frame, KSpaceFrame):
        return frame
    return _kspace_of_image(frame)


def _kspace_of_image(image: ImageFrame) -> KSpaceFrame:
    pixels = image.data if image.complex_data is None else image.complex_data
    return KSpaceFrame(
        data=image_to_kspace(pixels)[np.newaxis],
        mask=np.ones(pixels.shape[:2], dtype=bool),
        ijk_to_ras=image.ijk_to_ras,
        index=image.index,
        acquisition_start_time=image.acquisition_start_time,
        acquisition_end_time=image.acquisition_end_time,
        stream_id=image.stream_id,
        has_geometry=image.has_geometry,
    )
