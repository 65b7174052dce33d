"""The guidance picture: in-plane slice, perpendicular slice, 3D and a large readout in one image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from TemporalReconLib.geometry import slice_normal
from TemporalReconLib.mrml_nodes import numpy_matrix
from TemporalReconLib.mrml_volume import ijk_to_ras_of

from InstrumentTrackerLib.mrml_offscreen import OffscreenSlicer
from InstrumentTrackerLib.mrml_overlay import ReadoutPanel, ViewOverlay
from InstrumentTrackerLib.mrml_planes import PlaneFollower
from InstrumentTrackerLib.mrml_scene import GuidanceScene
from InstrumentTrackerLib.mrml_views import OffscreenView, Pixels, Size, SliceView, ThreeDView, save_png
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
        self.in_plane = SliceView(host, "InPlane", "Coronal", tile)
        self.perpendicular = SliceView(host, "Perpendicular", "Sagittal", tile)
        self.three_d = ThreeDView(host, "Guidance", tile)
        self._panel_view = OffscreenView(tile)
        self._panel = ReadoutPanel(self._panel_view.renderer)
        self._overlays = (
            ViewOverlay(self.in_plane.renderer, "In plane", self.in_plane.node),
            ViewOverlay(self.perpendicular.renderer, "Perpendicular", self.perpendicular.node),
            ViewOverlay(self.three_d.renderer, "3D"),
        )
        self.follower = PlaneFollower()
        self._shown_volume: str | None = None

    def render(self, tracked: TrackedPose) -> Pixels:
        """Follow the instrument, draw all views, and return uint8 (row, col, 3)."""
        self._show_volume()
        normal = self._image_normal()
        self.follower.follow(self.in_plane.node, self.perpendicular.node, tracked, normal)
        self._aim_camera(normal)
        for overlay in self._overlays:
            overlay.show(self._guidance.readout)
        self._panel.show(self._guidance.readout)
        views = (self.in_plane, self.perpendicular, self.three_d, self._panel_view)
        for view in views:
            view.render()
        tiles = [view.pixels() for view in views]
        return np.concatenate([np.concatenate(tiles[:2], axis=1), np.concatenate(tiles[2:], axis=1)])

    def png(self, path: str | Path, tracked: TrackedPose) -> None:
        """Render and write a PNG file."""
        save_png(self.render(tracked), path)

    def _show_volume(self) -> None:
        node = self._guidance.volume.node
        if node is None or node.GetID() == self._shown_volume:
            return
        self._shown_volume = node.GetID()
        for view in (self.in_plane, self.perpendicular):
            view.show(node)
            view.set_height_mm(self._height_mm)
        self.in_plane.node.SetSliceVisible(True)

    def _image_normal(self) -> np.ndarray:
        node = self._guidance.volume.node
        if node is None or node.GetImageData() is None:
            return np.array([0.0, 0.0, 1.0])
        return slice_normal(ijk_to_ras_of(node))

    def _aim_camera(self, normal: np.ndarray) -> None:
        """Look at the in-plane slice from its front, a little from the side and from above."""
        matrix = numpy_matrix(self.in_plane.node.GetSliceToRAS())
        right, up, toward = matrix[:3, 0], matrix[:3, 1], np.cross(matrix[:3, 1], matrix[:3, 0])
        direction = toward - 0.55 * right - 0.35 * up
        self.three_d.look_at(matrix[:3, 3], direction, up, 1.25 * self._height_mm)
