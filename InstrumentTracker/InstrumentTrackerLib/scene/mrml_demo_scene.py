"""The demo's Slicer scene: driven frame by frame, drawn offscreen, saved for the Slicer desktop."""

from __future__ import annotations

import time
from pathlib import Path

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.scene.mrml_recorder import VolumeRecorder
from TemporalReconLib.scene.mrml_save import save_scene

from InstrumentTrackerLib.scene.mrml_offscreen import OffscreenSlicer
from InstrumentTrackerLib.scene.mrml_picture import GuidancePicture
from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene
from InstrumentTrackerLib.scene.mrml_views import Pixels, save_png
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.targeting.assessment import Assessment
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose


class DemoScene:
    """A scene with its views and the plan in it; raises InputError where nothing can be rendered."""

    def __init__(self, target: Target | None) -> None:
        self._host = OffscreenSlicer()
        self._guidance = GuidanceScene(self._host.scene)
        self._target, self._needle = target, BiopsyNeedle()
        if target is not None:
            self._guidance.set_target(target.position)
            if target.entry is not None:
                self._guidance.set_entry(target.entry)
            self._guidance.show_lesion(target)
        self._recorder = VolumeRecorder(self._host.scene)
        self._picture: GuidancePicture | None = None

    def show(
        self,
        image: ImageFrame,
        mask: InstrumentMask | None,
        tracked: TrackedPose,
        age_s: float | None = None,
    ) -> None:
        """Update the scene; the age is the present one unless a recorded one is given."""
        age = time.time() - image.mid_acquisition_time if age_s is None else age_s
        assessment = None if self._target is None else Assessment.of(tracked, self._target, self._needle)
        self._guidance.update(image, mask, tracked, assessment, max(0.0, age))

    def record(self, time_s: float) -> None:
        """Keep the picture shown now for the saved scene."""
        node = self._guidance.volume.node
        if node is not None:
            self._recorder.record(node, time_s)

    def draw(self, tracked: TrackedPose) -> Pixels:
        """Slice views, 3D view and readout as they are now, uint8 (row, col, 3)."""
        if self._picture is None:
            self._picture = GuidancePicture(self._host, self._guidance)
        return self._picture.render(tracked)

    def save_picture(self, picture: Pixels, path: Path) -> None:
        """Write a drawn picture as PNG."""
        save_png(picture, path)

    def save(self, path: Path) -> None:
        """Write the scene, with the recorded pictures as a sequence, as ``.mrb`` that Slicer opens."""
        self._recorder.add_browser()
        save_scene(self._host.scene, path)
