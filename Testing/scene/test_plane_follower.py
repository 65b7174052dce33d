"""Slice views that follow the instrument."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from guidance_case import guidance_case, oblique_directions
from InstrumentTrackerLib.scene.mrml_planes import PlaneFollower, in_plane_normal, slice_to_ras
from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from TemporalReconLib.scene.mrml_nodes import numpy_matrix


@pytest.fixture
def slice_nodes():
    nodes = slicer.vtkMRMLSliceNode(), slicer.vtkMRMLSliceNode()
    for node, name in zip(nodes, ("InPlane", "Perpendicular"), strict=True):
        node.SetLayoutName(name)
        node.SetName(name)
    return nodes


def guidance_with(slice_nodes) -> GuidanceScene:
    scene = slicer.vtkMRMLScene()
    scene.AddNode(slicer.vtkMRMLSelectionNode())
    for node in slice_nodes:
        scene.AddNode(node)
    return GuidanceScene(scene)


def matrix_of(node) -> np.ndarray:
    return numpy_matrix(node.GetSliceToRAS())


def tracked(tip, axis, state=TrackingState.TRACKED) -> TrackedPose:
    unit = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    return TrackedPose(state, needle_tip=tip, axis=unit, confidence=0.9)


def test_both_planes_hold_the_axis_and_are_perpendicular_and_centred_on_the_tip(slice_nodes):
    pose = guidance_case().tracked
    normal = oblique_directions()[:, 2]
    assert PlaneFollower().follow(*slice_nodes, pose, normal)
    first, second = (matrix_of(node) for node in slice_nodes)
    for matrix in (first, second):
        np.testing.assert_allclose(matrix[:3, 3], pose.needle_tip, atol=1e-9)
        assert abs(matrix[:3, 2] @ pose.axis) < 1e-9
        np.testing.assert_allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-9)
    assert abs(first[:3, 2] @ second[:3, 2]) < 1e-9
    assert abs(first[:3, 2] @ normal) > 0.999, "the first plane is the acquired one"


@pytest.mark.parametrize("axis", [[0, 0, 1], [0, 0, -1], [1e-9, 0, 1], [1, 2, 0.01]])
def test_an_axis_through_the_slices_still_gives_a_plane(axis):
    unit = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    normal = in_plane_normal(unit, [0.0, 0.0, 1.0])
    assert abs(normal @ unit) < 1e-9
    assert np.linalg.norm(normal) == pytest.approx(1.0)


@pytest.mark.parametrize(("view", "preset"), [(0, "Sagittal"), (1, "Coronal"), (2, "Axial")])
def test_upright_planes_equal_slicers_own_orientation(view, preset):
    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    node = scene.AddNewNodeByClass("vtkMRMLSliceNode")
    node.SetOrientation(preset)
    np.testing.assert_allclose(slice_to_ras([0, 0, 0], np.eye(3)[view], view)[:3, :3], matrix_of(node)[:3, :3])


def test_small_trembling_does_not_move_the_picture_but_leaving_the_plane_does(slice_nodes):
    follower = PlaneFollower()
    follower.follow(*slice_nodes, tracked([0, 0, 0], [0, 0, 1]), [0, 1, 0])
    before = matrix_of(slice_nodes[0])
    follower.follow(*slice_nodes, tracked([1.0, 0.2, 2.0], [0.01, 0, 1]), [0, 1, 0])
    np.testing.assert_array_equal(matrix_of(slice_nodes[0]), before)
    follower.follow(*slice_nodes, tracked([1.0, 1.0, 2.0], [0.01, 0, 1]), [0, 1, 0])
    np.testing.assert_allclose(matrix_of(slice_nodes[0])[:3, 3], [1.0, 1.0, 2.0])
    follower.follow(*slice_nodes, tracked([1.0, 1.0, 2.0], [0.0, 0.1, 1]), [0, 1, 0])
    assert abs(matrix_of(slice_nodes[0])[:3, 2] @ tracked([0, 0, 0], [0.0, 0.1, 1]).axis) < 1e-9


def test_the_way_up_does_not_flip_back_and_forth_at_45_degrees(slice_nodes):
    follower = PlaneFollower()
    follower.follow(*slice_nodes, tracked([0, 0, 0], [1, 0, 0]), [0, 1.0, 0.9])
    up = matrix_of(slice_nodes[0])[:3, 1]
    follower.follow(*slice_nodes, tracked([0, 0, 0], [1, 0, 0]), [0, 1.0, 1.05])
    assert matrix_of(slice_nodes[0])[:3, 1] @ up > 0.9


def test_views_do_not_follow_a_lost_needle_or_a_stale_picture(slice_nodes):
    guidance = guidance_with(slice_nodes)
    case = guidance_case()
    guidance.update(case.image, case.mask, case.tracked, None, 0.1)
    assert guidance.follow(*slice_nodes, case.tracked)
    placed = matrix_of(slice_nodes[0])
    lost = guidance_case(1, state=TrackingState.LOST)
    guidance.update(lost.image, lost.mask, lost.tracked, None, 0.1)
    assert not guidance.follow(*slice_nodes, lost.tracked)
    far = guidance_case(2, advance_mm=40.0)
    guidance.update(far.image, far.mask, far.tracked, None, 9.0)
    assert not guidance.follow(*slice_nodes, far.tracked)
    np.testing.assert_array_equal(matrix_of(slice_nodes[0]), placed)


def test_until_an_instrument_is_seen_the_views_show_the_acquired_slices(slice_nodes):
    guidance = guidance_with(slice_nodes)
    absent, seen = guidance_case(state=TrackingState.ABSENT), guidance_case(1)
    guidance.update(absent.image, absent.mask, absent.tracked, None, 0.1)
    assert not guidance.follow(*slice_nodes, absent.tracked)
    first, second = (matrix_of(node) for node in slice_nodes)
    across, _along, normal = oblique_directions().T
    assert abs(first[:3, 2] @ normal) == pytest.approx(1.0)
    assert abs(second[:3, 2] @ across) == pytest.approx(1.0)
    n_slices, n_rows, n_columns = absent.image.data.shape
    ijk = np.linalg.solve(absent.image.ijk_to_ras, first[:, 3])[:3]
    np.testing.assert_allclose(ijk, [(n_columns - 1) / 2, (n_rows - 1) / 2, (n_slices - 1) // 2], atol=1e-9)

    slice_nodes[0].GetSliceToRAS().SetElement(0, 3, 42.0)
    guidance.follow(*slice_nodes, absent.tracked)
    assert matrix_of(slice_nodes[0])[0, 3] == 42.0, "where the user has scrolled to is kept"

    guidance.update(seen.image, seen.mask, seen.tracked, None, 0.1)
    assert guidance.follow(*slice_nodes, seen.tracked)
    guidance.clear()
    guidance.update(absent.image, absent.mask, absent.tracked, None, 0.1)
    guidance.follow(*slice_nodes, absent.tracked)
    np.testing.assert_allclose(matrix_of(slice_nodes[0]), first, atol=1e-9)
