"""The section *Plan*: targets, entry, needle and safety margin."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from InstrumentTrackerLib.module.mrml_needle_type import NeedleType
from InstrumentTrackerLib.module.mrml_plan import needleOf
from InstrumentTrackerLib.module.mrml_target_import import addPointsOf, importFile, pointListsBeside
from InstrumentTrackerLib.scene.mrml_markups import ENTRY, configure_marker
from InstrumentTrackerLib.scene.mrml_target_list import TargetList, new_target_list


class PlanSection(VTKObservationMixin):
    """Controls of Plan.ui.

    :param ui: widgets of the panel by name.
    :param logic: InstrumentTrackerLogic, which reads the plan.
    :param ensureSettings: called before a point list is made; gives the parameter node.
    """

    def __init__(self, ui, logic, ensureSettings):
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self._logic = logic
        self._ensureSettings = ensureSettings
        self._settings = None
        self._listNode = None
        self._ids = []
        self._placing = ""
        self._isFilling = False
        ui.placeTargetButton.connect("clicked(bool)", self.onPlaceTarget)
        ui.placeEntryButton.connect("clicked(bool)", self.onPlaceEntry)
        ui.currentTargetComboBox.connect("currentIndexChanged(int)", self.onTargetChosen)
        ui.targetNameLineEdit.connect("editingFinished()", self.onRenamed)
        ui.targetRadiusSpinBox.connect("valueChanged(double)", self.onRadiusChanged)
        ui.targetRadiusSpinBox.minimum, ui.targetRadiusSpinBox.maximum = 0.5, 50.0
        for name, box in self._needleBoxes():
            box.minimum, box.maximum = (1.0 if name == "needleNotch" else 0.0), 60.0
            box.connect("valueChanged(double)", self.onNeedleLength)
        self._importMenu = qt.QMenu(ui.importButton)
        self._importMenu.connect("aboutToShow()", self.fillImportMenu)
        ui.importButton.setMenu(self._importMenu)

    def _needleBoxes(self):
        ui = self.ui
        return (
            ("needleThrow", ui.throwSpinBox),
            ("needleNotch", ui.notchSpinBox),
            ("needleDeadTip", ui.deadTipSpinBox),
        )

    def setSettings(self, settings):
        """Follow the settings of a parameter node, or none."""
        self.removeObservers()
        self._settings, self._listNode = settings, None
        if settings is not None:
            self.addObserver(settings.parameterNode, "ModifiedEvent", self.onSettingsModified)
        self.refresh()

    def cleanup(self):
        self.setSettings(None)

    def onSettingsModified(self, caller=None, event=None):
        self.refresh()

    def onPointsModified(self, caller=None, event=None):
        self.refresh()

    def refresh(self):
        """Show the plan as the scene has it."""
        if self._isFilling:
            return
        self._isFilling = True
        try:
            node = None if self._settings is None else self._settings.targetNode
            self._observe(node)
            self._fillTargets(node)
            self._fillNeedle()
        finally:
            self._isFilling = False
        self.showHint()

    def _observe(self, node):
        if node is self._listNode:
            return
        events = ("PointPositionDefinedEvent", "PointRemovedEvent", "PointModifiedEvent")
        if self._listNode is not None:
            for event in events:
                self.removeObserver(self._listNode, getattr(self._listNode, event), self.onPointsModified)
            self._settings.currentTargetID = ""  # the ids of one list mean nothing in another
        self._listNode = node
        if node is not None:
            for event in events:
                self.addObserver(node, getattr(node, event), self.onPointsModified)

    def _fillTargets(self, node):
        ui, targets = self.ui, None if node is None else TargetList(node)
        newIDs = [] if targets is None else targets.ids
        if self._settings is not None:
            added = [point for point in newIDs if point not in self._ids]
            if self._placing == "target" and added:
                self._settings.currentTargetID = added[-1]
                self._placing = ""
            elif not self._settings.currentTargetID and newIDs:
                self._settings.currentTargetID = newIDs[0]
        self._ids = newIDs
        current = "" if self._settings is None else self._settings.currentTargetID
        texts = [targetText(targets, point) for point in newIDs]
        if [ui.currentTargetComboBox.itemText(i) for i in range(ui.currentTargetComboBox.count)] != texts:
            ui.currentTargetComboBox.clear()
            ui.currentTargetComboBox.addItems(texts)
        ui.currentTargetComboBox.currentIndex = newIDs.index(current) if current in newIDs else -1
        has = current in newIDs
        ui.targetNameLineEdit.enabled = ui.targetRadiusSpinBox.enabled = has
        name = targets.name(current) if has else ""
        if ui.targetNameLineEdit.text != name:
            ui.targetNameLineEdit.text = name
        if has:
            ui.targetRadiusSpinBox.value = targets.radius_mm(current)

    def _fillNeedle(self):
        if self._settings is None:
            return
        needle = needleOf(self._settings)
        isCustom = self._settings.needleType is NeedleType.CUSTOM
        for (_name, box), value in zip(
            self._needleBoxes(), (needle.throw_mm, needle.notch_mm, needle.dead_tip_mm), strict=True
        ):
            box.enabled = isCustom
            box.value = value

    def showHint(self):
        """What to do next, or what is wrong."""
        words = {
            "target": _("Click in a view to place the target."),
            "entry": _("Click in a view to place the entry."),
        }.get(self._placing, "")
        if not words and self._settings is not None:
            self._logic.readPlan(self._settings)
            words = self._logic.planWarning()
        if self.ui.planHintLabel.text != words:
            self.ui.planHintLabel.text = words

    def onTargetChosen(self, index):
        if not self._isFilling and self._settings is not None and 0 <= index < len(self._ids):
            self._settings.currentTargetID = self._ids[index]

    def onRenamed(self):
        name = self.ui.targetNameLineEdit.text.strip()
        if self._settings is not None and name and self._settings.currentTargetID in self._ids:
            TargetList(self._listNode).rename(self._settings.currentTargetID, name)
            self.refresh()

    def onRadiusChanged(self, radius):
        if not self._isFilling and self._settings is not None and self._settings.currentTargetID in self._ids:
            TargetList(self._listNode).set_radius_mm(self._settings.currentTargetID, radius)
            self.showHint()

    def onNeedleLength(self, value):
        if self._isFilling or self._settings is None or self._settings.needleType is not NeedleType.CUSTOM:
            return
        for name, box in self._needleBoxes():
            setattr(self._settings, name, box.value)

    def onPlaceTarget(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The target could not be placed.")):
            self._placing = "target"
            startPlacing(self.targetList())
            self.showHint()

    def onPlaceEntry(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The entry could not be placed.")):
            settings = self._ensureSettings()
            node = settings.entryNode
            if node is None:
                node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", _("Entry"))
                configure_marker(node, ENTRY)
                settings.entryNode = node
            node.RemoveAllControlPoints()
            self._placing = "entry"
            if not self.hasObserver(node, node.PointPositionDefinedEvent, self.onEntryPlaced):
                self.addObserver(node, node.PointPositionDefinedEvent, self.onEntryPlaced)
            startPlacing(node)
            self.showHint()

    def onEntryPlaced(self, caller, event):
        if self.hasObserver(caller, event, self.onEntryPlaced):
            self.removeObserver(caller, event, self.onEntryPlaced)
        self._placing = ""
        self.showHint()

    def targetList(self):
        """The chosen point list; made where there is none."""
        settings = self._ensureSettings()
        if settings.targetNode is None:
            settings.targetNode = new_target_list(slicer.mrmlScene)
        return settings.targetNode

    def fillImportMenu(self):
        """A file, or one of the point lists that are in the scene beside the chosen one."""
        self._importMenu.clear()
        self._addImport(_("From a file..."), self.onImportFile)
        chosen = None if self._settings is None else self._settings.targetNode
        for node in pointListsBeside(chosen):
            text = _("Points of {name}").format(name=node.GetName())
            self._addImport(text, lambda checked=False, node=node: self.importPoints(node))

    def _addImport(self, text, callback):
        action = qt.QAction(text, self._importMenu)
        action.connect("triggered(bool)", callback)
        self._importMenu.addAction(action)

    def onImportFile(self, checked=False):
        filters = _("Targets (*.csv *.txt *.mrk.json *.json *.fcsv);;All files (*)")
        path = qt.QFileDialog.getOpenFileName(self.ui.importButton, _("Import targets"), "", filters)
        if path:
            self.importTargets(path)

    def importTargets(self, path):
        """Add the targets of a file."""
        with slicer.util.tryWithErrorDisplay(_("The targets could not be imported.")):
            settings = self._ensureSettings()
            importFile(path, self.targetList, settings.csvCoordinates == "LPS")
            self.refresh()

    def importPoints(self, node):
        """Add the points of a node of the scene."""
        with slicer.util.tryWithErrorDisplay(_("The targets could not be imported.")):
            addPointsOf(node, self.targetList())
            self.refresh()


def targetText(targets, pointID):
    """A target in the list: its name and where it is."""
    r, a, s = targets.position(pointID)
    return f"{targets.name(pointID)}  ({r:.1f}, {a:.1f}, {s:.1f})"


def startPlacing(node):
    """The next click in a view adds a point to this list."""
    markupsLogic = slicer.modules.markups.logic()
    markupsLogic.SetActiveList(node)
    markupsLogic.StartPlaceMode(False)
