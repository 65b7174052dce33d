"""Sequences and volumes of a scene become series: pixels, times and places as Slicer shows them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from TemporalReconLib.errors import InputError
from TemporalReconLib.scene.mrml_nodes import vtk_matrix
from TemporalReconLib.scene.mrml_series import copy_of_sequence, copy_of_volume
from vtk.util.numpy_support import numpy_to_vtk

OBLIQUE = np.array([[0.9, 0.1, -0.4, 12.0], [-0.2, 1.1, 0.3, -7.0], [0.5, 0.2, 2.9, 30.0], [0, 0, 0, 1.0]])


def pixels_of_frame(index: int, shape: tuple[int, int, int] = (2, 3, 4)) -> np.ndarray:
    return (np.arange(np.prod(shape)) + 100 * index).reshape(shape).astype(np.int16)


def fill(node: Any, pixels: np.ndarray, matrix: np.ndarray = OBLIQUE) -> Any:
    """Give a volume node pixels (slice, row, col[, component])."""
    image = vtk.vtkImageData()
    image.SetDimensions(*pixels.shape[2::-1])
    n_components = 1 if pixels.ndim == 3 else pixels.shape[3]
    scalars = numpy_to_vtk(pixels.reshape(-1, n_components), deep=True)
    image.GetPointData().SetScalars(scalars)
    node.SetIJKToRASMatrix(vtk_matrix(matrix))
    node.SetAndObserveImageData(image)
    return node


@pytest.fixture
def scene() -> Any:
    scene = slicer.vtkMRMLScene()
    scene.RegisterNodeClass(slicer.vtkMRMLSequenceBrowserNode())  # the desktop's Sequences module does so
    return scene


@pytest.fixture
def volume(scene: Any) -> Any:
    return fill(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Volume"), pixels_of_frame(0))


def sequence_of(scene: Any, frames: list[np.ndarray], unit: str = "s", step: float = 0.25) -> Any:
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "Series")
    sequence.SetIndexUnit(unit)
    for index, pixels in enumerate(frames):
        sequence.SetDataNodeAtValue(fill(slicer.vtkMRMLScalarVolumeNode(), pixels), f"{index * step:g}")
    return sequence


def test_a_sequence_keeps_pixels_geometry_order_and_times(scene: Any) -> None:
    series = copy_of_sequence(sequence_of(scene, [pixels_of_frame(k) for k in range(12)])).series()
    assert (len(series), series.image_shape, series.name) == (12, (2, 3, 4), "Series")
    assert series.frame_interval_s == pytest.approx(0.25)
    for index in (0, 2, 11):
        frame = series.frame(index)
        np.testing.assert_array_equal(frame.data, pixels_of_frame(index))
        np.testing.assert_allclose(frame.ijk_to_ras, OBLIQUE)
        assert frame.index == index
        assert frame.acquisition_start_time == pytest.approx(0.25 * index)


def test_index_values_that_are_no_time_give_no_clock(scene: Any) -> None:
    frames = [pixels_of_frame(k) for k in range(3)]
    assert copy_of_sequence(sequence_of(scene, frames, unit="")).series().frame_interval_s is None
    assert copy_of_sequence(sequence_of(scene, frames, "ms", 250.0)).series().frame_interval_s == pytest.approx(0.25)


def test_the_copy_needs_the_scene_no_more_and_becomes_a_series_on_any_thread(scene: Any, volume: Any) -> None:
    copied = copy_of_volume(volume)
    fill(volume, pixels_of_frame(5))
    scene.Clear(1)
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(copied.series()))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(made[0].frame(0).data, pixels_of_frame(0))


def test_slices_played_as_frames_keep_each_slices_place(volume: Any) -> None:
    series = copy_of_volume(volume).series("slices")
    assert (len(series), series.image_shape) == (2, (1, 3, 4))
    np.testing.assert_array_equal(series.frame(1).data[0], pixels_of_frame(0)[1])
    # Pixel (i=2, j=1) of slice 1 lies where it lies in the volume.
    place = series.frame(1).ijk_to_ras @ [2, 1, 0, 1]
    np.testing.assert_allclose(place, OBLIQUE @ [2, 1, 1, 1])


def under(scene: Any, node: Any, matrix: np.ndarray) -> Any:
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(vtk_matrix(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def test_a_volume_lies_where_its_transforms_put_it(scene: Any, volume: Any) -> None:
    turn = np.array([[0, -1, 0, 5.0], [1, 0, 0, 6.0], [0, 0, 1, 7.0], [0, 0, 0, 1]])
    shift = np.eye(4)
    shift[:3, 3] = (100.0, 0.0, 0.0)
    under(scene, under(scene, volume, turn), shift)
    np.testing.assert_allclose(copy_of_volume(volume).series().frame(0).ijk_to_ras, shift @ turn @ OBLIQUE)


def test_a_sequence_lies_where_the_volume_that_shows_it_lies(scene: Any) -> None:
    sequence = sequence_of(scene, [pixels_of_frame(k) for k in range(2)])
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.AddSynchronizedSequenceNode(sequence)
    shown = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Shown")
    browser.AddProxyNode(shown, sequence, False)
    shift = np.eye(4)
    shift[:3, 3] = (1.0, 2.0, 3.0)
    under(scene, browser.GetProxyNode(sequence), shift)
    np.testing.assert_allclose(copy_of_sequence(sequence).series().frame(1).ijk_to_ras, shift @ OBLIQUE)


def test_a_nonlinear_transform_is_refused_by_name(scene: Any, volume: Any) -> None:
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
    warp = vtk.vtkThinPlateSplineTransform()
    points = vtk.vtkPoints()
    for point in ((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (5, 5, 5)):
        points.InsertNextPoint(point)
    moved = vtk.vtkPoints()
    moved.DeepCopy(points)
    moved.SetPoint(4, 8, 5, 5)
    warp.SetSourceLandmarks(points)
    warp.SetTargetLandmarks(moved)
    warp.SetBasisToR()
    transform.SetAndObserveTransformToParent(warp)
    volume.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="Volume: lies under the nonlinear transform 'Warp'"):
        copy_of_volume(volume)


def test_signed_pixels_stay_signed_for_undersampling(scene: Any) -> None:
    node = fill(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Signed"), pixels_of_frame(0) - 5)
    frame = copy_of_volume(node).series().frame(0)
    np.testing.assert_array_equal(frame.complex_data.real, pixels_of_frame(0) - 5)


def test_what_cannot_be_played_is_refused_with_the_reason(scene: Any) -> None:
    with pytest.raises(InputError, match="Series: the sequence is empty"):
        copy_of_sequence(sequence_of(scene, []))
    with pytest.raises(InputError, match="item 2 has 4 x 5 x 2 pixels, the first 4 x 3 x 2"):
        copy_of_sequence(sequence_of(scene, [pixels_of_frame(0), pixels_of_frame(1, (2, 5, 4))]))
    color = np.zeros((1, 2, 2, 3), np.uint8)
    with pytest.raises(InputError, match="3 components per pixel"):
        copy_of_volume(fill(scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Color"), color))
    with pytest.raises(InputError, match="Empty: has no pixels"):
        copy_of_volume(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty"))
    transforms = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "Poses")
    transforms.SetDataNodeAtValue(slicer.vtkMRMLLinearTransformNode(), "0")
    with pytest.raises(InputError, match="Poses: item 1 is LinearTransform, no volume"):
        copy_of_sequence(transforms)


def test_pixels_that_are_no_numbers_are_told_with_their_frame(scene: Any) -> None:
    broken = pixels_of_frame(1).astype(np.float32)
    broken[0, 1, 1] = np.nan
    copied = copy_of_sequence(sequence_of(scene, [pixels_of_frame(0).astype(np.float32), broken]))
    with pytest.raises(InputError, match="NaN or infinite pixels in frame 1"):
        copied.series()


def test_slices_of_a_whole_sequence_are_refused(scene: Any) -> None:
    copied = copy_of_sequence(sequence_of(scene, [pixels_of_frame(k) for k in range(2)]))
    with pytest.raises(InputError, match="2 time points"):
        copied.series("slices")
