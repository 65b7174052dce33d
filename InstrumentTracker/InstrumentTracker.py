"""Slicer module "Instrument Tracker": where needle and guide are, and how far from the target.

The engine reconstructs and tracks in a process of its own; the panel starts it, shows what it found, and measures
against the target as it is in the scene now.
"""

import slicer
from InstrumentTrackerLib.module.mrml_logic import STALE_AFTER_S, InstrumentTrackerLogic
from InstrumentTrackerLib.module.mrml_widget import InstrumentTrackerWidget
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest

# Slicer looks these classes up in this file.
__all__ = ["InstrumentTracker", "InstrumentTrackerLogic", "InstrumentTrackerTest", "InstrumentTrackerWidget"]


class InstrumentTracker(ScriptedLoadableModule):
    """What Slicer shows about the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Instrument Tracker")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        self.parent.dependencies = ["TemporalRecon", "Markups"]
        self.parent.contributors = ["The InBoreGuidance contributors"]
        self.parent.helpText = _(
            "Finds needle guide and needle in live in-bore MR images and shows distance, sideways miss, depth and "
            "angle to the target. Place a target, press Start, then let the scanner send to the port shown. "
            "Research software, not a medical device."
        )
        self.parent.acknowledgementText = _(
            "Builds on Noordman et al. 2025, temporal deep learning reconstruction for in-bore MR biopsy."
        )


class InstrumentTrackerTest(ScriptedLoadableModuleTest):
    """For the Slicer desktop: Reload and Test, or ctest."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_ReadoutOfAKnownCase()

    def test_ReadoutOfAKnownCase(self):
        """A tip 10 mm before and 3 mm beside the target reads so, and vanishes when the picture is old."""
        import numpy as np
        from InstrumentTrackerLib.mrml_scene import GuidanceScene
        from InstrumentTrackerLib.targeting.targeting_error import TargetingError
        from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
        from TemporalReconLib.acquisition.image_frame import ImageFrame

        self.delayDisplay("Showing a known case")
        scene = GuidanceScene(slicer.mrmlScene, STALE_AFTER_S)
        scene.set_target([3.0, 0.0, 10.0])
        tracked = TrackedPose(TrackingState.TRACKED, needle_tip=[0, 0, 0], axis=[0, 0, 1], confidence=0.9)
        error = TargetingError.of(tracked.tip, tracked.axis, scene.target)
        image = ImageFrame(np.ones((3, 64, 64), np.float32), np.eye(4))
        rows = dict(scene.update(image, None, tracked, error, 0.1).rows)
        self.assertEqual(rows["Sideways miss"], "3.0 mm")
        self.assertTrue(rows["Depth"].startswith("10.0 mm"))
        self.assertEqual(scene.refresh_age(2.0).headline, "")
        self.delayDisplay("Test passed")
