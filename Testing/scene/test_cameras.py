"""3D views look at the needle when it is first seen."""

from __future__ import annotations

import numpy as np
import slicer
from InstrumentTrackerLib.scene.mrml_cameras import look_at


def test_every_camera_has_the_tip_in_the_middle_and_keeps_its_direction():
    scene = slicer.vtkMRMLScene()
    views = []
    for position in ((0.0, 500.0, 0.0), (300.0, -100.0, 50.0)):
        node = scene.AddNewNodeByClass("vtkMRMLCameraNode")
        node.SetPosition(*position)
        node.SetFocalPoint(10.0, 20.0, 30.0)
        views.append((node, np.array(position) - [10.0, 20.0, 30.0]))
    tip = np.array([-12.0, 8.0, 45.0])
    look_at(scene, tip)
    for node, direction in views:
        camera = node.GetCamera()
        matrix = camera.GetCompositeProjectionTransformMatrix(1.0, 0.0, 1.0)
        x, y, _, w = matrix.MultiplyPoint((*tip, 1.0))
        np.testing.assert_allclose([x / w, y / w], [0.0, 0.0], atol=1e-6)
        now = np.array(node.GetPosition()) - tip
        np.testing.assert_allclose(now / np.linalg.norm(now), direction / np.linalg.norm(direction), atol=1e-9)
        near, far = camera.GetClippingRange()
        assert near < np.linalg.norm(now) < far


def test_a_scene_without_3d_views_is_left_alone():
    look_at(slicer.vtkMRMLScene(), [1.0, 2.0, 3.0])
