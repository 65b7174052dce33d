"""The panel of Instrument Tracker."""

from pathlib import Path

from TemporalReconLib.module.mrml_engine_widget import EngineWidget
from TemporalReconLib.module.mrml_player_words import explained
from TemporalReconLib.module.mrml_section_ui import addSection
from TemporalReconLib.module.mrml_source_section import SourceSection
from TemporalReconLib.module.mrml_status_text import countersText

from InstrumentTrackerLib.module.mrml_display_section import DisplaySection
from InstrumentTrackerLib.module.mrml_guidance_section import GuidanceSection
from InstrumentTrackerLib.module.mrml_logic import InstrumentTrackerLogic
from InstrumentTrackerLib.module.mrml_plan_section import PlanSection
from InstrumentTrackerLib.module.mrml_provenance import ProvenanceSource
from InstrumentTrackerLib.scene.mrml_markups import ENTRY, TARGET, configure_marker

_UI_FOLDER = Path(__file__).parents[2] / "Resources" / "UI"


class InstrumentTrackerWidget(EngineWidget):
    """Source, plan, reconstruction, run, guidance, display, log, review and reader study, in the order of work."""

    sectionNames = ("Source", "Reconstruction", "Run")

    def makeLogic(self):
        return InstrumentTrackerLogic()

    def setupSections(self):
        # Most of what there is to import: Slicer's start need not wait for it, and live pictures must not.
        import scipy.special  # noqa: F401  the first target needs it

        from InstrumentTrackerLib.module.mrml_log_section import LogSection
        from InstrumentTrackerLib.module.mrml_reading_section import ReadingSection
        from InstrumentTrackerLib.module.mrml_review_section import ReviewSection

        for name in ("Plan", "Guidance", "Display", "Log", "Review", "Reading"):
            addSection(self.ui, name, _UI_FOLDER)
        self.sourceSection = SourceSection(self.ui, self.onDemoLoaded)
        self.planSection = PlanSection(self.ui, self.logic, self.ensureSettings)
        self.guidanceSection = GuidanceSection(self.ui)
        self.displaySection = DisplaySection(self.ui, self.logic)
        self.logSection = LogSection(self.ui, self.logic.shownGuidance, ProvenanceSource(self.logic))
        self.reviewSection = ReviewSection(self.ui, lambda: self.logic.session.status.state.is_active)
        self.readingSection = ReadingSection(self.ui, lambda: self.logic.session.status.state.is_active)
        self.ui.reviewCollapsibleButton.collapsed = self.ui.readingCollapsibleButton.collapsed = True

    def ensureSettings(self):
        """The parameter node; made where a closed scene took it."""
        if self._parameterNode is None:
            self.initializeParameterNode()
        return self._parameterNode

    def onDemoLoaded(self, case):
        """The sample case brings its plan, which looks like one that was placed here."""
        for node, marker in ((case.target, TARGET), (case.entry, ENTRY)):
            configure_marker(node, marker)
        settings = self.ensureSettings()
        settings.targetNode, settings.entryNode = case.target, case.entry

    def startOptions(self):
        return self.sourceSection.engineOptions()

    def onSettings(self, parameterNode):
        for section in (self.sourceSection, self.planSection, self.guidanceSection, self.displaySection):
            section.setSettings(parameterNode)

    def enter(self):
        EngineWidget.enter(self)
        self.displaySection.enter()

    def exit(self):
        self.displaySection.exit()
        self.readingSection.pause()

    def cleanup(self):
        self.sourceSection.end()
        EngineWidget.cleanup(self)
        for section in (self.displaySection, self.planSection):
            section.cleanup()
        for section in (self.logSection, self.reviewSection, self.readingSection):
            section.close()

    def onStop(self, checked=False):
        self.sourceSection.end()
        EngineWidget.onStop(self, checked)

    def onStart(self, checked=False):
        EngineWidget.onStart(self, checked)
        if self.logic.session.status.state.is_active:
            self.ui.reconstructionCollapsibleButton.collapsed = True  # room for the readout
            if self.sourceSection.isLive:
                self.ui.sourceCollapsibleButton.collapsed = True

    def showStatus(self, status):
        status = explained(status, self.sourceSection.playerStatus)
        EngineWidget.showStatus(self, status)
        self.sourceSection.update(status)
        active = status.state.is_active
        self.ui.countersLabel.text = countersText(status)
        for widget in (
            *(self.ui.segmenterLineEdit, self.ui.correctionComboBox),
            *(self.ui.fieldSpinBox, self.ui.echoTimeSpinBox, self.ui.sendPlaneCheckBox),
        ):
            widget.enabled = not active
        readout = self.logic.readout if active else None
        self.guidanceSection.show(readout)
        self.displaySection.show(readout)
        self.displaySection.update()
        if active:
            self.planSection.showHint()
