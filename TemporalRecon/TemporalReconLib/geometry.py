"""Image geometry: 4x4 ``ijk_to_ras`` matrices in mm, RAS, integer indices at pixel centers.

i counts columns (kx), j rows (ky, phase encoding), k slices. Arrays are stored (slice, row, col), so array
index (k, j, i). ITK, DICOM and MRD speak LPS; they are converted here, at the border, and nowhere else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TemporalReconLib.errors import InputError

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

Matrix = NDArray[np.float64]


def validated_ijk_to_ras(matrix: ArrayLike, source: str = "ijk_to_ras") -> Matrix:
    """A read-only float64 copy of an invertible affine 4x4 matrix.

    Raises
    ------
    InputError
        If the matrix is not 4x4, not finite, not affine, or singular (a zero spacing, parallel axes).
    """
    result = np.array(matrix, dtype=np.float64)
    if result.shape != (4, 4):
        raise InputError(f"{source}: expected a 4x4 matrix, got shape {result.shape}")
    if not np.all(np.isfinite(result)):
        raise InputError(f"{source}: the matrix has NaN or infinite elements; expected finite mm")
    if not np.allclose(result[3], [0, 0, 0, 1]):
        raise InputError(f"{source}: last row is {result[3].tolist()}, expected 0 0 0 1")
    lengths = np.linalg.norm(result[:3, :3], axis=0)
    if np.any(lengths < 1e-6) or abs(np.linalg.det(result[:3, :3] / np.maximum(lengths, 1e-12))) < 1e-3:
        raise InputError(f"{source}: singular geometry (zero spacing or parallel axes), spacing {lengths.tolist()} mm")
    result.setflags(write=False)
    return result


def ijk_to_ras_from_parts(origin_ras: ArrayLike, directions_ras: ArrayLike, spacing: ArrayLike) -> Matrix:
    """Compose from the RAS position of voxel (0,0,0), unit direction columns (3x3: i, j, k) and spacing in mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(directions_ras, dtype=np.float64) * np.asarray(spacing, dtype=np.float64)
    matrix[:3, 3] = np.asarray(origin_ras, dtype=np.float64)
    return validated_ijk_to_ras(matrix)


def ijk_to_ras_from_center(
    center_ras: ArrayLike, directions_ras: ArrayLike, spacing: ArrayLike, matrix_size: tuple[int, int, int]
) -> Matrix:
    """Compose from the center of the field of view as MRD states it.

    With a centred FFT of even N the k-space origin of the image is pixel N/2, so the MRD position is the
    position of index (Nx/2, Ny/2, Nz/2) in plane; a stack of slices is centred between its slices,
    ``(Nz - 1) / 2``, because slices are selected, not Fourier encoded.

    Parameters
    ----------
    matrix_size
        (columns, rows, slices).
    """
    columns, rows, slices = matrix_size
    center_index = np.array([columns // 2, rows // 2, (slices - 1) / 2.0])
    scaled = np.asarray(directions_ras, dtype=np.float64) * np.asarray(spacing, dtype=np.float64)
    return ijk_to_ras_from_parts(
        np.asarray(center_ras, dtype=np.float64) - scaled @ center_index, directions_ras, spacing
    )


def spacing_of(ijk_to_ras: Matrix) -> Matrix:
    """Spacing (i, j, k) in mm."""
    return np.linalg.norm(ijk_to_ras[:3, :3], axis=0)


def directions_of(ijk_to_ras: Matrix) -> Matrix:
    """Unit direction columns (3x3: i, j, k) in RAS."""
    return ijk_to_ras[:3, :3] / spacing_of(ijk_to_ras)


def slice_normal(ijk_to_ras: Matrix) -> Matrix:
    """Unit normal of the slices in RAS, on the side of increasing k."""
    normal = np.cross(ijk_to_ras[:3, 0], ijk_to_ras[:3, 1])
    normal /= np.linalg.norm(normal)
    return normal if normal @ ijk_to_ras[:3, 2] >= 0 else -normal


def lps_to_ras(ijk_to_lps: ArrayLike) -> Matrix:
    """Convert an index-to-LPS matrix (ITK, DICOM, MRD) to RAS; the same call converts back."""
    return validated_ijk_to_ras(LPS_TO_RAS @ np.asarray(ijk_to_lps, dtype=np.float64), "ijk_to_lps")


def transform_points(matrix: Matrix, points: ArrayLike) -> Matrix:
    """Apply a 4x4 matrix to points (..., 3)."""
    array = np.asarray(points, dtype=np.float64)
    return array @ matrix[:3, :3].T + matrix[:3, 3]


def ras_to_ijk(ijk_to_ras: Matrix, points_ras: ArrayLike) -> Matrix:
    """Continuous voxel indices (i, j, k) of RAS points (..., 3)."""
    inverse: Matrix = np.asarray(np.linalg.inv(ijk_to_ras), dtype=np.float64)
    return transform_points(inverse, points_ras)


def same_geometry(first: Matrix, second: Matrix, tolerance_mm: float = 1e-3) -> bool:
    """True if two geometries place every voxel alike (a moved table or turned slice plane is not alike)."""
    return bool(np.allclose(first, second, atol=tolerance_mm, rtol=0.0))


def slice_geometry(ijk_to_ras: Matrix, first_slice: int) -> Matrix:
    """Geometry of a stack that begins at ``first_slice`` of the given one."""
    matrix = np.array(ijk_to_ras)
    matrix[:3, 3] = transform_points(ijk_to_ras, [0.0, 0.0, float(first_slice)])
    return validated_ijk_to_ras(matrix)


def angle_deg(first: Matrix, second: Matrix) -> float:
    """Angle of two vectors (3,) of any length, 0..180, exact near both ends; 0 where one has no length."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)))


def rotation(angles: ArrayLike) -> Matrix:
    """3x3 rotation by three angles (rad), one after the other about the turned axes.

    Each angle turns the two axes that it leaves from the earlier toward the later one: right-handed about the first
    and the third axis, left-handed about the second.
    """
    result = np.eye(3)
    for axis, angle in enumerate(np.asarray(angles, dtype=np.float64)):
        first, second = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        result = result @ turn
    return result
