"""Whoever has no hand for the mouse reaches every control by Tab, and every text can be translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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
SHOWING = {
    "setText",
    "setToolTip",
    "setTitle",
    "setWindowTitle",
    "setPlainText",
    "setPlaceholderText",
    "addItem",
    "addItems",
    "addAction",
    "setHorizontalHeaderLabels",
    "setItemText",
    "errorDisplay",
    "warningDisplay",
    "infoDisplay",
    "confirmYesNoDisplay",
    "confirmOkCancelDisplay",
    "showStatusMessage",
}


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


def words_of(node: ast.expr | None) -> str:
    """What of an expression a user would read although it did not pass through ``_()``: letters outside of tags."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parts = [node.value]
    elif isinstance(node, ast.JoinedStr):
        parts = [str(part.value) for part in node.values if isinstance(part, ast.Constant)]
    elif isinstance(node, ast.BinOp):
        return words_of(node.left) or words_of(node.right)
    elif isinstance(node, ast.IfExp):
        return words_of(node.body) or words_of(node.orelse)
    else:
        return ""
    text = re.sub(r"<[^>]*>|&[a-z]+;", "", "|".join(parts))
    return text if any(map(str.isalpha, text)) else ""


def shown_by(node: ast.AST) -> Iterator[ast.expr | None]:
    """Expressions that a statement or call brings before a user."""
    if isinstance(node, ast.Assign):
        if any(isinstance(target, ast.Attribute) and target.attr in SHOWN for target in node.targets):
            yield node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWING:
        yield from node.args


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("label.text = 'Start'", "Start"),
        ("label.text = f'<b>{name}</b>'", ""),
        ("label.setText(f'{n} frames')", " frames"),
        ("box.addItem('simulated')", "simulated"),
        ("label.text = '-' if x is None else 'none'", "none"),
        ("label.setText(_('Start'))", ""),
    ],
)
def test_texts_that_go_around_translation_are_seen(code: str, words: str) -> None:
    assert "".join(words_of(shown) for node in ast.walk(ast.parse(code)) for shown in shown_by(node)) == words


@pytest.mark.parametrize("module", ["TemporalRecon", "InstrumentTracker"])
def test_no_text_of_the_panels_goes_around_translation(module: str) -> None:
    folder = REPOSITORY / module
    found = [
        f"{path.name}:{node.lineno}: {words_of(shown)!r}"
        for path in [folder / f"{module}.py", *sorted((folder / f"{module}Lib" / "module").glob("*.py"))]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Assign, ast.Call))
        for shown in shown_by(node)
        if words_of(shown)
    ]
    assert found == []
