"""Where the 3D views look."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from TemporalReconLib.scene.mrml_nodes import NodeChange

# Near enough to see needle and target apart, far enough for the whole guide.
DISTANCE_MM = 300.0


def look_at(scene: Any, point: ArrayLike) -> None:
    """Let all 3D views of a scene look at a point (RAS mm) from where they look now, only nearer or farther."""
    focal_point = np.asarray(point, dtype=np.float64)
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLCameraNode")
        view = np.array(node.GetPosition()) - np.array(node.GetFocalPoint())
        view /= max(float(np.linalg.norm(view)), 1e-9)
        with NodeChange(node):
            node.SetFocalPoint(*focal_point)
            node.SetPosition(*(focal_point + DISTANCE_MM * view))
            node.ResetClippingRange()
