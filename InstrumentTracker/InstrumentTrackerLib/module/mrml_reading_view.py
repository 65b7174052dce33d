"""The one slice view of a reader study: the picture as it was acquired, and nothing else."""

import numpy as np
import slicer
from TemporalReconLib.scene.mrml_nodes import numpy_matrix

VIEW = "Red"


class ReadingView:
    """Shows pictures of a :class:`~InstrumentTrackerLib.scene.mrml_reading_scene.ReadingScene` in one large slice view.

    :param readingScene: holds the picture.
    """

    def __init__(self, readingScene):
        self._scene = readingScene
        self._layoutBefore = None

    def open(self):
        """One slice view fills the desktop."""
        manager = slicer.app.layoutManager()
        if manager is not None and self._layoutBefore is None:
            self._layoutBefore = manager.layout
            manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)

    def close(self):
        """Back to the layout before."""
        if self._layoutBefore is not None:
            slicer.app.layoutManager().setLayout(self._layoutBefore)
            self._layoutBefore = None

    def show(self):
        """The whole picture, at its middle slice, as the patient lies."""
        slicer.util.setSliceViewerLayers(background=self._scene.volume, foreground=None, label=None)
        node = self._node()
        if node is None:
            return
        node.SetOrientation(self._scene.orientation())
        node.RotateToVolumePlane(self._scene.volume)
        slicer.app.layoutManager().sliceWidget(VIEW).fitSliceToBackground()
        self._jump(self._scene.slice_point())

    def hide(self):
        slicer.util.setSliceViewerLayers(background=None, foreground=None, label=None)

    def step(self, count):
        """Go some slices on, the part of the picture that is looked at stays."""
        node = self._node()
        if node is not None:
            here = numpy_matrix(node.GetSliceToRAS())[:3, 3]
            self._jump(self._scene.slice_point(self._scene.slice_number(here) + count, here))

    def moved(self, point, columns, rows):
        """A point moved by pixels to the right and up on the screen; from the middle of the view without one."""
        node = self._node()
        matrix = np.eye(4) if node is None else numpy_matrix(node.GetSliceToRAS())
        if point is None:
            return matrix[:3, 3]
        return np.asarray(point) + self._scene.pixel_mm * (columns * matrix[:3, 0] + rows * matrix[:3, 1])

    def _jump(self, point):
        self._node().JumpSliceByOffsetting(*(float(value) for value in point))

    def _node(self):
        """The view's slice node, None without a desktop."""
        manager = slicer.app.layoutManager()
        widget = None if manager is None else manager.sliceWidget(VIEW)
        return None if widget is None else widget.mrmlSliceNode()
