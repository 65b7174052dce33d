# ruff: noqa: E721, RUF100  (Slicer compares types, subclasses are not bound there either)
"""Which widgets ``slicer.parameterNodeWrapper`` binds to which types.

The pairs that ``guiConnectors.py`` bound before and after August 2025 (pull request 8646 of Slicer), of the widgets we
have stand-ins for. What came with that change alone (whole numbers in sliders and decimal boxes,
ctkCheckablePushButton), and a QLabel, is refused.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from standins.parameter_serializers import (
    PATH_TYPES,
    Choice,
    Decimals,
    Maximum,
    Minimum,
    SingleStep,
    WithinRange,
    find_annotation,
    node_class_of,
    split_annotations,
)
from standins.qt_module import widget_classes

_FLOAT_BOXES = ("QDoubleSpinBox", "ctkDoubleSpinBox", "qMRMLSpinBox")
_FLOAT_SLIDERS = ("ctkSliderWidget", "qMRMLSliderWidget")
_INT_BOUNDS = (-(2**31), 2**31 - 1)
_FLOAT_BOUNDS = (float("-inf"), float("inf"))


class GuiConnector:
    """One widget and how its value is read, written and followed."""

    def __init__(self, widget: Any, read: Callable[[], Any], write: Callable[[Any], None], signal: str) -> None:
        self._widget, self.read, self.write, self._signal = widget, read, write, signal
        self._callback: Callable[[], None] | None = None

    def widget(self) -> Any:
        return self._widget

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        self._callback = callback
        signal = getattr(self._widget, self._signal)
        if callback is None:
            signal.disconnect(self._changed)
        else:
            signal.connect(self._changed)

    def _changed(self, *_: Any) -> None:
        if self._callback is not None:
            self._callback()


def _by_property(widget: Any, name: str, signal: str, convert: Callable[[Any], Any] = lambda value: value) -> Any:
    return GuiConnector(
        widget, lambda: convert(getattr(widget, name)), lambda value: setattr(widget, name, value), signal
    )


def _limit(widget: Any, hint: Any, unlimited: tuple[float, float], must_be_bounded: bool) -> None:
    """Range, decimals and step of a number widget come from the annotations, over what the ``.ui`` file says."""
    for annotation_class, name in ((Decimals, "decimals"), (SingleStep, "singleStep")):
        annotation = find_annotation(hint, annotation_class)
        if annotation is not None:
            setattr(widget, name, annotation.value)
    within = find_annotation(hint, WithinRange)
    minimum, maximum = within or find_annotation(hint, Minimum), within or find_annotation(hint, Maximum)
    if must_be_bounded and (minimum is None or maximum is None):
        raise RuntimeError("Slicer cannot bind a slider to a number without bounds")
    widget.minimum = unlimited[0] if minimum is None else minimum.minimum
    widget.maximum = unlimited[1] if maximum is None else maximum.maximum


def _combo_box(widget: Any, values: list[Any], labels: list[str]) -> GuiConnector:
    widget.clear()
    widget.addItems(labels)

    def write(value: Any) -> None:
        if value not in values:
            raise ValueError(f"{value!r} is none of {values}")
        widget.currentIndex = values.index(value)

    return GuiConnector(widget, lambda: values[widget.currentIndex], write, "currentIndexChanged")


def _number(widget: Any, hint: Any, kind: type, is_slider: bool) -> GuiConnector:
    _limit(widget, hint, _INT_BOUNDS if kind is int else _FLOAT_BOUNDS, is_slider)
    return _by_property(widget, "value", "valueChanged")


def create_gui_connector(widget: Any, hint: Any) -> GuiConnector:
    """The connector for a widget and a possibly annotated type.

    Raises RuntimeError for a pair that Slicer does not bind.
    """
    kind, _ = split_annotations(hint)
    name = next((name for name, known in widget_classes.items() if type(widget) is known), widget.className())
    choice = find_annotation(hint, Choice)
    if name in ("QComboBox", "ctkComboBox"):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            label = getattr(kind, "label", lambda entry: entry.name)
            return _combo_box(widget, list(kind), [label(entry) for entry in kind])
        if kind in (int, float, str, bool):
            if choice is None:
                raise RuntimeError("Slicer binds a combo box only to a type with the annotation Choice")
            return _combo_box(widget, choice.choices, [str(value) for value in choice.choices])
    if kind is bool and name in ("QCheckBox", "ctkCheckBox"):
        return _by_property(widget, "checked", "stateChanged")
    if kind is bool and name == "QPushButton":
        widget.checkable = True  # Slicer does so with a warning where the .ui file forgot it
        return _by_property(widget, "checked", "toggled")
    if kind is int and name in ("QSlider", "QSpinBox"):
        return _number(widget, hint, int, name == "QSlider")
    if kind is float and name in _FLOAT_BOXES + _FLOAT_SLIDERS:
        return _number(widget, hint, float, name in _FLOAT_SLIDERS)
    if kind is str and name == "QLineEdit":
        return _by_property(widget, "text", "textChanged")
    if kind is str and name == "QTextEdit":
        return GuiConnector(widget, widget.toPlainText, widget.setPlainText, "textChanged")
    if kind in PATH_TYPES and name == "ctkPathLineEdit":
        return _path(widget, "currentPath", "currentPathChanged", kind)
    if kind in PATH_TYPES and name == "ctkDirectoryButton":
        return _path(widget, "directory", "directoryChanged", kind)
    if node_class_of(kind) is not None and name == "qMRMLNodeComboBox":
        widget.nodeTypes = [node_class_of(kind).__name__]
        return GuiConnector(widget, widget.currentNode, widget.setCurrentNode, "currentNodeChanged")
    raise RuntimeError(f"Slicer cannot bind a parameter of type {hint} to a {name}")


def _path(widget: Any, name: str, signal: str, kind: type) -> GuiConnector:
    return GuiConnector(
        widget, lambda: kind(getattr(widget, name)), lambda value: setattr(widget, name, str(value)), signal
    )
