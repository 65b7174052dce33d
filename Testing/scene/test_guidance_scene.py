"""Markers, segmentation and readout in a real MRML scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import psutil
import pytest
import slicer
import vtk
from guidance_case import guidance_case
from InstrumentTrackerLib.scene import mrml_markups as marks
from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene
from InstrumentTrackerLib.scene.mrml_style import DisplayStatus
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from TemporalReconLib.errors import InputError
from vtk.util.numpy_support import vtk_to_numpy


@pytest.fixture
def scene():
    result = slicer.vtkMRMLScene()
    result.AddNode(slicer.vtkMRMLSelectionNode())  # where markups look up their units
    return result


@pytest.fixture
def guidance(scene):
    return GuidanceScene(scene)


def show(guidance, case, age_s=0.1):
    return guidance.update(case.image, case.mask, case.tracked, case.assessment, age_s)


def show_with_plan(guidance, case=None):
    case = guidance_case() if case is None else case
    guidance.set_target(case.target)
    guidance.set_entry(case.entry)
    show(guidance, case)
    return case


def position(node, index=0) -> np.ndarray:
    """World position as any Slicer module would ask for it."""
    result = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(index, result)
    return np.array(result)


def nodes_of(scene) -> set:
    return {scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())}


def markups_of(scene) -> list:
    return [node for node in nodes_of(scene) if node.IsA("vtkMRMLMarkupsNode")]


def shown_text(scene) -> str:
    return scene.GetFirstNodeByName("Guidance readout").GetText()


def test_markers_stand_exactly_where_the_pose_says_in_ras(scene, guidance):
    case = show_with_plan(guidance)
    named = {name: scene.GetFirstNodeByName(name) for name in ("Guide tip", "Needle tip", "Target", "Entry")}
    np.testing.assert_allclose(position(named["Guide tip"]), case.tracked.guide_tip, atol=1e-9)
    np.testing.assert_allclose(position(named["Needle tip"]), case.tracked.needle_tip, atol=1e-9)
    np.testing.assert_allclose(position(named["Target"]), case.target, atol=1e-9)
    np.testing.assert_allclose(position(named["Entry"]), case.entry, atol=1e-9)
    to_target = scene.GetFirstNodeByName("Tip to target")
    np.testing.assert_allclose(position(to_target, 0), case.tracked.needle_tip, atol=1e-9)
    np.testing.assert_allclose(position(to_target, 1), case.target, atol=1e-9)
    plan = scene.GetFirstNodeByName("Planned path")
    np.testing.assert_allclose([position(plan, 0), position(plan, 1)], [case.entry, case.target], atol=1e-9)


def test_the_projected_path_continues_the_axis_beyond_the_tip_in_steps_of_five_mm(scene, guidance):
    case = show_with_plan(guidance)
    path = scene.GetFirstNodeByName("Projected path")
    for index in range(path.GetNumberOfControlPoints()):
        expected = case.tracked.needle_tip + 5.0 * (index + 1) * case.tracked.axis
        np.testing.assert_allclose(position(path, index), expected, atol=1e-9)
    assert path.GetNumberOfControlPoints() == 10


def test_fifty_frames_in_all_states_add_no_node(scene, guidance):
    case = show_with_plan(guidance)
    count = scene.GetNumberOfNodes()
    states = [*TrackingState]
    for index in range(50):
        case = guidance_case(index, advance_mm=0.3 * index, state=states[(index // 3) % 4])
        guidance.update(case.image, case.mask if index % 2 else None, case.tracked, case.assessment, 0.1)
        guidance.refresh_age(2.0 if index % 5 == 0 else 0.2)
    assert scene.GetNumberOfNodes() == count


def test_live_updates_leave_the_undo_stack_alone(scene):
    scene.SetUndoOn()
    guidance = GuidanceScene(scene)
    show_with_plan(guidance)
    for index in range(5):
        show(guidance, guidance_case(index, advance_mm=index))
    assert scene.GetNumberOfUndoLevels() == 0
    ours = [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
    ours = [node for node in ours if node.GetAttribute("InBoreGuidance.Role")]
    assert len(ours) >= 12
    assert not any(node.GetUndoEnabled() for node in ours)


@pytest.mark.parametrize("state", [TrackingState.LOST, TrackingState.ABSENT])
def test_an_instrument_that_is_not_found_leaves_no_old_position_anywhere_in_the_scene(scene, guidance, state):
    case = show_with_plan(guidance)
    show(guidance, guidance_case(1, state=state))
    for spec in marks.MEASURED:
        assert guidance.markups.node(spec).GetNumberOfControlPoints() == 0, spec.name
    labelmap = slicer.vtkOrientedImageData()
    guidance.segmentation.node.GetBinaryLabelmapRepresentation("Needle", labelmap)
    assert labelmap.GetScalarRange()[1] == 0
    assert "mm" not in shown_text(scene)
    np.testing.assert_allclose(position(scene.GetFirstNodeByName("Target")), case.target)


def test_numbers_vanish_when_pictures_stop_coming_and_return_with_the_next(scene, guidance):
    case = show_with_plan(guidance)
    assert guidance.refresh_age(0.6).status is DisplayStatus.TRACKED
    assert "Picture age: 0.60 s" in shown_text(scene)
    assert guidance.refresh_age(1.2).status is DisplayStatus.STALE
    assert scene.GetFirstNodeByName("Needle tip").GetNumberOfControlPoints() == 0
    assert shown_text(scene).startswith("STALE")
    assert "mm" not in shown_text(scene)
    assert show(guidance, case).status is DisplayStatus.TRACKED
    assert scene.GetFirstNodeByName("Needle tip").GetNumberOfControlPoints() == 1


def test_a_predicted_tip_looks_different_from_a_measured_one(scene, guidance):
    show_with_plan(guidance)
    node = scene.GetFirstNodeByName("Needle tip")
    measured = node.GetDisplayNode().GetGlyphType(), node.GetDisplayNode().GetOpacity(), node.GetNthControlPointLabel(0)
    show(guidance, guidance_case(1, state=TrackingState.PREDICTED))
    predicted = node.GetDisplayNode().GetGlyphType(), node.GetDisplayNode().GetOpacity()
    assert predicted[0] != measured[0]
    assert predicted[1] < measured[1]
    assert node.GetNthControlPointLabel(0) == "needle tip (predicted)"
    show(guidance, guidance_case(2))
    assert node.GetDisplayNode().GetGlyphType() == measured[0]
    assert node.GetNthControlPointLabel(0) == measured[2]


def test_a_tip_measured_in_an_unreliable_picture_looks_like_an_estimate(scene, guidance):
    case = guidance_case()
    show_with_plan(guidance, case)
    good = guidance.readout
    doubtful = guidance.update(replace(case.image, quality=0.2), case.mask, case.tracked, case.assessment, 0.1)
    assert good.status is DisplayStatus.TRACKED and doubtful.status is DisplayStatus.PREDICTED
    assert doubtful.headline == f"~{good.headline}"
    assert "from an unreliable picture" in doubtful.text() and "UNRELIABLE PICTURE: quality 20 %" in doubtful.text()
    assert guidance.refresh_age(0.2).status is DisplayStatus.PREDICTED


def test_guide_tip_and_needle_tip_are_never_merged(scene, guidance):
    case = show_with_plan(guidance)
    glyphs = {
        scene.GetFirstNodeByName(n).GetDisplayNode().GetGlyphType() for n in ("Guide tip", "Needle tip", "Target")
    }
    colors = {scene.GetFirstNodeByName(n).GetDisplayNode().GetSelectedColor() for n in ("Guide tip", "Needle tip")}
    assert len(glyphs) == 3
    assert len(colors) == 2
    guide_only = TrackedPose(TrackingState.TRACKED, case.tracked.guide_tip, None, case.tracked.axis, 0.8)
    guidance.update(case.image, case.mask, guide_only, case.assessment, 0.1)
    assert scene.GetFirstNodeByName("Needle tip").GetNumberOfControlPoints() == 0
    assert scene.GetFirstNodeByName("Guide tip").GetNumberOfControlPoints() == 1


def test_the_segmentation_shows_both_labels_at_the_place_of_the_mask(guidance):
    case = show_with_plan(guidance)
    advanced = guidance_case(1, advance_mm=7.0)
    show(guidance, advanced)
    node = guidance.segmentation.node
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    for name, value in (("Guide", 1), ("Needle", 2)):
        labelmap = slicer.vtkOrientedImageData()
        assert node.GetBinaryLabelmapRepresentation(name, labelmap)
        expected = np.argwhere(advanced.mask.labels == value)[:, ::-1]
        center = (advanced.mask.ijk_to_ras @ [*expected.mean(axis=0), 1.0])[:3]
        found = segment_center(labelmap)
        np.testing.assert_allclose(found, center, atol=1e-6)
    assert case.mask.labels.sum() != 0


def segment_center(labelmap) -> np.ndarray:
    """Center of mass in RAS, from the geometry that the segmentation itself states."""
    first_i, last_i, first_j, last_j, first_k, last_k = labelmap.GetExtent()
    shape = (last_k - first_k + 1, last_j - first_j + 1, last_i - first_i + 1)
    voxels = np.argwhere(vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(shape))[:, ::-1]
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    return np.array(matrix.MultiplyPoint([*(voxels.mean(axis=0) + np.array([first_i, first_j, first_k])), 1.0])[:3])


def test_a_mask_of_another_shape_or_a_deleted_segment_is_no_obstacle(guidance):
    show_with_plan(guidance)
    segmentation = guidance.segmentation.node.GetSegmentation()
    segmentation.RemoveSegment("Guide")
    case = guidance_case(1)
    labels = np.zeros((1, 32, 40), np.uint8)
    labels[0, 5, 6] = 1
    guidance.update(case.image, InstrumentMask(labels, np.diag([2.0, 2.0, 4.0, 1.0])), case.tracked, None, 0.1)
    labelmap = slicer.vtkOrientedImageData()
    guidance.segmentation.node.GetBinaryLabelmapRepresentation("Guide", labelmap)
    np.testing.assert_allclose(segment_center(labelmap), [12.0, 10.0, 0.0])


def test_a_closed_surface_made_by_the_user_follows_the_needle(scene, guidance):
    conversions = slicer.vtkSlicerSegmentationsModuleLogic()
    conversions.SetMRMLScene(scene)
    show_with_plan(guidance)
    node = guidance.segmentation.node
    node.CreateClosedSurfaceRepresentation()  # "Show 3D"
    before = np.array(node.GetClosedSurfaceInternalRepresentation("Needle").GetCenter())
    case = guidance_case(1, advance_mm=10.0)
    show(guidance, case)
    moved = np.array(node.GetClosedSurfaceInternalRepresentation("Needle").GetCenter()) - before
    np.testing.assert_allclose(moved, 10.0 * case.tracked.axis, atol=1.5)


def test_a_dragged_target_is_the_target(scene, guidance):
    show_with_plan(guidance)
    scene.GetFirstNodeByName("Target").SetNthControlPointPositionWorld(0, 1.0, 2.0, 3.0)
    np.testing.assert_allclose(guidance.target, [1.0, 2.0, 3.0])
    show(guidance, guidance_case(1))
    np.testing.assert_allclose(position(scene.GetFirstNodeByName("Planned path"), 1), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(position(scene.GetFirstNodeByName("Tip to target"), 1), [1.0, 2.0, 3.0])


def test_the_distance_to_the_former_target_is_not_shown_for_a_new_one(scene, guidance):
    case = show_with_plan(guidance)
    assert guidance.readout.headline
    guidance.set_target(case.target + np.array([0.0, 0.0, 5.0]))
    assert guidance.readout.headline == ""
    guidance.set_target(None)
    show(guidance, guidance_case(1))
    assert "mm" not in shown_text(scene)
    assert scene.GetFirstNodeByName("Tip to target").GetNumberOfControlPoints() == 0


def test_a_target_that_is_no_point_is_refused(guidance):
    with pytest.raises(InputError, match="target"):
        guidance.set_target([1.0, float("nan"), 2.0])


def test_a_scene_closed_midway_recovers_without_the_former_patients_target(scene, guidance):
    show_with_plan(guidance)
    count = scene.GetNumberOfNodes()
    scene.Clear(0)
    assert guidance.volume.node is None
    assert guidance.target is None
    case = guidance_case(1)
    show(guidance, case)
    np.testing.assert_allclose(position(scene.GetFirstNodeByName("Needle tip")), case.tracked.needle_tip)
    assert "Target: not set" in shown_text(scene)
    show_with_plan(guidance, case)
    assert scene.GetNumberOfNodes() == count


def test_nothing_is_touched_while_the_scene_is_being_closed(scene, guidance):
    show_with_plan(guidance)
    count = scene.GetNumberOfNodes()
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    guidance.nodes.scene.RemoveNode(scene.GetFirstNodeByName("Needle tip"))
    show(guidance, guidance_case(1))
    guidance.refresh_age(5.0)
    assert scene.GetFirstNodeByName("Needle tip") is None
    scene.EndState(slicer.vtkMRMLScene.BatchProcessState)
    show(guidance, guidance_case(2))
    assert scene.GetNumberOfNodes() == count


def test_after_preparing_the_first_sight_of_an_instrument_makes_only_picture_and_words(scene, guidance):
    case = guidance_case()
    counts = [scene.GetNumberOfNodesByClass("vtkMRMLDisplayableNode") for _ in guidance.prepare()]
    assert np.diff(counts).max() == 1, "a node per step: all at once would be felt"
    assert not [node for node in markups_of(scene) if node.GetNumberOfControlPoints()]
    prepared = nodes_of(scene)
    show(guidance, case)
    made = {node.GetClassName() for node in nodes_of(scene) - prepared}
    assert made == {"vtkMRMLScalarVolumeNode", "vtkMRMLScalarVolumeDisplayNode", "vtkMRMLTextNode"}


def test_preparing_waits_while_the_scene_is_being_closed(scene, guidance):
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    steps = guidance.prepare()
    for _ in range(5):
        next(steps)
    assert not markups_of(scene)
    scene.EndState(slicer.vtkMRMLScene.BatchProcessState)
    next(steps)
    assert len(markups_of(scene)) == 1


def test_any_single_node_removed_by_the_user_comes_back(scene, guidance):
    show_with_plan(guidance)
    count = scene.GetNumberOfNodes()
    for name in ("TR Reconstruction", "Instrument", "Guide tip", "Projected path", "Guidance readout"):
        scene.RemoveNode(scene.GetFirstNodeByName(name))
        show(guidance, guidance_case(1))
        assert scene.GetFirstNodeByName(name) is not None, name
    assert scene.GetNumberOfNodes() <= count


def test_a_display_that_serves_another_node_survives_the_removal_of_ours(scene, guidance):
    show_with_plan(guidance)
    target = scene.GetFirstNodeByName("Target")
    display, users = target.GetDisplayNode(), scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "User's")
    users.SetAndObserveDisplayNodeID(display.GetID())
    scene.RemoveNode(target)
    show(guidance, guidance_case(1))
    assert scene.IsNodePresent(display)


def test_nodes_are_grouped_in_one_folder_and_helpers_stay_out_of_editors(scene, guidance):
    show_with_plan(guidance)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.GetItemChildWithName(hierarchy.GetSceneItemID(), "In-bore guidance")
    for name in ("TR Reconstruction", "Instrument", "Needle tip", "Target"):
        item = hierarchy.GetItemByDataNode(scene.GetFirstNodeByName(name))
        assert hierarchy.GetItemParent(item) == folder, name
    assert scene.GetFirstNodeByName("Projected path").GetHideFromEditors()
    assert not scene.GetFirstNodeByName("Target").GetHideFromEditors()
    assert scene.GetFirstNodeByName("Needle tip").GetLocked()
    assert not scene.GetFirstNodeByName("Target").GetLocked()


def test_clearing_forgets_what_was_measured_and_keeps_the_plan(scene, guidance):
    case = show_with_plan(guidance)
    guidance.clear()
    assert shown_text(scene).startswith("NO PICTURE")
    assert scene.GetFirstNodeByName("Needle tip").GetNumberOfControlPoints() == 0
    np.testing.assert_allclose(guidance.target, case.target)
    guidance.remove()
    assert scene.GetFirstNodeByName("Target") is None
    assert scene.GetFirstNodeByName("TR Reconstruction") is None


def test_a_second_display_in_the_same_scene_adopts_the_nodes(scene, guidance):
    case = show_with_plan(guidance)
    count = scene.GetNumberOfNodes()
    other = GuidanceScene(scene)
    np.testing.assert_allclose(other.target, case.target)
    show(other, guidance_case(1))
    assert scene.GetNumberOfNodes() == count


def test_memory_stays_flat_over_two_hundred_frames(guidance):
    cases = [guidance_case(index, advance_mm=2.0 * index) for index in range(4)]
    show_with_plan(guidance, cases[0])
    process = psutil.Process()
    for index in range(50):
        show(guidance, cases[index % 4])
    before = process.memory_info().rss
    for index in range(200):
        show(guidance, replace(cases[index % 4], image=replace(cases[index % 4].image, index=index)))
    growth = process.memory_info().rss - before
    assert growth < 20 * 786_432 // 2, f"{growth / 1e6:.1f} MB for 200 frames of 0.8 MB"
