"""What every reconstruction method offers, so that methods drop in without touching their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class MethodInfo:
    """What a method needs and promises.

    Attributes
    ----------
    name
        As given to ``--method``.
    causal
        True if the image of frame n uses frames <= n only.
    delay_frames
        Frames between the newest input and the image returned (0 for causal methods).
    needs_coil_maps
        True if it estimates and uses coil sensitivities.
    description
        One sentence for a user.
    """

    name: str
    causal: bool
    delay_frames: int
    needs_coil_maps: bool
    description: str


class Reconstructor(Protocol):
    """A streaming reconstruction with its own state.

    ``ingest`` takes every frame in order of acquisition (nothing is lost for data); ``reconstruct`` makes the
    image of the frame ``info.delay_frames`` before the newest (pictures may be skipped). ``reset`` forgets all
    state cheaply: a new series, a moved table, a changed slice plane. A fully sampled frame in the series serves
    as planning frame (prior and coil calibration) until the next one or ``reset``.
    """

    @property
    def info(self) -> MethodInfo: ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """Give a fully sampled planning scan of the same geometry that is not a frame of the series.

        Raises :class:`~TemporalReconLib.errors.InputError` if it is undersampled or its matrix differs.
        """
        ...

    def ingest(self, frame: KSpaceFrame) -> None: ...

    def reconstruct(self) -> ImageFrame | None:
        """The image that is due, with index and times of its own frame; None while a method with delay has none."""
        ...

    def finish(self) -> list[ImageFrame]:
        """Images of the frames after the one that ``reconstruct`` shows, in order: what a delay still holds back.

        For the end of a series; without delay there are none.
        """
        ...

    def reset(self) -> None: ...
