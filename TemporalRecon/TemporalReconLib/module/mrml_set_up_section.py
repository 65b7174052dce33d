"""The part *Set-up* of the section *Run*: packages that are missing, and a folder to install them from."""

from slicer.i18n import tr as _
from slicer.util import tryWithErrorDisplay

from TemporalReconLib.errors import InputError
from TemporalReconLib.module.mrml_dependencies import (
    WHEEL_FOLDER,
    ensureDependencies,
    missingPackages,
    packagesText,
)
from TemporalReconLib.module.mrml_remembered_settings import keep, kept


class SetUpSection:
    """Controls of SetUp.ui, which are there only while packages are missing.

    :param ui: widgets of the panel by name, after ``addSection`` of "SetUp" and "Run".
    """

    def __init__(self, ui):
        self.ui = ui
        ui.wheelFolderLineEdit.currentPath = kept(WHEEL_FOLDER) or ""
        ui.wheelFolderLineEdit.connect("currentPathChanged(QString)", self.onWheelFolderChanged)
        ui.installButton.connect("clicked(bool)", self.onInstall)
        ui.hostLineEdit.connect("textChanged(QString)", self.onHostChanged)
        self.refresh()

    def refresh(self):
        """Look again at what is missing."""
        missing = missingPackages(self.ui.hostLineEdit.text)
        self.ui.setUpCollapsibleButton.visible = bool(missing)
        if not missing:
            return
        try:
            self.ui.setUpLabel.text = packagesText(missing)
        except InputError as error:
            self.ui.setUpLabel.text = str(error)

    def onWheelFolderChanged(self, path):
        keep(WHEEL_FOLDER, path)
        self.refresh()

    def onHostChanged(self, host):
        self.refresh()

    def onInstall(self, checked=False):
        with tryWithErrorDisplay(_("The packages could not be installed."), waitCursor=False):
            ensureDependencies(self.ui.hostLineEdit.text)
        self.refresh()
