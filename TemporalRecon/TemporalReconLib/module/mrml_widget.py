"""The panel of Temporal Recon."""

from TemporalReconLib.module.mrml_engine_widget import EngineWidget
from TemporalReconLib.module.mrml_logic import LIVE_VOLUME_ATTRIBUTE, TemporalReconLogic
from TemporalReconLib.module.mrml_monitor_section import MonitorSection
from TemporalReconLib.module.mrml_record_section import RecordSection


class TemporalReconWidget(EngineWidget):
    """Source, reconstruction, run and monitor, in the order of work."""

    sectionNames = ("Reconstruction", "Run", "Monitor", "Record")

    def makeLogic(self):
        return TemporalReconLogic()

    def setupSections(self):
        self.monitorSection = MonitorSection(self.ui)
        self.recordSection = RecordSection(self.ui, self.logic)
        self.ui.outputVolumeSelector.addAttribute("vtkMRMLScalarVolumeNode", LIVE_VOLUME_ATTRIBUTE, "true")

    def onSettings(self, parameterNode):
        self.recordSection.setSettings(parameterNode)

    def showStatus(self, status):
        EngineWidget.showStatus(self, status)
        self.monitorSection.update(status)
        self.recordSection.update(status)
        self.ui.scannerLineEdit.enabled = not status.state.is_active
