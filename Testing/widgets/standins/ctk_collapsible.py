# ruff: noqa: N801, N815  (classes and members bear the names they have in CTK)
"""CTK's groups that fold away."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from standins.pythonqt import PythonQtObject

_HEADER_HEIGHT = 24


def _show_children(group: QtWidgets.QWidget, visible: bool) -> None:
    direct = QtCore.Qt.FindChildOption.FindDirectChildrenOnly
    for child in group.findChildren(QtWidgets.QWidget, options=direct):
        child.setVisible(visible)


class ctkCollapsibleButton(PythonQtObject, QtWidgets.QAbstractButton):
    """A headed group whose content folds away."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._fold)
        self.setContentsMargins(0, _HEADER_HEIGHT, 0, 0)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)

    def _fold(self, open_: bool) -> None:
        _show_children(self, open_)
        self.contentsCollapsed.emit(not open_)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        if self._is_collapsed():  # a .ui file folds a group before it fills it
            _show_children(self, False)

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _is_collapsed, _set_collapsed)

    def sizeHint(self) -> QtCore.QSize:
        layout = QtWidgets.QWidget.layout(self)
        return layout.totalSizeHint() if layout is not None and self.isChecked() else QtCore.QSize(120, _HEADER_HEIGHT)

    def minimumSizeHint(self) -> QtCore.QSize:
        layout = QtWidgets.QWidget.layout(self)
        return (
            layout.totalMinimumSize() if layout is not None and self.isChecked() else QtCore.QSize(60, _HEADER_HEIGHT)
        )

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


class ctkCollapsibleGroupBox(PythonQtObject, QtWidgets.QGroupBox):
    """A group box whose check mark folds its content away."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(lambda open_: _show_children(self, open_))

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _is_collapsed, _set_collapsed)


class ctkExpandableWidget(PythonQtObject, QtWidgets.QFrame):
    """A frame the user can drag larger."""
