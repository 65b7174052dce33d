"""Slicer module "Temporal Recon": live reconstruction of undersampled in-bore MR images.

The engine reconstructs in a process of its own; the panel starts it, follows it and shows its pictures.
"""

import time

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest
from TemporalReconLib.engine_client.session import SessionState
from TemporalReconLib.module.mrml_dependencies import ensureDependencies
from TemporalReconLib.module.mrml_logic import TemporalReconLogic, showInSliceViews
from TemporalReconLib.module.mrml_sample_data import registerSampleData
from TemporalReconLib.module.mrml_widget import TemporalReconWidget
from TemporalReconLib.scene.mrml_volume import LiveVolume

# Slicer looks these classes up in this file.
__all__ = ["TemporalRecon", "TemporalReconLogic", "TemporalReconTest", "TemporalReconWidget"]


class TemporalRecon(ScriptedLoadableModule):
    """What Slicer shows about the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Temporal Recon")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        self.parent.dependencies = []
        self.parent.contributors = ["The InBoreGuidance contributors"]
        self.parent.helpText = _(
            "Reconstructs undersampled MR images live, each from the frames so far, and shows the newest one. "
            "Press Start, then let the scanner send to the port shown. To try it without one, press Demo, then Start. "
            "Research software, not a medical device."
        )
        self.parent.acknowledgementText = _(
            "Builds on Noordman et al. 2025, temporal deep learning reconstruction for in-bore MR biopsy, "
            "and Qin et al. 2018, convolutional recurrent neural networks for dynamic MR reconstruction."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


class TemporalReconTest(ScriptedLoadableModuleTest):
    """For the Slicer desktop: Reload and Test, or ctest."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        for test in (
            self.test_PictureReachesTheScene,
            self.test_EngineStartsAndStops,
            self.test_DemoIsReconstructedInThePanel,
        ):
            self.setUp()
            test()
        self.setUp()

    def test_PictureReachesTheScene(self):
        """A picture becomes a volume with its geometry, in all slice views; an old one is marked."""
        import numpy as np
        from TemporalReconLib.acquisition.image_frame import ImageFrame
        from TemporalReconLib.scene.mrml_stale_mark import STALE_COLOR_NODE_ID, StaleMark

        geometry = np.diag([1.5, 1.5, 3.0, 1.0])
        picture = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        node = LiveVolume(slicer.mrmlScene).update(ImageFrame(picture, geometry))
        showInSliceViews(node)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), picture)
        np.testing.assert_allclose(node.GetSpacing(), (1.5, 1.5, 3.0))
        mark = StaleMark()
        mark.show(node, "NOT LIVE")
        self.assertEqual(node.GetDisplayNode().GetColorNodeID(), STALE_COLOR_NODE_ID)
        mark.hide()
        self.assertNotEqual(node.GetDisplayNode().GetColorNodeID(), STALE_COLOR_NODE_ID)
        self.delayDisplay("Test passed")

    def test_EngineStartsAndStops(self):
        """The engine opens its port and ends when told to."""
        self.delayDisplay("Starting the engine")
        self.assertTrue(ensureDependencies())
        logic = TemporalReconLogic()
        parameterNode = logic.getParameterNode()
        parameterNode.enginePort = 18999
        logic.start(parameterNode)
        try:
            status = self.waitFor(
                lambda: logic.update(parameterNode), lambda status: status.state is not SessionState.STARTING
            )
            self.assertEqual(status.state, SessionState.WAITING, f"{status.reason} {logic.session.process.log_tail}")
        finally:
            logic.stop(wait=True)
        self.assertEqual(logic.session.status.state, SessionState.STOPPED)
        self.delayDisplay("Test passed")

    def test_DemoIsReconstructedInThePanel(self):
        """Demo, Start, pictures that are live, Stop: by the panel's own buttons."""
        self.delayDisplay("Reconstructing the demo series")
        widget = slicer.util.getModuleWidget("TemporalRecon")
        widget.initializeParameterNode()
        ui = widget.ui
        ui.demoButton.click()
        ui.portSpinBox.value = 18998
        ui.methodComboBox.currentText = "sliding-window"
        ui.startButton.click()
        try:
            self.waitFor(lambda: widget.logic.session.status, lambda status: status.n_frames >= 5)
            widget.onTimer()
            node = widget.logic.getParameterNode().outputVolume
            self.assertGreater(slicer.util.arrayFromVolume(node).max(), 0.0)
            self.assertTrue(ui.stopButton.enabled)
        finally:
            ui.stopButton.click()
        status = self.waitFor(lambda: widget.logic.session.status, lambda status: not status.state.is_active)
        self.assertEqual(status.state, SessionState.STOPPED)
        self.assertEqual(slicer.util.arrayFromVolume(node).max(), 0.0)
        self.delayDisplay("Test passed")

    def waitFor(self, read, isGood, timeoutSec=90.0):
        """Let Slicer work until a value that is read again and again is good; fails with the last one."""
        end = time.monotonic() + timeoutSec
        while not isGood(value := read()):
            self.assertLess(time.monotonic(), end, f"not in time: {value}")
            slicer.app.processEvents()
            time.sleep(0.05)
        return value
