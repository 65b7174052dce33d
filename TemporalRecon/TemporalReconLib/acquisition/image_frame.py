"""One image of the slice stack, reconstructed here or received as an image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, validated_ijk_to_ras

# Pictures of a lower quality are marked, and nothing found in them is taken for certain.
RELIABLE_FROM = 0.5


@dataclass(frozen=True, eq=False)
class ImageFrame:
    """Magnitude image of one frame.

    Attributes
    ----------
    data
        float32 (slice, row, col), non-negative magnitude, arbitrary but steady scale.
    ijk_to_ras
        4x4, mm, RAS.
    index, acquisition_start_time, acquisition_end_time, stream_id, has_geometry
        As in :class:`~TemporalReconLib.acquisition.kspace_frame.KSpaceFrame`.
    complex_data
        complex64 (slice, row, col) where the phase is known.
    quality
        0 (failed) to 1 (as good as fully sampled); None where the method gives no estimate.
    uncertainty
        float32 (slice, row, col), expected absolute error of each pixel at the scale of ``data``; None where the
        method gives no estimate.
    acceleration
        Full lines / acquired lines of the frame it came from; 1 for a fully sampled image.
    method
        Name of the reconstruction method, empty for an image that came as an image.
    latency_s
        Seconds spent reconstructing.
    """

    data: NDArray[np.float32]
    ijk_to_ras: Matrix
    index: int = 0
    acquisition_start_time: float = 0.0
    acquisition_end_time: float = 0.0
    stream_id: str = ""
    has_geometry: bool = True
    complex_data: NDArray[np.complex64] | None = None
    quality: float | None = None
    uncertainty: NDArray[np.float32] | None = None
    acceleration: float = 1.0
    method: str = ""
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        data = np.asarray(self.data)
        if data.dtype != np.float32 or data.ndim != 3 or 0 in data.shape:
            raise InputError(
                f"image frame {self.index}: expected non-empty float32 (slice, row, col), "
                f"got {data.dtype} with shape {data.shape}"
            )
        if not np.all(np.isfinite(data)):
            raise InputError(f"image frame {self.index}: NaN or infinite pixels")
        if self.complex_data is not None and self.complex_data.shape != data.shape:
            raise InputError(
                f"image frame {self.index}: complex image {self.complex_data.shape} does not fit {data.shape}"
            )
        if self.quality is not None and not 0.0 <= self.quality <= 1.0:
            raise InputError(f"image frame {self.index}: quality {self.quality} is outside 0..1")
        if self.uncertainty is not None:
            self._check_uncertainty(self.uncertainty)
        object.__setattr__(self, "data", data)
        object.__setattr__(
            self, "ijk_to_ras", validated_ijk_to_ras(self.ijk_to_ras, f"image frame {self.index} geometry")
        )

    def _check_uncertainty(self, uncertainty: NDArray[np.float32]) -> None:
        if uncertainty.dtype != np.float32 or uncertainty.shape != np.shape(self.data):
            raise InputError(
                f"image frame {self.index}: uncertainty is {uncertainty.dtype} {uncertainty.shape}, expected float32 "
                f"{np.shape(self.data)} like the image"
            )
        if not np.all(np.isfinite(uncertainty)) or uncertainty.min() < 0.0:
            raise InputError(f"image frame {self.index}: uncertainty is negative, NaN or infinite in places")

    def with_latency(self, latency_s: float) -> ImageFrame:
        """A copy that states how long its reconstruction took."""
        return replace(self, latency_s=latency_s)

    @property
    def is_unreliable(self) -> bool:
        """True if the method itself doubts this image; False also where it gives no estimate."""
        return self.quality is not None and self.quality < RELIABLE_FROM

    @property
    def mid_acquisition_time(self) -> float:
        return 0.5 * (self.acquisition_start_time + self.acquisition_end_time)
