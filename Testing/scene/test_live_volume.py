"""The live picture in a real MRML scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from guidance_case import guidance_case
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.igtl.frames import recon_envelope
from TemporalReconLib.scene.mrml_volume import LiveVolume
from TemporalReconLib.window_level import robust_window
from vtk.util.numpy_support import vtk_to_numpy


@pytest.fixture
def scene():
    return slicer.vtkMRMLScene()


def ras_of_voxel(node, ijk) -> np.ndarray:
    """As Slicer's own modules compute it."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array(matrix.MultiplyPoint([*ijk, 1.0])[:3])


def voxels_of(node) -> np.ndarray:
    columns, rows, slices = node.GetImageData().GetDimensions()
    return vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(slices, rows, columns)


def test_an_oblique_picture_keeps_every_voxel_where_it_was_measured(scene):
    image = guidance_case().image
    node = LiveVolume(scene).update(image)
    assert node.GetName() == "TR Reconstruction"
    for ijk in [(0, 0, 0), (255, 0, 0), (0, 255, 2), (17, 93, 1)]:
        expected = (image.ijk_to_ras @ [*ijk, 1.0])[:3]
        np.testing.assert_allclose(ras_of_voxel(node, ijk), expected, atol=1e-9)
        i, j, k = ijk
        assert node.GetImageData().GetScalarComponentAsDouble(i, j, k, 0) == pytest.approx(float(image.data[k, j, i]))


def test_a_left_handed_geometry_is_shown_exactly(scene):
    image = replace(guidance_case().image, ijk_to_ras=np.diag([-1.1, 1.1, 3.0, 1.0]))
    node = LiveVolume(scene).update(image)
    np.testing.assert_allclose(ras_of_voxel(node, (10, 20, 1)), [-11.0, 22.0, 3.0], atol=1e-12)


def test_new_pictures_add_no_nodes_and_allocate_no_pixels(scene):
    volume = LiveVolume(scene)
    node = volume.update(guidance_case().image)
    pixels, count = node.GetImageData(), scene.GetNumberOfNodes()
    modified = []
    node.AddObserver(slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent, lambda *_: modified.append(1))
    for index in range(1, 6):
        image = guidance_case(index, advance_mm=index).image
        volume.update(image)
        np.testing.assert_array_equal(voxels_of(node), image.data)
    assert node.GetImageData() is pixels
    assert scene.GetNumberOfNodes() == count
    assert len(modified) >= 5


def test_the_picture_does_not_alias_the_memory_of_the_pipeline(scene):
    image = guidance_case().image
    node = LiveVolume(scene).update(image)
    before = float(voxels_of(node)[1, 128, 128])
    image.data[1, 128, 128] = 99.0
    assert float(voxels_of(node)[1, 128, 128]) == before


def test_a_new_shape_and_geometry_are_taken_over(scene):
    volume = LiveVolume(scene)
    node = volume.update(guidance_case().image)
    small = ImageFrame(np.full((1, 64, 48), 0.5, np.float32), np.diag([2.0, 2.0, 5.0, 1.0]), index=1)
    assert volume.update(small) is node
    assert node.GetImageData().GetDimensions() == (48, 64, 1)
    np.testing.assert_allclose(ras_of_voxel(node, (1, 1, 0)), [2.0, 2.0, 0.0])


def test_window_and_level_follow_a_lasting_change_in_small_steps_and_no_flicker(scene):
    volume = LiveVolume(scene)
    image = guidance_case().image
    display = volume.update(image).GetDisplayNode()
    assert not display.GetAutoWindowLevel()
    first = (display.GetWindow(), display.GetLevel())
    for index in range(1, 20):  # one bright frame in five
        volume.update(replace(image, data=image.data * (1.6 if index % 5 == 0 else 1.0), index=index))
    assert (display.GetWindow(), display.GetLevel()) == first
    windows = [display.GetWindow()]
    for index in range(20, 90):
        volume.update(replace(image, data=image.data * 3.0, index=index))
        windows.append(display.GetWindow())
    assert windows[-1] == pytest.approx(3.0 * first[0], rel=0.06)
    assert max(np.diff(windows) / windows[:-1]) < 0.04


def test_window_and_level_are_the_users_once_they_were_changed(scene):
    volume = LiveVolume(scene)
    image = guidance_case().image
    display = volume.update(image).GetDisplayNode()
    display.SetWindowLevel(0.3, 0.2)
    volume.update(replace(image, data=image.data * 1000.0, index=1, stream_id="another scale"))
    assert (display.GetWindow(), display.GetLevel()) == (0.3, 0.2)
    assert volume.window_is_locked
    volume.window_is_locked = False
    volume.update(replace(image, data=image.data * 1000.0, index=2, stream_id="another scale"))
    assert display.GetWindow() == pytest.approx(1.1e3 * np.percentile(image.data, 99.0), rel=1e-3)


def test_window_ignores_single_bright_pixels_and_waits_for_a_picture_with_contrast(scene):
    data = np.full((1, 64, 64), 0.4, np.float32)
    data[0, :2, :4] = 500.0
    assert robust_window(data) == pytest.approx(0.44)
    assert robust_window(np.zeros((1, 8, 8), np.float32)) is None
    volume = LiveVolume(scene)
    black = ImageFrame(np.zeros((1, 64, 64), np.float32), np.eye(4))
    display = volume.update(black).GetDisplayNode()
    volume.update(replace(black, data=data))
    assert display.GetWindow() == pytest.approx(0.44)


def test_attributes_say_what_the_wire_says(scene):
    volume = LiveVolume(scene)
    image = guidance_case(index=12).image
    node = volume.update(image, age_s=0.25)
    assert node.GetAttribute("TR.FrameIndex") == "12"
    assert node.GetAttribute("TR.Quality") == "0.870"
    assert node.GetAttribute("TR.Age_s") == "0.250"
    assert node.GetAttribute("TR.Latency_ms") == "40.0"
    volume.update(replace(image, quality=None))
    assert node.GetAttribute("TR.Quality") is None
    volume.set_age(1.5)
    assert node.GetAttribute("TR.Age_s") == "1.500"


@pytest.mark.parametrize("has_geometry", [True, False])
def test_whether_the_geometry_is_known_reads_as_on_the_wire(scene, has_geometry):
    image = replace(guidance_case().image, has_geometry=has_geometry)
    node = LiveVolume(scene).update(image)
    assert node.GetAttribute("TR.HasGeometry") == recon_envelope(image).metadata.get("TR.HasGeometry")


def test_clearing_blackens_the_picture_and_its_attributes(scene):
    volume = LiveVolume(scene)
    node = volume.update(guidance_case().image, 0.1)
    volume.clear()
    assert volume.node is node
    assert not voxels_of(node).any()
    assert node.GetAttribute("TR.FrameIndex") is None
