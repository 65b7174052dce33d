"""Slicer's own segmentation reader finds the segments of our mask files: names, colors, pixels, place."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.palette import GUIDE_COLOR, NEEDLE_COLOR
from InstrumentTrackerLib.segmentation.mask_file import SEGMENTS, write_masks
from scipy.spatial.transform import Rotation
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.geometry import ijk_to_ras_from_parts, slice_geometry, transform_points

slicer = pytest.importorskip("slicer")
vtk = pytest.importorskip("vtk")
vtk_numpy = pytest.importorskip("vtk.util.numpy_support")

LABELMAP = "Binary labelmap"
SHAPE = (3, 6, 5)
OBLIQUE = ijk_to_ras_from_parts(
    [10.0, -20.0, 30.0], Rotation.from_euler("xyz", [25, -40, 70], degrees=True).as_matrix(), [1.1, 0.9, 3.0]
)


def an_image(index: int, ijk_to_ras=OBLIQUE) -> ImageFrame:
    return ImageFrame(np.ones(SHAPE, np.float32), ijk_to_ras, index, 0.073 * index, 0.073 * index)


def a_mask(guide=(), needle=()) -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    for label, voxels in ((1, guide), (2, needle)):
        for voxel in voxels:
            labels[voxel] = label
    return labels


def read_segments(path) -> dict:
    """By name: color, and the RAS points of the voxels, as Slicer's Segmentations would load them."""
    scene = slicer.vtkMRMLScene()
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert storage.ReadData(node) == 1
    assert storage.GetUserMessages().GetNumberOfMessagesOfType(vtk.vtkCommand.WarningEvent) == 0
    segmentation, found = node.GetSegmentation(), {}
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        image = segment.GetRepresentation(LABELMAP)
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        to_ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
        pixels = vtk_numpy.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
        voxels = np.argwhere(pixels == segment.GetLabelValue())[:, ::-1]
        found[segment.GetName()] = (segment.GetColor(), transform_points(to_ras, voxels))
    return found


def require_segments(path, ijk_to_ras, guide, needle) -> None:
    found = read_segments(path)
    assert list(found) == ["Guide", "Needle"]
    for name, color, voxels in (("Guide", GUIDE_COLOR, guide), ("Needle", NEEDLE_COLOR, needle)):
        assert found[name][0] == pytest.approx(color)
        expected = transform_points(ijk_to_ras, np.array(voxels, float).reshape(-1, 3)[:, ::-1])
        np.testing.assert_allclose(found[name][1], expected, atol=1e-4)


def test_a_segmentation_file_has_guide_and_needle_in_the_colors_of_the_scene(tmp_path):
    write_masks(tmp_path / "m.seg.nrrd", [a_mask([(0, 1, 2), (2, 5, 4)], [(1, 3, 0)])], [an_image(0)])
    require_segments(tmp_path / "m.seg.nrrd", OBLIQUE, [(0, 1, 2), (2, 5, 4)], [(1, 3, 0)])


def test_a_sequence_loaded_as_segmentation_shows_the_newest_frame_with_an_instrument(tmp_path):
    masks = [a_mask([(0, 0, 0)]), a_mask([(1, 2, 3)], [(2, 4, 1)]), a_mask()]
    for name in ("m.seq.nrrd", "m.seg.nrrd"):
        write_masks(tmp_path / name, masks, [an_image(i) for i in range(3)])
        require_segments(tmp_path / name, OBLIQUE, [(1, 2, 3)], [(2, 4, 1)])


def test_the_same_sequence_plays_as_label_maps_of_all_frames(tmp_path):
    masks = [a_mask([(0, 0, 0)]), a_mask([(1, 2, 3)], [(2, 4, 1)]), a_mask()]
    write_masks(tmp_path / "m.seq.nrrd", masks, [an_image(i) for i in range(3)])
    scene = slicer.vtkMRMLScene()
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode")
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeSequenceStorageNode")
    storage.SetFileName(str(tmp_path / "m.seq.nrrd"))
    assert storage.ReadData(sequence) == 1
    assert sequence.GetNumberOfDataNodes() == 3
    for index, mask in enumerate(masks):
        node = sequence.GetNthDataNode(index)
        assert node.IsA("vtkMRMLLabelMapVolumeNode")
        pixels = vtk_numpy.vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(SHAPE)
        np.testing.assert_array_equal(pixels, mask)


def test_both_segments_are_there_when_nothing_was_found(tmp_path):
    write_masks(tmp_path / "m.seq.nrrd", [a_mask(), a_mask()], [an_image(0), an_image(1)])
    require_segments(tmp_path / "m.seq.nrrd", OBLIQUE, [], [])


def test_no_segment_is_shown_where_it_does_not_lie(tmp_path):
    """Each frame with its own place: the one that the file's geometry fits is shown, or the file is its own."""
    moved = slice_geometry(OBLIQUE, 2)
    masks, images = [a_mask([(0, 1, 1)]), a_mask([(2, 2, 2)])], [an_image(0), an_image(1, moved)]
    write_masks(tmp_path / "m.seq.nrrd", masks, images)
    require_segments(tmp_path / "m.seq.nrrd", OBLIQUE, [(0, 1, 1)], [])
    write_masks(tmp_path / "m.seg.nrrd", masks, images)
    require_segments(tmp_path / "m.seg.nrrd", moved, [(2, 2, 2)], [])


def test_we_read_both_files_again(tmp_path):
    masks = [a_mask([(0, 0, 0)]), a_mask([(1, 2, 3)], [(2, 4, 1)])]
    for name, expected in (("m.seq.nrrd", masks), ("m.seg.nrrd", masks[1:])):
        write_masks(tmp_path / name, masks, [an_image(0), an_image(1)])
        series = open_series(tmp_path / name)
        assert len(series) == len(expected)
        for frame, mask in zip(series, expected, strict=True):
            np.testing.assert_array_equal(frame.data, mask)
            np.testing.assert_allclose(frame.ijk_to_ras, OBLIQUE, atol=1e-6)


def test_the_names_are_those_of_the_live_scene():
    from InstrumentTrackerLib.scene.mrml_segmentation import GUIDE_SEGMENT, NEEDLE_SEGMENT

    assert [segment.name for segment in SEGMENTS] == [GUIDE_SEGMENT, NEEDLE_SEGMENT]
