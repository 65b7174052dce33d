# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""``slicer.app``: application, settings, module manager and file manager; testing enabled, no main window."""

from __future__ import annotations

import tempfile
import types
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from standins.io_manager import qSlicerCoreIOManager
from standins.layout_manager import qSlicerLayoutManager
from standins.pythonqt import PythonQtObject


class Settings(PythonQtObject, QtCore.QSettings):
    """``QSettings`` as it is after a restart: what was stored comes back as text."""

    def value(self, key: str, default: Any = None, *_: Any) -> Any:
        stored = super().value(key, default)
        if isinstance(stored, bool):
            return "true" if stored else "false"
        return str(stored) if isinstance(stored, int | float) else stored


class qSlicerModuleManager(PythonQtObject, QtCore.QObject):
    """Knows the loaded modules and tells when one goes."""

    moduleLoaded = QtCore.Signal(str)
    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def module(self, name: str) -> Any:
        return getattr(slicer.modules, name.lower(), None)

    def modulesNames(self) -> list[str]:
        return list(vars(slicer.modules))


class qSlicerApplication(PythonQtObject, QtWidgets.QApplication):
    """The application object."""

    startupCompleted = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-standin-", ignore_cleanup_errors=True)
        self._temporary = Path(self._folder.name)
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
        QtCore.QSettings.setPath(
            QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, str(self._temporary)
        )
        self.setApplicationName("Slicer")
        self._settings = Settings(str(self._temporary / "Slicer.ini"), QtCore.QSettings.Format.IniFormat)
        self._modules = qSlicerModuleManager()
        self._files = qSlicerCoreIOManager()
        self._host: Any = None
        self._layout_manager: qSlicerLayoutManager | None = None

    def show_scene(self, scene: Any, application_logic: Any) -> None:
        """Not in Slicer: tell the application its scene; views and their logics are made for it."""
        self._host = types.SimpleNamespace(scene=scene, app_logic=application_logic)
        self._layout_manager = qSlicerLayoutManager(self._host)

    def layoutManager(self) -> qSlicerLayoutManager | None:
        return self._layout_manager

    def testingEnabled(self) -> bool:
        return True

    def mrmlScene(self) -> Any:
        return self._host.scene

    def applicationLogic(self) -> Any:
        return self._host.app_logic

    def userSettings(self) -> Settings:
        return self._settings

    def revisionUserSettings(self) -> Settings:
        return self._settings

    def moduleManager(self) -> qSlicerModuleManager:
        return self._modules

    def coreIOManager(self) -> qSlicerCoreIOManager:
        return self._files

    def ioManager(self) -> qSlicerCoreIOManager:
        return self._files

    def pauseRender(self) -> None:
        """Views of the stand-in render on painting only."""

    def resumeRender(self) -> None:
        """Views of the stand-in render on painting only."""

    temporaryPath = QtCore.Property(str, lambda self: str(self._temporary))
