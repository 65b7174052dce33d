# ruff: noqa: N815  (classes and members bear the names they have in Slicer)
"""Module ``slicer.parameterNodeWrapper``: typed parameters in a MRML node, bound to widgets by name.

Only the pairs of type and widget that Slicer's connectors know are bound; anything else raises, as there.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vtk


@dataclass(frozen=True)
class WithinRange:
    minimum: float
    maximum: float

    def check(self, name: str, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{name}: {value} is outside {self.minimum}..{self.maximum}")


@dataclass(frozen=True)
class Choice:
    choices: list[Any]

    def check(self, name: str, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{name}: {value!r} is none of {self.choices}")


@dataclass(frozen=True)
class _Parameter:
    name: str
    kind: type
    annotations: tuple[Any, ...]
    default: Any

    @property
    def is_node(self) -> bool:
        return hasattr(self.kind, "GetNodeTagName") or issubclass(self.kind, vtk.vtkObject)

    def find(self, annotation_class: type) -> Any:
        return next((entry for entry in self.annotations if isinstance(entry, annotation_class)), None)

    def read(self, node: Any) -> Any:
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        return text == "true" if self.kind is bool else self.kind(text)

    def write(self, node: Any, value: Any) -> None:
        if self.is_node:
            if value is not None and not isinstance(value, self.kind):
                raise TypeError(f"{self.name}: expected {self.kind.__name__}, got {type(value).__name__}")
            node.SetNodeReferenceID(self.name, None if value is None else value.GetID())
            return
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name}: expected {self.kind.__name__}, got {value!r}")
        for annotation in self.annotations:
            annotation.check(self.name, value)
        node.SetParameter(self.name, str(value).lower() if self.kind is bool else str(value))

    def is_in(self, node: Any) -> bool:
        return self.is_node or node.HasParameter(self.name)


def parameterNodeWrapper(wrapped: type) -> type:
    """Class decorator: annotated names become properties of a node."""
    parameters = {}
    for name, hint in typing.get_type_hints(wrapped, include_extras=True).items():
        annotated = typing.get_origin(hint) is typing.Annotated
        kind, *annotations = typing.get_args(hint) if annotated else (hint,)
        default = getattr(wrapped, name, None)
        if default is None and kind in (int, float, str, bool, Path):
            choice = next((entry for entry in annotations if isinstance(entry, Choice)), None)
            default = choice.choices[0] if choice is not None else kind()
        parameters[name] = _Parameter(name, kind, tuple(annotations), default)
        setattr(wrapped, name, _property(parameters[name]))
    for name in ("connectGui", "disconnectGui", "AddObserver", "RemoveObserver", "__init__"):
        setattr(wrapped, name, vars(_Wrapper)[name])
    wrapped.allParameters = parameters  # type: ignore[attr-defined]
    return wrapped


def _property(parameter: _Parameter) -> property:
    return property(
        lambda self: parameter.read(self.parameterNode),
        lambda self, value: parameter.write(self.parameterNode, value),
    )


class _Wrapper:
    """Methods that the decorator gives to a wrapped class."""

    allParameters: dict[str, _Parameter]
    parameterNode: Any

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._bindings: dict[int, tuple[int, list[Any]]] = {}
        for parameter in self.allParameters.values():
            if not parameter.is_in(parameterNode):
                parameter.write(parameterNode, parameter.default)

    def connectGui(self, gui: Any) -> int:
        connectors = []
        for widget in vars(gui).values():
            name = widget.property("SlicerParameterName")
            if name:
                connectors.append(_Connector(self.parameterNode, self.allParameters[name], widget))

        def update(*_: Any) -> None:
            for connector in connectors:
                connector.update()

        update()
        for connector in connectors:
            connector.listen()
        tag = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, update)
        self._bindings[tag] = (tag, connectors)
        return tag

    def disconnectGui(self, tag: int) -> None:
        observer, connectors = self._bindings.pop(tag)
        self.parameterNode.RemoveObserver(observer)
        for connector in connectors:
            connector.stop()

    def AddObserver(self, event: Any, callback: Callable[..., Any], priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)


class _Connector:
    """One parameter and its widget."""

    def __init__(self, node: Any, parameter: _Parameter, widget: Any) -> None:
        self._node, self._parameter, self._widget = node, parameter, widget
        self._updating = False
        kind, class_name = parameter.kind, widget.className()
        if kind is int and class_name == "QSpinBox":
            limits = parameter.find(WithinRange)
            widget.setRange(limits.minimum, limits.maximum)
            self._attribute, self._signal = "value", widget.valueChanged
        elif kind is str and class_name == "QLineEdit":
            self._attribute, self._signal = "text", widget.textChanged
        elif kind is bool and class_name == "QCheckBox":
            self._attribute, self._signal = "checked", widget.toggled
        elif kind is str and class_name == "QComboBox" and parameter.find(Choice):
            widget.clear()
            widget.addItems(parameter.find(Choice).choices)
            self._attribute, self._signal = "currentText", widget.currentIndexChanged
        elif parameter.is_node and class_name == "qMRMLNodeComboBox":
            widget.nodeTypes = [kind.__name__]
            self._attribute, self._signal = "", widget.currentNodeChanged
        else:
            raise RuntimeError(f"Slicer cannot bind {parameter.name} ({kind.__name__}) to a {class_name}")

    def listen(self) -> None:
        self._signal.connect(self._store)

    def stop(self) -> None:
        self._signal.disconnect(self._store)

    def update(self) -> None:
        self._updating = True
        value = self._parameter.read(self._node)
        if self._attribute:
            setattr(self._widget, self._attribute, value)
        else:
            self._widget.setCurrentNode(value)
        self._updating = False

    def _store(self, *_: Any) -> None:
        if not self._updating:
            widget = self._widget
            self._parameter.write(
                self._node, getattr(widget, self._attribute) if self._attribute else widget.currentNode()
            )


def build_module() -> types.ModuleType:
    module = types.ModuleType("slicer.parameterNodeWrapper")
    for value in (parameterNodeWrapper, WithinRange, Choice):
        setattr(module, value.__name__, value)
    return module
