"""The guidance picture: in-plane slice, perpendicular slice, 3D and a large readout in one image."""

from __future__ import annotations

import numpy as np
from TemporalReconLib.scene.mrml_nodes import numpy_matrix

from InstrumentTrackerLib.scene.mrml_layout import IN_PLANE_VIEW, PERPENDICULAR_VIEW, THREE_D_VIEW
from InstrumentTrackerLib.scene.mrml_offscreen import OffscreenSlicer
from InstrumentTrackerLib.scene.mrml_overlay import ViewOverlay
from InstrumentTrackerLib.scene.mrml_readout_panel import ReadoutPanel
from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene
from InstrumentTrackerLib.scene.mrml_views import OffscreenView, Pixels, Size, SliceView, ThreeDView
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose


class GuidancePicture:
    """Renders what a clinician would see, without a desktop.

    Parameters
    ----------
    host
        Scene and logics.
    guidance
        The display in that scene.
    size
        Pixels (columns, rows) of the whole picture.
    height_mm
        Height of the slice views in mm.
    """

    def __init__(
        self,
        host: OffscreenSlicer,
        guidance: GuidanceScene,
        size: Size = (1280, 960),
        height_mm: float = 130.0,
    ) -> None:
        self._guidance = guidance
        self._height_mm = height_mm
        tile = (size[0] // 2, size[1] // 2)
        self.in_plane = SliceView(host, IN_PLANE_VIEW, "Coronal", tile)
        self.perpendicular = SliceView(host, PERPENDICULAR_VIEW, "Sagittal", tile)
        self.three_d = ThreeDView(host, THREE_D_VIEW, tile)
        self._panel_view = OffscreenView(tile)
        self._panel = ReadoutPanel(self._panel_view.renderer)
        self._overlays = (
            ViewOverlay(self.in_plane.renderer, "In plane", self.in_plane.node),
            ViewOverlay(self.perpendicular.renderer, "Perpendicular", self.perpendicular.node),
            ViewOverlay(self.three_d.renderer, "3D"),
        )

    def render(self, tracked: TrackedPose) -> Pixels:
        """Follow the instrument, draw all views, and return uint8 (row, col, 3)."""
        self._show_volume()
        self._guidance.follow(self.in_plane.node, self.perpendicular.node, tracked)
        self._aim_camera()
        for overlay in self._overlays:
            overlay.show(self._guidance.readout)
        self._panel.show(self._guidance.readout)
        views = (self.in_plane, self.perpendicular, self.three_d, self._panel_view)
        for view in views:
            view.render()
        tiles = [view.pixels() for view in views]
        return np.concatenate([np.concatenate(tiles[:2], axis=1), np.concatenate(tiles[2:], axis=1)])

    def _show_volume(self) -> None:
        node = self._guidance.volume.node
        if node is None:
            return
        for view in (self.in_plane, self.perpendicular):
            if view.logic.GetSliceCompositeNode().GetBackgroundVolumeID() != node.GetID():
                view.show(node)
                view.set_height_mm(self._height_mm)
        self.in_plane.node.SetSliceVisible(True)

    def _aim_camera(self) -> None:
        """Look at the in-plane slice from its front, a little from the side and from above."""
        matrix = numpy_matrix(self.in_plane.node.GetSliceToRAS())
        right, up, toward = matrix[:3, 0], matrix[:3, 1], np.cross(matrix[:3, 1], matrix[:3, 0])
        direction = toward - 0.55 * right - 0.35 * up
        self.three_d.look_at(matrix[:3, 3], direction, up, 1.25 * self._height_mm)
