"""From the end of the needle's void to the end of its metal: an estimate, off unless asked for.

The picture shows where the needle's field takes the signal away, not the needle. At its tip the void reaches beyond
the metal. The model is the field of a long thin magnetized rod on its own axis, at a distance r beyond its end::

    dB = chi B0 a^2 (3 cos^2 theta - 1) / (8 r^2)

with the difference of susceptibility chi between metal and tissue, the rod's radius a and its angle theta to B0
(the sum of the dipoles of the rod). Signal is lost where this field turns the spins of one voxel, of length d along
the axis, apart by half a turn until the echo::

    r^3 = gamma |chi| B0 a^2 |3 cos^2 theta - 1| d TE / (4 pi)

What it leaves out: the needle's hollow and notch; bSSFP's refocusing (a smaller void) and its dark bands (a larger
one); everything that a segmentation does with the edge. So its standard deviation is half of the correction, at least
1 mm, and it never exceeds 10 mm. It has not been checked against a needle in tissue. Measured on phantoms:

- the void of a titanium biopsy needle 9 mm longer than its metal, bent toward B0, displaced by 0.38 mm along the
  readout (A study of needle image artifact localization in confirmation MRI-guided prostate biopsy, PMID 22481805);
- tips seen 2.5 +- 1.2 mm too far in gradient echoes, 1.8 +- 2.3 mm in spin echoes, 18 gauge at 1 T (Precision of
  MRI-guided needle placement: experimental results);
- nitinol needles in bSSFP at 3 T: an artifact at the tip at 0 to 45 degrees to B0 only, growing toward 0, as the
  formula says (Schmidt and others 2023, doi:10.4274/dir.2023.232262);
- a shift of 1.6 +- 0.4 mm along the frequency encoding (Hata and others, ISMRM 2006, abstract 1440).

Readout: off-resonance moves the void along the readout (our columns), to which side depends on the sign of the
gradient, which an image does not tell. It is therefore no correction but an uncertainty along that direction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, directions_of, spacing_of

from InstrumentTrackerLib.localization.instrument_pose import Point, validated_axis
from InstrumentTrackerLib.targeting.needle_materials import SUSCEPTIBILITY, TISSUE_SUSCEPTIBILITY
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

Array = NDArray[np.float64]

GYROMAGNETIC_RATIO = 2.6752e8  # rad/s/T
# Of a needle of 18 gauge.
NEEDLE_RADIUS_MM = 0.635
MAX_CORRECTION_MM = 10.0
MIN_STD_MM, RELATIVE_STD = 1.0, 0.5
# Between the 0.4 mm and the 1.6 mm that were measured.
READOUT_STD_MM = 1.0
# The bore of a standard magnet: head to feet of a patient who lies along it.
B0_RAS = (0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False, init=False)
class ArtifactCorrection:
    """Moves a needle tip back from the end of its void and widens its covariance.

    Attributes
    ----------
    material
        One of :data:`~InstrumentTrackerLib.targeting.needle_materials.NEEDLE_MATERIALS`.
    field_t, echo_time_ms
        Of the pictures; the defaults are those of the published protocol.
    b0
        Unit vector of the main field, RAS.
    needle_radius_mm
        Outer radius of the needle.
    """

    material: str
    field_t: float
    echo_time_ms: float
    b0: Point
    needle_radius_mm: float

    def __init__(
        self,
        material: str,
        field_t: float = 3.0,
        echo_time_ms: float = 2.28,
        b0: ArrayLike = B0_RAS,
        needle_radius_mm: float = NEEDLE_RADIUS_MM,
    ) -> None:
        """Raises InputError for an unknown material or numbers that no scanner or needle has."""
        if material not in SUSCEPTIBILITY:
            raise InputError(f"artifact correction: unknown needle '{material}'; one of {', '.join(SUSCEPTIBILITY)}")
        for name, value, most in (
            ("field", field_t, 12.0),
            ("echo time", echo_time_ms, 100.0),
            ("needle radius", needle_radius_mm, 3.0),
        ):
            if not 0.0 < value <= most:
                raise InputError(f"artifact correction: {name} {value} is not within 0 to {most:g} (T, ms, mm)")
        field = validated_axis(b0, "artifact correction: B0")
        if field is None:
            raise InputError("artifact correction: B0 is missing; expected a unit vector R,A,S")
        object.__setattr__(self, "material", material)
        object.__setattr__(self, "field_t", float(field_t))
        object.__setattr__(self, "echo_time_ms", float(echo_time_ms))
        object.__setattr__(self, "b0", field)
        object.__setattr__(self, "needle_radius_mm", float(needle_radius_mm))

    def size_mm(self, axis: ArrayLike, ijk_to_ras: Matrix) -> float:
        """How far the void reaches beyond the metal for a needle along ``axis`` (unit, RAS) in such pictures."""
        direction = np.asarray(axis, dtype=np.float64)
        voxel = 1 / float(np.linalg.norm(directions_of(ijk_to_ras).T @ direction / spacing_of(ijk_to_ras)))
        chi = abs(SUSCEPTIBILITY[self.material] - TISSUE_SUSCEPTIBILITY)
        orientation = abs(3 * float(direction @ self.b0) ** 2 - 1)
        # mm2 and mm on the left and in r^3 alike; TE in s.
        cubed = GYROMAGNETIC_RATIO * chi * self.field_t * self.needle_radius_mm**2 * orientation
        cubed *= voxel * 1e-3 * self.echo_time_ms / (4 * np.pi)
        return float(min(np.cbrt(cubed), MAX_CORRECTION_MM))

    def covariance(self, size_mm: float, axis: ArrayLike, ijk_to_ras: Matrix) -> Array:
        """(3, 3) mm2 that the correction adds: along the axis, and along the readout."""
        direction, readout = np.asarray(axis, dtype=np.float64), directions_of(ijk_to_ras)[:, 0]
        along = max(MIN_STD_MM, RELATIVE_STD * size_mm)
        return np.asarray(along**2 * np.outer(direction, direction) + READOUT_STD_MM**2 * np.outer(readout, readout))

    def apply(self, tracked: TrackedPose, ijk_to_ras: Matrix) -> TrackedPose:
        """The pose with the needle tip at the estimated end of its metal; the guide, of plastic, stays.

        A pose without needle tip is returned as it is. The tracker and the localizer go on with the uncorrected one.
        """
        if tracked.needle_tip is None or tracked.axis is None:
            return tracked
        size = self.size_mm(tracked.axis, ijk_to_ras)
        covariance = tracked.tip_covariance
        if covariance is not None:
            covariance = covariance + self.covariance(size, tracked.axis, ijk_to_ras)
        return replace(
            tracked,
            needle_tip=tracked.needle_tip - size * tracked.axis,
            tip_covariance=covariance,
            artifact_correction_mm=size,
        )
