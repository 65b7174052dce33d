"""The section *Display*: what is drawn, where the views look, and the guidance layout."""

import qt
import slicer
from slicer.i18n import tr as _

from InstrumentTrackerLib.module.mrml_view_overlays import ViewOverlays
from InstrumentTrackerLib.scene.mrml_layout import IN_PLANE_VIEW, LAYOUT_ID, show_guidance_layout, slice_node

HOLD_SHORTCUT = "Ctrl+Alt+H"
_SWITCHES = {
    **dict.fromkeys(
        ("showGuide", "showNeedle", "showTips", "showAxis", "showPath", "showUncertainty", "showLesion"), True
    ),
    **{"showTrail": False, "trailFrames": 50, "trailSeconds": 10.0, "followInstrument": True, "readoutInViews": True},
}


class DisplaySection:
    """Controls of Display.ui.

    :param ui: widgets of the panel by name.
    :param logic: InstrumentTrackerLogic.
    """

    def __init__(self, ui, logic):
        self.ui = ui
        self._logic = logic
        self._settings = None
        self._layoutBefore = None
        self._shortcut = None
        self._readout = None
        self.overlays = ViewOverlays()
        ui.layoutButton.connect("clicked(bool)", self.onLayout)
        ui.holdButton.connect("toggled(bool)", self.onHold)
        ui.resetDisplayButton.connect("clicked(bool)", self.onReset)

    def setSettings(self, settings):
        """Use the settings of a parameter node, or None."""
        self._settings = settings

    def enter(self):
        """The panel is shown: the shortcut works in the whole window."""
        window = slicer.util.mainWindow()
        if self._shortcut is None and window is not None:
            self._shortcut = qt.QShortcut(window)
            self._shortcut.setKey(qt.QKeySequence(HOLD_SHORTCUT))
            self._shortcut.connect("activated()", self.onShortcut)
        self.show(self._readout)
        self.update()

    def exit(self):
        """The panel is hidden: its shortcut goes, guidance stays."""
        if self._shortcut is not None:
            self._shortcut.disconnect("activated()", self.onShortcut)
            self._shortcut.setParent(None)
            self._shortcut.deleteLater()
            self._shortcut = None

    def show(self, readout):
        """Draw the readout over the views; None is no session."""
        self._readout = readout
        self.overlays.show(readout, self._settings is not None and self._settings.readoutInViews)

    def update(self):
        """Say what the views do."""
        ui = self.ui
        isLayoutShown = currentLayout() == LAYOUT_ID
        ui.layoutButton.checked = isLayoutShown
        ui.holdButton.text = _("Resume views") if self._logic.viewsAreHeld else _("Hold views")
        hint = ""
        if self._settings is not None and self._settings.followInstrument:
            if slice_node(slicer.mrmlScene, IN_PLANE_VIEW) is None:
                hint = _("The views that follow belong to the guidance layout.")
            elif self._logic.viewsAreHeld:
                hint = _("The views are held where they are.")
        ui.displayHintLabel.text = hint

    def onLayout(self, checked=False):
        """To the guidance layout, or back to the one before."""
        before = currentLayout()
        if before == LAYOUT_ID:
            manager = slicer.app.layoutManager()
            manager.setLayout(self._layoutBefore or slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        elif show_guidance_layout(slicer.mrmlScene):
            self._layoutBefore = before
            self._logic.showInSliceViews()
        self.show(self._readout)
        self.update()

    def onShortcut(self):
        self.ui.holdButton.checked = not self.ui.holdButton.checked

    def onHold(self, held):
        self._logic.viewsAreHeld = held
        self.update()

    def onReset(self, checked=False):
        if self._settings is None:
            return
        for name, value in _SWITCHES.items():
            setattr(self._settings, name, value)
        self.ui.holdButton.checked = False

    def cleanup(self):
        self.exit()
        self.overlays.remove()


def currentLayout():
    """Number of the desktop's layout, None without a desktop."""
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    return None if node is None else node.GetViewArrangement()
