"""One undersampled acquisition of the slice stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, validated_ijk_to_ras

MAX_COILS = 127


@dataclass(frozen=True, eq=False)
class KSpaceFrame:
    """Sampled k-space lines of one frame.

    Attributes
    ----------
    data
        complex64 (coil, slice, ky, kx), centred orthonormal FFT of the image; unsampled lines are zero.
        Its matrix is the matrix of the image to be (readout oversampling already removed).
    mask
        bool (slice, ky), True where the phase-encode line was acquired in this frame.
    ijk_to_ras
        4x4 geometry of the image to be, mm, RAS.
    index
        Frame number in its stream, >= 0.
    acquisition_start_time, acquisition_end_time
        UTC epoch seconds (seconds since the start of the series where the source has no clock).
    stream_id
        Name of the series; a new name means a new series.
    has_geometry
        False where the source states no position or directions; ``ijk_to_ras`` is then a default that
        gives sizes in mm but no place in the patient.
    """

    data: NDArray[np.complex64]
    mask: NDArray[np.bool_]
    ijk_to_ras: Matrix
    index: int = 0
    acquisition_start_time: float = 0.0
    acquisition_end_time: float = 0.0
    stream_id: str = ""
    has_geometry: bool = True

    def __post_init__(self) -> None:
        data, mask = np.asarray(self.data), np.asarray(self.mask)
        if data.dtype != np.complex64 or data.ndim != 4:
            raise InputError(
                f"k-space frame {self.index}: expected complex64 (coil, slice, ky, kx), "
                f"got {data.dtype} with shape {data.shape}"
            )
        if 0 in data.shape:
            raise InputError(f"k-space frame {self.index}: empty array, shape {data.shape}")
        if data.shape[0] > MAX_COILS:
            raise InputError(f"k-space frame {self.index}: {data.shape[0]} coils, at most {MAX_COILS} are supported")
        if mask.dtype != np.bool_ or mask.shape != data.shape[1:3]:
            raise InputError(
                f"k-space frame {self.index}: mask must be bool (slice, ky) = {data.shape[1:3]}, "
                f"got {mask.dtype} with shape {mask.shape}"
            )
        if not mask.any():
            raise InputError(f"k-space frame {self.index}: the mask has no sampled line")
        # Only what was sampled: to look at the rest takes longer than to receive the frame.
        if not np.all(np.isfinite(data[:, mask].view(np.float32))):
            raise InputError(f"k-space frame {self.index}: NaN or infinite samples; the frame is unusable")
        if self.index < 0:
            raise InputError(f"k-space frame index {self.index} is negative")
        if not self.acquisition_start_time <= self.acquisition_end_time:
            raise InputError(
                f"k-space frame {self.index}: acquisition ends ({self.acquisition_end_time} s) before it starts "
                f"({self.acquisition_start_time} s)"
            )
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "mask", mask)
        object.__setattr__(
            self, "ijk_to_ras", validated_ijk_to_ras(self.ijk_to_ras, f"k-space frame {self.index} geometry")
        )

    @property
    def n_coils(self) -> int:
        return int(self.data.shape[0])

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(slice, row, col)."""
        return (int(self.data.shape[1]), int(self.data.shape[2]), int(self.data.shape[3]))

    @property
    def acceleration(self) -> float:
        """Full phase-encode lines / acquired lines, over all slices."""
        return float(self.mask.size / self.mask.sum())

    @property
    def is_fully_sampled(self) -> bool:
        return bool(self.mask.all())
