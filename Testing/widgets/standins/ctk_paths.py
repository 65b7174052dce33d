# ruff: noqa: N801, N815  (classes and members bear the names they have in CTK)
"""CTK's widgets for files and folders."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject, stored_property


class ctkPathLineEdit(PythonQtObject, QtWidgets.QWidget):
    """A path to type, or to choose by the button."""

    Files, Dirs, Drives = QtCore.QDir.Filter.Files, QtCore.QDir.Filter.Dirs, QtCore.QDir.Filter.Drives
    Readable, Writable = QtCore.QDir.Filter.Readable, QtCore.QDir.Filter.Writable
    NoDotAndDotDot = QtCore.QDir.Filter.NoDotAndDotDot

    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)

    label = stored_property(str, "label", "")
    nameFilters = stored_property("QStringList", "nameFilters", [])
    filters = stored_property("QVariant", "filters", QtCore.QDir.Filter.AllEntries)
    settingKey = stored_property(str, "settingKey", "")
    showBrowseButton = stored_property(bool, "showBrowseButton", True)
    showHistoryButton = stored_property(bool, "showHistoryButton", True)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, object] = {}
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox()
        self._box.setEditable(True)
        self._box.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._button = QtWidgets.QToolButton()
        self._button.setText("...")
        self._button.clicked.connect(self.browse)
        layout.addWidget(self._box)
        layout.addWidget(self._button)
        self._box.editTextChanged.connect(self.currentPathChanged)

    def _refresh(self) -> None:
        self._button.setVisible(self._values.get("showBrowseButton", True))

    def _path(self) -> str:
        return self._box.currentText()

    def _set_path(self, path: str) -> None:
        self._box.setEditText(path)

    currentPath = QtCore.Property(str, _path, _set_path)

    def setCurrentPath(self, path: str) -> None:
        self._set_path(path)

    def comboBox(self) -> QtWidgets.QComboBox:
        return self._box

    def addCurrentPathToHistory(self) -> None:
        if self._path() and self._box.findText(self._path()) < 0:
            self._box.addItem(self._path())

    def browse(self) -> None:
        folders_only = self._values.get("filters") is not None and not (
            QtCore.QDir.Filter(self._values["filters"]) & QtCore.QDir.Filter.Files
        )
        if folders_only:
            path = QtWidgets.QFileDialog.getExistingDirectory(self, "", self._path())
        else:
            filters = ";;".join(self._values.get("nameFilters", []))
            path, _ = QtWidgets.QFileDialog.getOpenFileName(self, "", self._path(), filters)
        if path:
            self._set_path(path)


class ctkDirectoryButton(PythonQtObject, QtWidgets.QWidget):
    """A button that shows a folder and lets the user choose another."""

    directoryChanged = QtCore.Signal(str)
    directorySelected = QtCore.Signal(str)

    caption = stored_property(str, "caption", "")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, object] = {}
        self._directory = QtCore.QDir()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._button = QtWidgets.QPushButton(self._directory.path())
        self._button.clicked.connect(self.browse)
        layout.addWidget(self._button)

    def _refresh(self) -> None:
        """The caption is the dialog's title only."""

    def _get_directory(self) -> str:
        return self._directory.path()

    def _set_directory(self, directory: str) -> None:
        chosen = QtCore.QDir(directory)
        if chosen == self._directory:
            return
        self._directory = chosen
        self._button.setText(chosen.path())
        self.directorySelected.emit(chosen.absolutePath())
        self.directoryChanged.emit(chosen.absolutePath())

    directory = QtCore.Property(str, _get_directory, _set_directory)

    def _text(self) -> str:
        return self._button.text()

    def _set_text(self, text: str) -> None:
        self._button.setText(text)

    text = QtCore.Property(str, _text, _set_text)

    def browse(self) -> None:
        title = str(self._values.get("caption", ""))
        chosen = QtWidgets.QFileDialog.getExistingDirectory(self, title, self._directory.path())
        if chosen:
            self._set_directory(chosen)
