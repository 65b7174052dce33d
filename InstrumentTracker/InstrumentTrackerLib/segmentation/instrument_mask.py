"""Which pixels are guide and needle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, validated_ijk_to_ras

from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

GUIDE_LABEL = 1
NEEDLE_LABEL = 2


@dataclass(frozen=True, eq=False)
class InstrumentMask:
    """Labels and probabilities of one frame.

    Attributes
    ----------
    labels
        uint8 (slice, row, col): 0 background, 1 guide, 2 needle.
    ijk_to_ras
        4x4, mm, RAS.
    index
        Frame number.
    probabilities
        float32 (2, slice, row, col), guide then needle, 0..1; None where the method gives labels only.
    """

    labels: NDArray[np.uint8]
    ijk_to_ras: Matrix
    index: int = 0
    probabilities: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.dtype != np.uint8 or labels.ndim != 3 or 0 in labels.shape:
            raise InputError(
                f"instrument mask {self.index}: expected uint8 (slice, row, col), got {labels.dtype} {labels.shape}"
            )
        if labels.max() > NEEDLE_LABEL:
            raise InputError(f"instrument mask {self.index}: label {int(labels.max())}, expected 0, 1 or 2")
        if self.probabilities is not None and self.probabilities.shape != (2, *labels.shape):
            raise InputError(
                f"instrument mask {self.index}: probabilities {self.probabilities.shape}, expected {(2, *labels.shape)}"
            )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(
            self,
            "ijk_to_ras",
            validated_ijk_to_ras(self.ijk_to_ras, f"instrument mask {self.index} geometry"),
        )

    @property
    def is_empty(self) -> bool:
        return not bool(self.labels.any())


def empty_mask(plane: ImagePlane, index: int = 0) -> InstrumentMask:
    """No instrument."""
    return InstrumentMask(np.zeros(plane.shape, dtype=np.uint8), plane.ijk_to_ras, index)
