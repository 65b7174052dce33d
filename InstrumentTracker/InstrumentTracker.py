"""Slicer module "Instrument Tracker": where needle and guide are, and how far from the target.

The engine reconstructs and tracks in a process of its own; the panel starts it, shows what it found, and measures
against the target as it is in the scene now.
"""

import slicer
from InstrumentTrackerLib.module.mrml_logic import InstrumentTrackerLogic
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
        for test in (
            self.test_ReadoutOfAKnownCase,
            self.test_TargetsAreImportedAndDeleted,
            self.test_ViewsFollowAndLayoutIsShown,
            self.test_PanelBindsItsSettings,
            self.test_ReaderStudyShowsPicturesAndKeepsAnswers,
        ):
            self.setUp()
            test()
        self.setUp()

    def knownCase(self):
        """A scene with a tip 10 mm before and 3 mm beside its target, and what is known of it."""
        import numpy as np
        from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene
        from InstrumentTrackerLib.targeting.assessment import Assessment
        from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
        from InstrumentTrackerLib.targeting.target import Target
        from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
        from TemporalReconLib.acquisition.image_frame import ImageFrame

        scene = GuidanceScene(slicer.mrmlScene, 0.5)
        target = Target([3.0, 0.0, 10.0], radius_mm=4.0)
        scene.set_target(target.position)
        scene.show_lesion(target)
        tracked = TrackedPose(
            TrackingState.TRACKED, needle_tip=[0, 0, 0], axis=[0, 0, 1], confidence=0.9, tip_covariance=0.2 * np.eye(3)
        )
        image = ImageFrame(np.ones((3, 64, 64), np.float32), np.eye(4))
        return scene, image, tracked, Assessment.of(tracked, target, BiopsyNeedle())

    def test_ReadoutOfAKnownCase(self):
        """The known case reads as it is, and vanishes when the picture is old."""
        self.delayDisplay("Showing a known case")
        scene, image, tracked, assessment = self.knownCase()
        readout = scene.update(image, None, tracked, assessment, 0.1)
        self.assertEqual(readout.verdict_text, "CORE WOULD HIT")
        self.assertEqual(readout.direction, "Target lies 3.0 mm patient right")
        self.assertEqual(dict(readout.rows)["Depth remaining"], "10.0 mm")
        self.assertEqual(scene.refresh_age(2.0).headline, "")

    def test_TargetsAreImportedAndDeleted(self):
        """A table of targets becomes a point list, and a deleted target is said to be deleted."""
        from pathlib import Path

        from InstrumentTrackerLib.module.mrml_plan import DELETED_TARGET
        from InstrumentTrackerLib.module.mrml_target_import import importFile
        from InstrumentTrackerLib.scene.mrml_target_list import new_target_list

        self.delayDisplay("Importing targets")
        logic = InstrumentTrackerLogic()
        settings = logic.getParameterNode()
        settings.targetNode = new_target_list(slicer.mrmlScene)
        path = Path(slicer.app.temporaryPath) / "targets.csv"
        path.write_text("name,R,A,S\nleft,-12,30,5\nright,8,10,-3\n", encoding="utf-8")
        identifiers = importFile(path, lambda: settings.targetNode, isLps=False)
        settings.currentTargetID = identifiers[1]
        self.assertEqual(list(logic.readPlan(settings).target.position), [8.0, 10.0, -3.0])
        settings.targetNode.RemoveNthControlPoint(1)
        self.assertEqual(logic.readPlan(settings).problem, DELETED_TARGET)

    def test_ViewsFollowAndLayoutIsShown(self):
        """The two slice views of the guidance layout are centered on the tip and hold its axis."""
        from InstrumentTrackerLib.scene.mrml_layout import (
            IN_PLANE_VIEW,
            PERPENDICULAR_VIEW,
            show_guidance_layout,
            slice_node,
        )

        self.delayDisplay("Guidance layout")
        self.assertTrue(show_guidance_layout(slicer.mrmlScene))
        scene, image, tracked, assessment = self.knownCase()
        scene.update(image, None, tracked, assessment, 0.1)
        views = [slice_node(slicer.mrmlScene, name) for name in (IN_PLANE_VIEW, PERPENDICULAR_VIEW)]
        self.assertTrue(scene.follow(*views, tracked))
        for view in views:
            matrix = view.GetSliceToRAS()
            for axis in range(3):
                self.assertAlmostEqual(matrix.GetElement(axis, 3), 0.0, places=6)
            self.assertAlmostEqual(matrix.GetElement(2, 2), 0.0, places=6)

    def test_PanelBindsItsSettings(self):
        """A setting of the scene reaches its widget, and back."""
        widget = slicer.modules.InstrumentTrackerWidget
        settings = widget.logic.getParameterNode()
        widget.setParameterNode(settings)
        settings.safetyMargin = 2.5
        self.assertEqual(widget.ui.marginSpinBox.value, 2.5)
        widget.ui.showTrailCheckBox.checked = True
        self.assertTrue(settings.showTrail)

    def test_ReaderStudyShowsPicturesAndKeepsAnswers(self):
        """Two blinded pictures: one marked, one not visible; both answers are on disk."""
        import tempfile
        from pathlib import Path

        import numpy as np
        from InstrumentTrackerLib.reading.answers import read_answers
        from InstrumentTrackerLib.reading.picture_file import picture_file, write_picture
        from InstrumentTrackerLib.reading.reading_list import ReadingList, write_list
        from TemporalReconLib.acquisition.image_frame import ImageFrame

        self.delayDisplay("Reader study")
        folder = Path(tempfile.mkdtemp(dir=slicer.app.temporaryPath))
        (folder / "pictures").mkdir()
        image = ImageFrame(np.random.default_rng(0).random((3, 64, 64)).astype(np.float32), np.eye(4))
        for number in ("1", "2"):
            write_picture(picture_file(folder, number), image)
        content = ReadingList("self test", 1, "needle", (("2", "1"),))
        write_list(folder, content)
        section = slicer.modules.InstrumentTrackerWidget.readingSection
        section.setFolder(folder)
        self.waitFor(lambda: section.ui.readingStartButton.enabled)
        section.onStart()
        for position in range(2):
            self.waitFor(lambda: section.session is not None and section.session.state.value == "reading")
            volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            self.assertEqual(volume.GetName(), f"Reading {position + 1} of 2")
            if position:
                section.onNotVisible()
            else:
                section.onMove(1, 0)
            section.onRate(3)
            section.onNext()
        self.assertIn("All pictures are read", section.ui.readingTaskLabel.text)
        section.end()
        answers = read_answers(folder, content)
        self.assertEqual([answer.tip is None for answer in answers], [False, True])
        self.delayDisplay("Test passed")

    def waitFor(self, condition, seconds=10.0):
        """Let the desktop work until a condition holds."""
        import time

        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            slicer.app.processEvents()
