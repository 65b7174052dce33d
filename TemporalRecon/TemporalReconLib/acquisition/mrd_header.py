"""The part of an ISMRMRD (MRD) XML header that a Cartesian 2D reconstruction needs."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import ismrmrd.xsd

from TemporalReconLib.acquisition.mrd_conventions import TIME_ORIGIN_PARAMETER
from TemporalReconLib.errors import InputError

MAX_MATRIX = 4096
MAX_SLICES = 1024


@dataclass(frozen=True)
class MrdEncoding:
    """How lines fill k-space.

    Attributes
    ----------
    n_samples
        Samples per line of the full k-space (kx, readout oversampling included).
    n_columns
        Columns of the image to be, oversampling removed.
    n_rows
        Phase-encode lines of the full k-space (ky); rows of the image.
    n_slices
        Slices, 0 where the header does not say.
    field_of_view
        mm along columns, rows and slice (of the image to be).
    ky_center
        Value of kspace_encode_step_1 at the center of k-space.
    uses_calibration_lines
        True if lines flagged as parallel-imaging calibration belong to the same scan (embedded, interleaved).
    time_origin_s
        Time that our own writer counts its exact line times from; None in files of others.
    has_known_ticks
        False where the header names a vendor whose time stamps count in a unit of its own. The standard names no unit;
        2.5 ms is Siemens', converters for GE write seconds or milliseconds.
    """

    n_samples: int
    n_columns: int
    n_rows: int
    n_slices: int
    field_of_view: tuple[float, float, float]
    ky_center: int
    uses_calibration_lines: bool
    time_origin_s: float | None = None
    has_known_ticks: bool = True

    @property
    def spacing(self) -> tuple[float, float, float]:
        """mm along columns, rows and slice thickness."""
        x, y, z = self.field_of_view
        return (x / self.n_columns, y / self.n_rows, z)

    def row_of(self, encode_step: int) -> int:
        """Row of the full k-space of a phase-encode step; outside 0 ... n_rows - 1 if it does not belong."""
        return encode_step - self.ky_center + self.n_rows // 2


def parse_mrd_header(xml: bytes | str, source: str) -> MrdEncoding:
    """Read the first encoding of an MRD header.

    The image keeps the encoded resolution and the phase-encode field of view; only readout oversampling
    (encoded wider than reconstructed field of view) is taken off. Zero padding and partial Fourier follow from
    the center of kspace_encoding_step_1.

    Raises
    ------
    InputError
        If the XML is broken, 3D encoded, not Cartesian, or its matrix and field of view make no sense.
    """
    try:
        with warnings.catch_warnings():
            # xsdata warns of values it cannot convert and leaves them as text; they are checked below.
            warnings.simplefilter("ignore")
            header = ismrmrd.xsd.CreateFromDocument(xml)
        encoding: Any = header.encoding[0]
        encoded, recon, limits = encoding.encodedSpace, encoding.reconSpace, encoding.encodingLimits
        matrix = (encoded.matrixSize.x, encoded.matrixSize.y, encoded.matrixSize.z)
        encoded_fov = (encoded.fieldOfView_mm.x, encoded.fieldOfView_mm.y)
        recon_fov = (recon.fieldOfView_mm.x, recon.fieldOfView_mm.z)
        trajectory = str(getattr(encoding.trajectory, "value", encoding.trajectory))
    except (ValueError, TypeError, AttributeError, IndexError, LookupError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise InputError(f"{source}: the MRD header cannot be understood ({reason})") from error
    _require_cartesian_2d(source, trajectory, matrix, limits)
    numbers = (*matrix, *encoded_fov, *recon_fov)
    if not all(isinstance(number, int | float) and 0 < number < 1e5 for number in numbers):
        raise InputError(f"{source}: MRD header has matrix {matrix} and field of view {encoded_fov}, {recon_fov} mm")
    n_samples, n_rows = int(matrix[0]), int(matrix[1])
    n_columns = min(n_samples, max(1, round(n_samples * recon_fov[0] / encoded_fov[0])))
    n_slices = _maximum(limits, "slice") + 1 if getattr(limits, "slice", None) is not None else 0
    if max(n_samples, n_rows) > MAX_MATRIX or n_slices > MAX_SLICES:
        raise InputError(
            f"{source}: matrix {n_samples} x {n_rows} with {n_slices} slices is too large; "
            f"at most {MAX_MATRIX} x {MAX_MATRIX} x {MAX_SLICES}"
        )
    ky_limits = getattr(limits, "kspace_encoding_step_1", None)
    return MrdEncoding(
        n_samples=n_samples,
        n_columns=n_columns,
        n_rows=n_rows,
        n_slices=n_slices,
        # A readout narrower than an integer number of columns allows is widened, so that the spacing is exact.
        field_of_view=(encoded_fov[0] * n_columns / n_samples, float(encoded_fov[1]), float(recon_fov[1])),
        ky_center=int(ky_limits.center) if ky_limits is not None else n_rows // 2,
        uses_calibration_lines=_calibration_mode(encoding) not in ("separate", "external", "other"),
        time_origin_s=_time_origin(header),
        has_known_ticks=_has_known_ticks(header),
    )


def _require_cartesian_2d(source: str, trajectory: str, matrix: tuple[int, int, int], limits: Any) -> None:
    if trajectory != "cartesian":
        raise InputError(f"{source}: trajectory '{trajectory}' is not supported; expected cartesian")
    # Some writers put the number of slices of a 2D stack into z.
    if _maximum(limits, "kspace_encoding_step_2") > 0 or matrix[2] not in (1, _maximum(limits, "slice") + 1):
        raise InputError(f"{source}: 3D-encoded k-space (matrix {matrix}); expected 2D slices (matrix z = 1)")


def _maximum(limits: Any, name: str) -> int:
    limit = getattr(limits, name, None)
    return int(limit.maximum) if limit is not None else 0


def _time_origin(header: Any) -> float | None:
    parameters = getattr(header.userParameters, "userParameterDouble", None) or []
    values = [item.value for item in parameters if item.name == TIME_ORIGIN_PARAMETER]
    return float(values[0]) if values and isinstance(values[0], int | float) and math.isfinite(values[0]) else None


def _has_known_ticks(header: Any) -> bool:
    """Who names no vendor is taken for a simulator or a converter of Siemens data."""
    vendor = str(getattr(header.acquisitionSystemInformation, "systemVendor", None) or "")
    return not vendor.strip() or "siemens" in vendor.lower()


def _calibration_mode(encoding: Any) -> str:
    mode = getattr(encoding.parallelImaging, "calibrationMode", None)
    return str(getattr(mode, "value", mode)).lower()
