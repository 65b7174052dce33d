"""The panel of Temporal Recon."""

from TemporalReconLib.module.mrml_engine_widget import EngineWidget
from TemporalReconLib.module.mrml_logic import LIVE_VOLUME_ATTRIBUTE, TemporalReconLogic
from TemporalReconLib.module.mrml_status_text import countersText


class TemporalReconWidget(EngineWidget):
    """Source, reconstruction, run and monitor, in the order of work."""

    def makeLogic(self):
        return TemporalReconLogic()

    def setupSections(self):
        self.ui.outputVolumeSelector.addAttribute("vtkMRMLScalarVolumeNode", LIVE_VOLUME_ATTRIBUTE, "true")

    def showStatus(self, status):
        EngineWidget.showStatus(self, status)
        self.ui.countersLabel.text = countersText(status)
        self.ui.scannerLineEdit.enabled = not status.state.is_active
