"""The estimate against the field of a rod summed from its dipoles, and against what was measured on phantoms."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.targeting.artifact_correction import ArtifactCorrection
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation
from TemporalReconLib.errors import InputError

PIXELS = np.diag([1.1, 1.1, 3.0, 1.0])
COVARIANCE = np.diag([0.3, 0.4, 0.5])


def tilted(degrees):
    """In the columns-slices plane, so that the voxel's length along it is known."""
    return np.array([np.sin(np.deg2rad(degrees)), 0.0, np.cos(np.deg2rad(degrees))])


def field_beyond(axis, r_mm, chi=191e-6, field_t=3.0, radius_mm=0.635):
    """Component along B0 (z) of the dipoles of a rod that ends at the origin, r beyond its end, by summation."""
    s = np.geomspace(r_mm, 4000.0, 20_000)
    moment = chi * field_t * np.pi * radius_mm**2 * np.array([0.0, 0.0, 1.0])  # per mm, times mu0
    along = float(moment @ axis)
    per_mm = (3 * along * axis[2] - moment[2]) / (4 * np.pi * s**3)
    return float(np.trapezoid(per_mm, s))


@pytest.mark.parametrize("degrees", [0.0, 20.0, 37.0, 45.0, 70.0, 90.0])
def test_it_is_where_a_rod_of_dipoles_dephases_a_voxel_by_half_a_turn(degrees):
    axis = tilted(degrees)
    voxel = 1 / np.hypot(axis[0] / 1.1, axis[2] / 3.0)

    def turn(r_mm):
        gradient = (field_beyond(axis, r_mm + 0.01) - field_beyond(axis, r_mm - 0.01)) / 0.02
        return 2.6752e8 * abs(gradient) * voxel * 2.28e-3 - np.pi

    expected = brentq(turn, 0.2, 20.0)
    assert ArtifactCorrection("titanium").size_mm(axis, PIXELS) == pytest.approx(expected, rel=0.01)


def test_its_size_lies_within_what_was_measured():
    """Typical needles 1 to 3 mm, up to 9 and 10 in bad cases; transrectal paths lie about 37 degrees to B0."""
    in_plane = np.diag([1.1, 3.0, 1.1, 1.0])
    sizes = {m: ArtifactCorrection(m).size_mm(tilted(37), in_plane) for m in ("titanium", "nitinol", "steel")}
    assert 1.0 < sizes["titanium"] < sizes["nitinol"] < 3.0 < sizes["steel"] < 10.0
    assert ArtifactCorrection("ceramic").size_mm(tilted(37), in_plane) == 0.0
    assert ArtifactCorrection("steel", 12.0, 100.0).size_mm(tilted(0), in_plane) == 10.0


def test_it_grows_toward_b0_below_the_magic_angle_and_with_the_echo_time():
    sizes = [ArtifactCorrection("nitinol").size_mm(tilted(d), np.eye(4)) for d in (0, 15, 30, 45, 54.7356)]
    assert np.all(np.diff(sizes) < 0) and sizes[-1] < 0.1
    early, late = (ArtifactCorrection("titanium", echo_time_ms=te).size_mm(tilted(20), PIXELS) for te in (2.0, 16.0))
    assert late == pytest.approx(2 * early)


def test_the_needle_moves_back_along_its_axis_and_the_guide_stays():
    axis = tilted(30)
    tracked = TrackedPose(TrackingState.TRACKED, [1, 2, 3], np.array([1, 2, 3]) + 20 * axis, axis, 0.9, COVARIANCE)
    correction = ArtifactCorrection("titanium")
    moved = correction.apply(tracked, PIXELS)
    assert moved.artifact_correction_mm == correction.size_mm(axis, PIXELS) > 1.0
    np.testing.assert_allclose(moved.needle_tip, tracked.needle_tip - moved.artifact_correction_mm * axis)
    np.testing.assert_array_equal(moved.guide_tip, tracked.guide_tip)
    assert tracked.artifact_correction_mm is None


def test_its_own_uncertainty_is_added_along_the_axis_and_along_the_readout():
    rotation = Rotation.from_euler("xyz", [15, -35, 60], degrees=True).as_matrix()
    geometry = np.eye(4)
    geometry[:3, :3] = rotation * [1.1, 1.1, 3.0]
    axis = rotation[:, 1]
    tracked = TrackedPose(TrackingState.TRACKED, None, [0, 0, 0], axis, 0.9, COVARIANCE)
    moved = ArtifactCorrection("steel").apply(tracked, geometry)
    added = rotation.T @ (moved.tip_covariance - COVARIANCE) @ rotation
    expected = np.diag([1.0, max(1.0, 0.5 * moved.artifact_correction_mm) ** 2, 0.0])
    np.testing.assert_allclose(added, expected, atol=1e-9)


@pytest.mark.parametrize(
    "tracked",
    [TrackedPose(TrackingState.LOST), TrackedPose(TrackingState.TRACKED, [1, 2, 3], None, [0, 0, 1])],
)
def test_without_a_needle_nothing_is_corrected(tracked):
    assert ArtifactCorrection("titanium").apply(tracked, PIXELS) is tracked


@pytest.mark.parametrize(
    "arguments",
    [("gold",), ("titanium", 0.0), ("titanium", 3.0, -1.0), ("titanium", 3.0, 2.0, (0, 0, 2)), ("steel", float("nan"))],
)
def test_what_no_scanner_or_needle_has_is_refused_in_one_line(arguments):
    with pytest.raises(InputError, match="artifact correction") as caught:
        ArtifactCorrection(*arguments)
    assert "\n" not in str(caught.value)
