# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""Module ``ctk``: the CTK widgets that our modules use."""

from __future__ import annotations

import types

from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject
from standins.qt_module import widget_classes

_HEADER_HEIGHT = 24


class ctkCollapsibleButton(PythonQtObject, QtWidgets.QAbstractButton):
    """A headed group whose content folds away."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._fold)
        self.setContentsMargins(0, _HEADER_HEIGHT, 0, 0)

    def _fold(self, open_: bool) -> None:
        children = self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly)
        for child in children:
            child.setVisible(open_)
        self.contentsCollapsed.emit(not open_)

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _is_collapsed, _set_collapsed)

    def sizeHint(self) -> QtCore.QSize:
        layout = QtWidgets.QWidget.layout(self)
        return layout.sizeHint() if layout is not None and self.isChecked() else QtCore.QSize(120, _HEADER_HEIGHT)

    def paintEvent(self, event: object) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, QtWidgets.QWidget.width(self), _HEADER_HEIGHT - 2)
        mark = (
            "\N{BLACK DOWN-POINTING SMALL TRIANGLE}" if self.isChecked() else "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
        )
        option.text = f"{mark} {QtWidgets.QAbstractButton.text(self)}"
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButton, option)
        painter.end()


class ctkPathLineEdit(PythonQtObject, QtWidgets.QWidget):
    """A path to type, or to choose by the button."""

    currentPathChanged = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._offered: list[str] = []
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._edit = QtWidgets.QLineEdit()
        button = QtWidgets.QToolButton()
        button.setText("...")
        layout.addWidget(self._edit)
        layout.addWidget(button)
        self._edit.textChanged.connect(self.currentPathChanged)

    def _path(self) -> str:
        return self._edit.text()

    def _set_path(self, path: str) -> None:
        self._edit.setText(path)

    currentPath = QtCore.Property(str, _path, _set_path)

    def _name_filters(self) -> list[str]:
        return self._offered

    def _set_name_filters(self, filters: list[str]) -> None:
        self._offered = filters

    nameFilters = QtCore.Property("QStringList", _name_filters, _set_name_filters)


def build_module() -> types.ModuleType:
    module = types.ModuleType("ctk")
    for widget_class in (ctkCollapsibleButton, ctkPathLineEdit):
        setattr(module, widget_class.__name__, widget_class)
        widget_classes[widget_class.__name__] = widget_class
    return module
