"""The panel of Temporal Recon."""

from TemporalReconLib.module.mrml_engine_widget import EngineWidget
from TemporalReconLib.module.mrml_logic import LIVE_VOLUME_ATTRIBUTE, TemporalReconLogic
from TemporalReconLib.module.mrml_monitor_section import MonitorSection
from TemporalReconLib.module.mrml_player_words import RESTING, explained
from TemporalReconLib.module.mrml_record_section import RecordSection
from TemporalReconLib.module.mrml_source_section import SourceSection


class TemporalReconWidget(EngineWidget):
    """Source, reconstruction, run and monitor, in the order of work."""

    sectionNames = ("Source", "Reconstruction", "Run", "Monitor", "Record")

    def makeLogic(self):
        return TemporalReconLogic()

    def setupSections(self):
        self.sourceSection = SourceSection(self.ui, self.onDemo)
        self.monitorSection = MonitorSection(self.ui)
        self.recordSection = RecordSection(self.ui, self.logic)
        self.ui.outputVolumeSelector.addAttribute("vtkMRMLScalarVolumeNode", LIVE_VOLUME_ATTRIBUTE, "true")

    def onDemo(self, case):
        """The demo comes with its planning scan."""
        self._parameterNode.planningVolume = case.planning

    def startOptions(self):
        return self.sourceSection.engineOptions()

    def onSettings(self, parameterNode):
        self.sourceSection.setSettings(parameterNode)
        self.recordSection.setSettings(parameterNode)

    def onStop(self, checked=False):
        self.sourceSection.end()
        EngineWidget.onStop(self, checked)

    def cleanup(self):
        self.sourceSection.end()
        EngineWidget.cleanup(self)

    def showStatus(self, status):
        self.sourceSection.update(status)
        player = self.sourceSection.playerStatus
        self.logic.isPaused = player is not None and player.state in RESTING
        status = explained(status, player)
        EngineWidget.showStatus(self, status)
        self.monitorSection.update(status)
        self.recordSection.update(status)
