"""Where the instrument is in one frame, as measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from TemporalReconLib.errors import InputError

Point = NDArray[np.float64]

# A tip this near to the truth is close, mm: what confidence promises, and what benchmark and study count.
CLOSE_MM = 3.0

# Stands for "unknown": an infinite variance along an oblique normal cannot be written in RAS.
UNKNOWN_VARIANCE = 1e6
# Beyond, a fired needle is seen at its old place for several frames, in simulated pictures and in their samples alike:
# a tip that far off is worse than none.
MAX_NEEDLE_ACCELERATION = 24.0
# Below this confidence a measurement is none: the guide's by its own, the needle's by that of both.
MIN_CONFIDENCE = 0.5
# At most so sure are the samples of a needle that nobody follows yet, for tissue that changes looks like one: while the
# guide rested 9 of 18 that they held for 0.9 or more were within 3 mm in 12 simulated series of development (R = 16,
# 25).
FIRST_SIGHT_TRUST = 0.6
# Where a localizer states no covariance.
DEFAULT_STD_MM = 1.5


def validated_point(value: ArrayLike | None, name: str) -> Point | None:
    """A read-only finite float64 (3,) copy, or None; raises InputError if it is anything but three finite numbers."""
    if value is None:
        return None
    point = np.array(value, dtype=np.float64)
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise InputError(f"{name}: expected three finite numbers in mm, got {value!r}")
    point.setflags(write=False)
    return point


def validated_axis(value: ArrayLike | None, name: str) -> Point | None:
    """As :func:`validated_point`, of unit length; raises InputError if it is longer or shorter, too."""
    axis = validated_point(value, name)
    if axis is not None and abs(float(np.linalg.norm(axis)) - 1.0) > 1e-6:
        raise InputError(f"{name}: expected a unit vector, its length is {float(np.linalg.norm(axis)):.6f}")
    return axis


@dataclass(frozen=True, eq=False)
class InstrumentPose:
    """Guide tip, needle tip and axis of one frame.

    Attributes
    ----------
    guide_tip, needle_tip
        RAS mm (3,), or None where not seen. The guide tip is the middle of the dark cap that closes the guide,
        on the axis; the needle tip is the end of the signal void beyond it (artefact tip).
    axis
        Unit vector (3,) RAS from outside the body toward the tip, or None.
    confidence
        Of all that is reported, 0 (nothing there) to 1.
    guide_confidence
        Of guide tip and axis alone: a doubtful needle is no doubt about the guide. None where it is not known apart.
    guide_tip_covariance, needle_tip_covariance
        (3, 3) mm2; infinite variance along the slice normal where the position through the plane is unknown.
    index, time_s
        Frame number; mid-acquisition time in s.
    has_left
        Whether the frame's samples say that a guide which they have shown before is no longer there.
    is_unshown
        The samples alone find the guide, on a line that is not the picture's, not even its doubtful one.
    """

    guide_tip: Point | None = None
    needle_tip: Point | None = None
    axis: Point | None = None
    confidence: float = 0.0
    guide_tip_covariance: NDArray[np.float64] | None = None
    needle_tip_covariance: NDArray[np.float64] | None = None
    index: int = 0
    time_s: float = 0.0
    guide_confidence: float | None = None
    has_left: bool = False
    is_unshown: bool = False

    def __post_init__(self) -> None:
        for name in ("guide_tip", "needle_tip"):
            object.__setattr__(self, name, validated_point(getattr(self, name), f"pose {self.index} {name}"))
        object.__setattr__(self, "axis", validated_axis(self.axis, f"pose {self.index} axis"))
        for value in (self.confidence, self.certainty_of_guide):
            if not 0.0 <= value <= 1.0:
                raise InputError(f"pose {self.index}: confidence {value} is outside 0..1")
        for name in ("guide_tip_covariance", "needle_tip_covariance"):
            covariance = getattr(self, name)
            if covariance is not None and np.shape(covariance) != (3, 3):
                raise InputError(f"pose {self.index}: {name} has shape {np.shape(covariance)}, expected (3, 3)")

    @property
    def certainty_of_guide(self) -> float:
        """``guide_confidence``, else ``confidence``."""
        return self.confidence if self.guide_confidence is None else self.guide_confidence

    @property
    def is_present(self) -> bool:
        return self.axis is not None and (self.guide_tip is not None or self.needle_tip is not None)

    def without_needle(self) -> InstrumentPose:
        """The guide alone, at its own confidence."""
        return replace(self, needle_tip=None, needle_tip_covariance=None, confidence=self.certainty_of_guide)

    @property
    def tip(self) -> Point | None:
        """The needle tip, else the guide tip, RAS mm."""
        return self.needle_tip if self.needle_tip is not None else self.guide_tip
