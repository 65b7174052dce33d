"""What the streaming methods share: state that is born with the first frame and dies with ``reset``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.reconstructor import MethodInfo

Pixels = tuple[NDArray[np.float32], NDArray[np.complex64] | None]


def unfilled_image(frame: KSpaceFrame, method: str) -> partial[ImageFrame]:
    """What the image of a frame states beside its pixels; call it with ``data`` and ``complex_data``."""
    return partial(
        ImageFrame,
        ijk_to_ras=frame.ijk_to_ras,
        index=frame.index,
        acquisition_start_time=frame.acquisition_start_time,
        acquisition_end_time=frame.acquisition_end_time,
        stream_id=frame.stream_id,
        has_geometry=frame.has_geometry,
        acceleration=frame.acceleration,
        method=method,
    )


class StreamingReconstructor(ABC):
    """Checks that frames fit together and fills in what every image frame states.

    Subclasses implement ``_ingest_lines``, ``_use_planning``, ``_image`` and ``_forget``; one that shows an older
    frame than the newest says so in ``_unfilled`` and gives the rest in ``finish``.
    """

    info: MethodInfo

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._newest: KSpaceFrame | None = None

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """Use a fully sampled planning scan of the same geometry.

        Raises
        ------
        InputError
            If it is undersampled or does not fit the frames already ingested.
        """
        if isinstance(planning, KSpaceFrame) and not planning.is_fully_sampled:
            raise InputError(
                f"planning scan: {planning.acceleration:.1f}x undersampled, expected a fully sampled frame"
            )
        shape = planning.image_shape if isinstance(planning, KSpaceFrame) else planning.data.shape
        if self._newest is not None and tuple(shape) != self._newest.image_shape:
            raise InputError(
                f"planning scan: matrix {tuple(shape)} (slice, row, col) does not fit the series, "
                f"{self._newest.image_shape}; use a scan of the same geometry"
            )
        self._use_planning(planning)

    def ingest(self, frame: KSpaceFrame) -> None:
        """Take one frame, in order of acquisition.

        Raises
        ------
        InputError
            If coils or matrix differ from those of the frames before.
        """
        if self._newest is not None and frame.data.shape != self._newest.data.shape:
            raise InputError(
                f"frame {frame.index}: k-space {frame.data.shape} (coil, slice, ky, kx) does not fit the series, "
                f"{self._newest.data.shape}; reset before a new series"
            )
        self._ingest_lines(frame)
        self._newest = frame

    def reconstruct(self) -> ImageFrame | None:
        """The image that is due; None while a method with delay has none.

        Raises
        ------
        InputError
            If no frame was ingested yet.
        """
        if self._newest is None:
            raise InputError(f"method {self.info.name}: no frame to reconstruct yet")
        pixels = self._image()
        return None if pixels is None else self._unfilled(self._newest)(data=pixels[0], complex_data=pixels[1])

    def finish(self) -> list[ImageFrame]:
        """Images that a delay still holds back; none here."""
        return []

    def reset(self) -> None:
        """Forget the series; the planning scan goes with it."""
        self._newest = None
        self._forget()

    @abstractmethod
    def _ingest_lines(self, frame: KSpaceFrame) -> None: ...

    @abstractmethod
    def _use_planning(self, planning: KSpaceFrame | ImageFrame) -> None: ...

    @abstractmethod
    def _image(self) -> Pixels | None: ...

    @abstractmethod
    def _forget(self) -> None: ...

    def _unfilled(self, newest: KSpaceFrame) -> partial[ImageFrame]:
        """The frame that ``_image`` shows."""
        return unfilled_image(newest, self.info.name)
