"""The section *Reconstruction*: method, weights with their model card, device, planning scan."""

from pathlib import Path

from slicer.i18n import tr as _

from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import METHODS
from TemporalReconLib.weights.bundle import default_weights
from TemporalReconLib.weights.model_card import read_card


class ReconstructionSection:
    """Controls of Reconstruction.ui; the settings are those of EngineSettings.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Reconstruction")``.
    """

    def __init__(self, ui):
        self.ui = ui
        self._settings = None
        ui.methodComboBox.connect("currentIndexChanged(int)", self.onMethodChanged)
        ui.weightsPathLineEdit.connect("currentPathChanged(QString)", self.onWeightsPathChanged)
        self._settingWidgets = (
            *(ui.methodComboBox, ui.deviceComboBox),
            *(ui.weightsPathLineEdit, ui.imageCoordinatesComboBox),
        )

    def setSettings(self, settings):
        """Show the settings of a parameter node, whose connectGui has bound the rest; None is no node."""
        self._settings = settings
        if settings is not None:
            self.ui.weightsPathLineEdit.currentPath = settings.weightsPath
            self.showMethod()

    def onMethodChanged(self, index=0):
        self.showMethod()

    def onWeightsPathChanged(self, path):
        # Bound by hand: the path connector shows an empty path as ".", which looks like a choice.
        if self._settings is not None:
            self._settings.weightsPath = path
            self.showMethod()

    def showMethod(self):
        """What the chosen method is, which weights it takes, and their card."""
        ui, method = self.ui, self.ui.methodComboBox.currentText
        ui.methodHintLabel.text = methodHint(method)
        words, card = weightsOf(method, ui.weightsPathLineEdit.currentPath)
        ui.weightsLabel.text = words
        ui.modelCardBrowser.setMarkdown(card)
        ui.modelCardCollapsibleButton.enabled = bool(card)
        if not card:
            ui.modelCardCollapsibleButton.collapsed = True

    def update(self, status):
        """Show what a session found: settings rest while it is active, the planning scan may change any time."""
        self.ui.deviceFoundLabel.text = deviceText(status)
        for widget in self._settingWidgets:
            widget.enabled = not status.state.is_active


def methodHint(method):
    """One line about a method that comes with the extension."""
    return {
        "temporal": _("Learned from moving instruments, uses all frames so far (recommended)"),
        "bcrnn": _("Learned, published network (Noordman 2025); shows pictures four frames late"),
        "nontemporal": _("Learned, each frame for itself"),
        "compressed-sensing": _("No training, iterative; for a look at what the data themselves say"),
        "sliding-window": _("No training, the newest sample of each line; blurs what moves"),
        "zero-filled": _("No reconstruction; fast, with aliasing"),
    }.get(method, _("Installed by another package"))


def weightsOf(method, path):
    """Words about the weights that a method will use with this path (may be empty), and their card as Markdown."""
    if method in METHODS and not METHODS[method].has_weights:
        return _("none: this method needs no training"), ""
    if path:
        return Path(path).name, cardOf(Path(path))
    if method not in METHODS:
        return _("as its package says"), ""
    try:
        folder = default_weights(method)
    except InputError:
        return _("none come with the extension: choose a file under Advanced"), ""
    return _("come with the extension"), cardOf(folder)


def cardOf(path):
    """The model card of weights, empty where they have none."""
    try:
        return read_card(path)
    except (InputError, OSError):
        return ""


def deviceText(status):
    """What the engine computes on, with its free memory."""
    report = status.report
    if not report.device:
        return _("found when the engine starts")
    if report.memory_free_mb is None:
        return report.device
    free = _("{gigabytes:.1f} GB free").format(gigabytes=report.memory_free_mb / 1000)
    return f"{report.device}, {free}"
