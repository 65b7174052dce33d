# ruff: noqa: N801, N815  (classes and members bear the names they have in CTK)
"""CTK's combo box, check box and checkable button."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject, stored_property


class ctkComboBox(PythonQtObject, QtWidgets.QComboBox):
    """A combo box with a text for "nothing chosen"."""

    returnRelease = QtCore.Signal()

    defaultText = stored_property(str, "defaultText", "")
    forceDefault = stored_property(bool, "forceDefault", False)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, object] = {}

    def _refresh(self) -> None:
        self.setPlaceholderText(str(self._values.get("defaultText", "")))

    def _user_data(self) -> str:
        return str(self.currentData() or "")

    def _set_user_data(self, data: str) -> None:
        self.setCurrentIndex(self.findData(data))

    currentUserDataAsString = QtCore.Property(str, _user_data, _set_user_data)


class ctkCheckBox(PythonQtObject, QtWidgets.QCheckBox):
    """A check box that may have an icon for its mark."""


class ctkCheckablePushButton(PythonQtObject, QtWidgets.QPushButton):
    """A button with a check box in front of its text."""
