"""Slicer's own sequence reader takes our files: number of frames, place, times, pixels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence, write_label_sequence
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.geometry import ijk_to_ras_from_parts

slicer = pytest.importorskip("slicer")
vtk_numpy = pytest.importorskip("vtk.util.numpy_support")
vtk = pytest.importorskip("vtk")

OBLIQUE = ijk_to_ras_from_parts(
    [10.0, -20.0, 30.0], Rotation.from_euler("xyz", [25, -40, 70], degrees=True).as_matrix(), [1.1, 0.9, 3.0]
)


def frames(count: int) -> list[ImageFrame]:
    generator = np.random.default_rng(0)
    return [
        ImageFrame(
            generator.random((3, 6, 5), dtype=np.float32),
            OBLIQUE,
            index=index,
            acquisition_start_time=0.073 * index,
            acquisition_end_time=0.073 * index,
        )
        for index in range(count)
    ]


def read_in_slicer(path):
    """The sequence node as the Sequences module would load it, and the scene that keeps it alive."""
    scene = slicer.vtkMRMLScene()
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "sequence")
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeSequenceStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(sequence) == 1
    return scene, sequence


def pixels_of(volume) -> np.ndarray:
    image = volume.GetImageData()
    return vtk_numpy.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def ijk_to_ras_of(volume) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def test_slicer_finds_every_frame_with_its_pixels_place_and_time(tmp_path):
    written = frames(4)
    write_image_sequence(tmp_path / "recon.seq.nrrd", written)
    _scene, sequence = read_in_slicer(tmp_path / "recon.seq.nrrd")

    assert sequence.GetNumberOfDataNodes() == 4
    assert (sequence.GetIndexName(), sequence.GetIndexUnit()) == ("time", "s")
    for index, frame in enumerate(written):
        volume = sequence.GetNthDataNode(index)
        assert volume.IsA("vtkMRMLScalarVolumeNode")
        assert float(sequence.GetNthIndexValue(index)) == pytest.approx(0.073 * index)
        np.testing.assert_array_equal(pixels_of(volume), frame.data)
        np.testing.assert_allclose(ijk_to_ras_of(volume), OBLIQUE, atol=1e-6)


def test_a_single_frame_is_a_sequence_too(tmp_path):
    write_image_sequence(tmp_path / "recon.seq.nrrd", frames(1))
    _scene, sequence = read_in_slicer(tmp_path / "recon.seq.nrrd")
    assert sequence.GetNumberOfDataNodes() == 1
    np.testing.assert_allclose(ijk_to_ras_of(sequence.GetNthDataNode(0)), OBLIQUE, atol=1e-6)


def test_slicer_reads_label_sequences_as_label_maps(tmp_path):
    images = frames(2)
    labels = [np.zeros((3, 6, 5), dtype=np.uint8) for _ in images]
    labels[1][2, 4, 3] = 2
    write_label_sequence(tmp_path / "mask.seq.nrrd", labels, images)
    _scene, sequence = read_in_slicer(tmp_path / "mask.seq.nrrd")

    second = sequence.GetNthDataNode(1)
    assert second.IsA("vtkMRMLLabelMapVolumeNode")
    assert np.argwhere(pixels_of(second)).tolist() == [[2, 4, 3]]
    np.testing.assert_allclose(ijk_to_ras_of(second), OBLIQUE, atol=1e-6)


def test_we_read_a_sequence_that_slicer_wrote(tmp_path):
    scene = slicer.vtkMRMLScene()
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "sequence")
    sequence.SetIndexName("time")
    sequence.SetIndexUnit("s")
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(OBLIQUE.ravel().tolist())
    for index, frame in enumerate(frames(3)):
        volume = slicer.vtkMRMLScalarVolumeNode()
        image = vtk.vtkImageData()
        image.SetDimensions(5, 6, 3)
        image.AllocateScalars(vtk.VTK_FLOAT, 1)
        vtk_numpy.vtk_to_numpy(image.GetPointData().GetScalars())[:] = frame.data.ravel()
        volume.SetAndObserveImageData(image)
        volume.SetIJKToRASMatrix(matrix)
        sequence.SetDataNodeAtValue(volume, f"{0.2 * index:.1f}")
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeSequenceStorageNode")
    storage.SetFileName(str(tmp_path / "slicer.seq.nrrd"))
    assert storage.WriteData(sequence) == 1

    series = open_series(tmp_path / "slicer.seq.nrrd")
    assert len(series) == 3
    assert series.frame_interval_s == pytest.approx(0.2)
    for read, frame in zip(series, frames(3), strict=True):
        np.testing.assert_array_equal(read.data, frame.data)
        np.testing.assert_allclose(read.ijk_to_ras, OBLIQUE, atol=1e-6)
