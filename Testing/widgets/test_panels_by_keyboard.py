"""Whoever has no hand for the mouse reaches every control by Tab, and every text can be translated."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtCore, QtWidgets

REPOSITORY = Path(__file__).resolve().parents[2]
CONTROLS = (
    QtWidgets.QAbstractButton,
    QtWidgets.QComboBox,
    QtWidgets.QAbstractSpinBox,
    QtWidgets.QAbstractSlider,
    QtWidgets.QLineEdit,
    QtWidgets.QAbstractItemView,
)
SHOWN = {"text", "toolTip", "title", "windowTitle", "plainText", "placeholderText", "html"}


def controls_of(panel: QtWidgets.QWidget) -> list[QtWidgets.QWidget]:
    """What a user can work: visible, enabled, and no part of another control."""

    def is_part(child: QtWidgets.QWidget) -> bool:
        parent = QtCore.QObject.parent(child)
        while parent is not None and parent is not panel:
            if isinstance(parent, CONTROLS) and not QtCore.QObject.objectName(parent).endswith("CollapsibleButton"):
                return True
            parent = QtCore.QObject.parent(parent)
        return False

    return [
        child
        for child in panel.findChildren(QtWidgets.QWidget)
        if isinstance(child, CONTROLS)
        and QtCore.QObject.objectName(child)
        and not QtCore.QObject.objectName(child).startswith("qt_")
        and QtWidgets.QWidget.isVisible(child)
        and QtWidgets.QWidget.isEnabled(child)
        and not is_part(child)
    ]


def reached_by_tab(panel: QtWidgets.QWidget) -> set[str]:
    """Names of the widgets that the focus comes to, and of those around them."""
    reached: set[str] = set()
    widget = QtWidgets.QWidget.nextInFocusChain(panel)
    while widget is not panel:
        if QtWidgets.QWidget.focusPolicy(widget) & QtCore.Qt.FocusPolicy.TabFocus:
            around = widget
            while around is not None and around is not panel:
                reached.add(QtCore.QObject.objectName(around))
                around = QtCore.QObject.parent(around)
        widget = QtWidgets.QWidget.nextInFocusChain(widget)
    return reached


@pytest.mark.parametrize("fixture", ["recon", "tracker"])
def test_tab_comes_to_every_control(fixture: str, request: pytest.FixtureRequest, app: Any) -> None:
    panel = request.getfixturevalue(fixture).parent
    panel.show()
    for button in panel.findChildren(QtWidgets.QWidget):
        if QtCore.QObject.objectName(button).endswith("CollapsibleButton"):
            button.collapsed = False
    app.processEvents()
    names = {QtCore.QObject.objectName(control) for control in controls_of(panel)}
    assert len(names) > 20
    assert names - reached_by_tab(panel) == set()


@pytest.mark.parametrize("module", ["TemporalRecon", "InstrumentTracker"])
def test_no_text_of_the_panels_goes_around_translation(module: str) -> None:
    found = []
    folder = REPOSITORY / module
    for path in [folder / f"{module}.py", *sorted((folder / f"{module}Lib" / "module").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            is_shown = any(isinstance(target, ast.Attribute) and target.attr in SHOWN for target in targets)
            if is_shown and isinstance(node.value, ast.Constant) and any(map(str.isalpha, str(node.value.value))):
                found.append(f"{path.name}:{node.lineno}: {node.value.value!r}")
    assert found == []
