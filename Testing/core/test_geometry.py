"""Geometry against SimpleITK's own point transform, an independent implementation of the same conventions."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import (
    angle_deg,
    directions_of,
    ijk_to_ras_from_center,
    ijk_to_ras_from_parts,
    lps_to_ras,
    ras_to_ijk,
    rotation,
    same_geometry,
    slice_geometry,
    slice_normal,
    spacing_of,
    transform_points,
    validated_ijk_to_ras,
)

OBLIQUE = Rotation.from_euler("xyz", [25, -40, 70], degrees=True).as_matrix()
FLIPPED = OBLIQUE @ np.diag([1.0, 1.0, -1.0])


def an_itk_image(directions: np.ndarray, spacing: tuple, origin: tuple) -> sitk.Image:
    image = sitk.Image(11, 7, 5, sitk.sitkFloat32)
    image.SetDirection(directions.ravel().tolist())
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


def ijk_to_lps_of(image: sitk.Image) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return matrix


@pytest.mark.parametrize("directions", [np.eye(3), OBLIQUE, FLIPPED], ids=["axial", "oblique", "flipped"])
def test_voxels_lie_where_itk_says_after_its_lps_becomes_ras(directions):
    image = an_itk_image(directions, (1.1, 0.9, 3.0), (12.0, -34.0, 56.0))
    ijk_to_ras = lps_to_ras(ijk_to_lps_of(image))

    for index in [(0, 0, 0), (10, 0, 0), (0, 6, 0), (0, 0, 4), (10, 6, 4), (5, 3, 2)]:
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(transform_points(ijk_to_ras, index), [-x, -y, z], atol=1e-9)


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 10)] * 3),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    index=st.tuples(*[st.floats(0, 4)] * 3),
)
@settings(max_examples=50, deadline=None)
def test_points_agree_with_itk_for_any_rotation_spacing_and_origin(angles, spacing, origin, index):
    image = an_itk_image(Rotation.from_euler("xyz", angles, degrees=True).as_matrix(), spacing, origin)
    ijk_to_ras = lps_to_ras(ijk_to_lps_of(image))

    lps = np.array(image.TransformContinuousIndexToPhysicalPoint(index))
    ras = lps * [-1, -1, 1]

    np.testing.assert_allclose(transform_points(ijk_to_ras, index), ras, atol=1e-6)
    np.testing.assert_allclose(ras_to_ijk(ijk_to_ras, ras), index, atol=1e-6)


def test_lps_to_ras_is_its_own_inverse():
    matrix = ijk_to_ras_from_parts([1, 2, 3], OBLIQUE, [1, 2, 3])
    np.testing.assert_allclose(lps_to_ras(lps_to_ras(matrix)), matrix)


def test_spacing_and_directions_come_back_from_their_composition():
    matrix = ijk_to_ras_from_parts([5, 6, 7], FLIPPED, [0.5, 1.5, 4.0])
    np.testing.assert_allclose(spacing_of(matrix), [0.5, 1.5, 4.0])
    np.testing.assert_allclose(directions_of(matrix), FLIPPED, atol=1e-12)


@pytest.mark.parametrize("size", [(256, 256, 5), (7, 9, 4), (8, 5, 1)])
def test_the_mrd_position_is_pixel_half_of_the_matrix_and_the_middle_of_the_stack(size):
    center = np.array([10.0, 20.0, -30.0])
    matrix = ijk_to_ras_from_center(center, OBLIQUE, [1.0, 1.2, 3.0], size)

    first = transform_points(matrix, [size[0] // 2, size[1] // 2, 0])
    last = transform_points(matrix, [size[0] // 2, size[1] // 2, size[2] - 1])
    np.testing.assert_allclose((first + last) / 2, center, atol=1e-9)


@pytest.mark.parametrize("directions", [OBLIQUE, FLIPPED], ids=["right-handed", "left-handed"])
def test_the_slice_normal_is_perpendicular_and_points_to_the_next_slice(directions):
    matrix = ijk_to_ras_from_parts([0, 0, 0], directions, [1, 1, 3])
    normal = slice_normal(matrix)

    np.testing.assert_allclose(normal @ directions[:, :2], 0, atol=1e-12)
    step = transform_points(matrix, [0, 0, 1]) - transform_points(matrix, [0, 0, 0])
    assert normal @ step == pytest.approx(3.0)


def test_the_geometry_of_a_later_slice_keeps_every_voxel_in_place():
    matrix = ijk_to_ras_from_parts([1, 2, 3], OBLIQUE, [1, 2, 3])
    np.testing.assert_allclose(
        transform_points(slice_geometry(matrix, 2), [4, 5, 0]), transform_points(matrix, [4, 5, 2]), atol=1e-12
    )


def test_a_table_moved_by_a_millimeter_is_another_geometry():
    matrix = ijk_to_ras_from_parts([0, 0, 0], OBLIQUE, [1, 1, 3])
    moved = np.array(matrix)
    moved[2, 3] += 1.0
    assert same_geometry(matrix, matrix + 1e-5)
    assert not same_geometry(matrix, moved)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.eye(3), "4x4"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.diag([1.0, 0.0, 1.0, 1.0]), "singular"),
        (np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "singular"),
        (np.diag([1.0, 1.0, 1.0, 2.0]), "last row"),
    ],
)
def test_an_unusable_matrix_is_refused_with_the_reason(matrix, reason):
    with pytest.raises(InputError, match=reason) as caught:
        validated_ijk_to_ras(matrix, "case.nrrd geometry")
    assert "case.nrrd geometry" in str(caught.value)


def test_a_validated_matrix_cannot_be_changed_behind_our_back():
    source = np.eye(4)
    matrix = validated_ijk_to_ras(source)
    source[0, 3] = 99.0
    assert matrix[0, 3] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 3] = 1.0


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 179.999999, 180.0])
def test_angles_are_exact_near_both_ends_whatever_the_lengths(degrees: float) -> None:
    turned = Rotation.from_rotvec(np.deg2rad(degrees) * OBLIQUE[:, 2]).as_matrix() @ OBLIQUE[:, 0]
    assert angle_deg(7.0 * OBLIQUE[:, 0], 0.2 * turned) == pytest.approx(degrees, abs=1e-9)
    assert angle_deg(OBLIQUE[:, 0], np.zeros(3)) == 0.0


def test_a_rotation_turns_about_each_axis_in_turn() -> None:
    # scipy counts all angles right-handed, this function the second one left-handed.
    expected = Rotation.from_euler("XYZ", [0.3, -0.2, 1.1]).as_matrix()
    np.testing.assert_allclose(rotation([0.3, 0.2, 1.1]), expected, atol=1e-12)
