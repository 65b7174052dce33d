# ruff: noqa: N815  (classes and members bear the names they have in Slicer)
"""Module ``slicer.parameterNodeWrapper``: typed parameters in a MRML node, bound to widgets by name.

With Slicer's habits that are easy to overlook: ``connectGui`` returns None (Slicer issue 7547), so only
``connectParametersToGui`` gives a tag that ``disconnectGui`` takes, and the node keeps an observer of the wrapper.
Values are cached until the node says that it was modified: in a batch of changes, what others wrote to the node is not
seen yet. And a wrapper that is still in memory puts the defaults back into a node that was emptied.
"""

from __future__ import annotations

import types
import typing
import weakref
from collections.abc import Callable
from typing import Any

import slicer.util
import vtk
from PySide6 import QtWidgets

from standins import parameter_serializers
from standins.gui_connectors import GuiConnector, create_gui_connector
from standins.parameter_serializers import Default, Serializer, find_annotation

_PROPERTY = "SlicerParameterName"


class _Parameter:
    """A name, its type and its value in a new node."""

    def __init__(self, name: str, hint: Any, default: Default | None) -> None:
        self.name, self.unalteredType = name, hint
        self.serializer = Serializer(hint)
        self.default = default or find_annotation(hint, Default) or Default(self.serializer.default())


class _CachedValue:
    """A parameter's value in one node, as it was when the node was last modified or written to from here."""

    def __init__(self, parameter: _Parameter, node: Any, key: str) -> None:
        self._parameter, self._node, self._key = parameter, node, key
        self._is_writing = False
        self._refresh()
        follow = weakref.WeakMethod(self._follow)  # the node must not keep a wrapper alive
        self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: (follow() or int)())

    def __del__(self) -> None:
        self._node.RemoveObserver(self._tag)

    def _refresh(self) -> None:
        serializer = self._parameter.serializer
        if not serializer.is_in(self._node, self._key):
            serializer.write(self._node, self._key, self._parameter.default.value)
        self.value = serializer.read(self._node, self._key)

    def _follow(self) -> None:
        if not self._is_writing:
            self._refresh()

    def write(self, value: Any) -> None:
        self._is_writing = True
        try:
            with slicer.util.NodeModify(self._node):
                self._parameter.serializer.write(self._node, self._key, value)
                self._refresh()  # before observers ask
        finally:
            self._is_writing = False


def parameterNodeWrapper(wrapped: type) -> type:
    """Class decorator: annotated names, inherited ones too, become properties of a node."""
    parameters = {}
    for name, hint in typing.get_type_hints(wrapped, include_extras=True).items():
        default = Default(getattr(wrapped, name)) if hasattr(wrapped, name) else None
        parameters[name] = _Parameter(name, hint, default)
        setattr(wrapped, name, _property(name))
    for name, value in vars(_Wrapper).items():
        if name == "__init__" or not name.startswith("__"):
            if name != "__init__" and hasattr(wrapped, name):
                raise ValueError(f"'{name}' is a name of the wrapper's own")
            setattr(wrapped, name, value)
    wrapped.allParameters = parameters  # type: ignore[attr-defined]
    return wrapped


def isParameterNodeWrapper(class_or_object: Any) -> bool:
    return getattr(class_or_object, "_is_parameter_node_wrapper", False)


def _property(name: str) -> property:
    return property(lambda self: self.getValue(name), lambda self, value: self.setValue(name, value))


class _Wrapper:
    """Methods that the decorator gives to a wrapped class."""

    allParameters: dict[str, _Parameter]
    parameterNode: Any
    _is_parameter_node_wrapper = True

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        self.parameterNode = parameterNode
        self._connectors: dict[int, dict[str, GuiConnector]] = {}
        self._next_tag = 0
        self._updating = False
        self._cached = {
            name: _CachedValue(parameter, parameterNode, f"{prefix or ''}{name}")
            for name, parameter in self.allParameters.items()
        }

    def _parameter(self, name: str) -> _Parameter:
        if name not in self.allParameters:
            raise ValueError(f"no parameter '{name}', only {sorted(self.allParameters)}")
        return self.allParameters[name]

    def getValue(self, name: str) -> Any:
        self._parameter(name)
        return self._cached[name].value

    def setValue(self, name: str, value: Any) -> None:
        self._parameter(name)
        self._cached[name].write(value)

    def default(self, name: str) -> Default:
        return self._parameter(name).default

    def isCached(self, name: str) -> bool:
        return bool(self._parameter(name))

    def dataType(self, name: str) -> Any:
        return self._parameter(name).unalteredType

    def connectGui(self, gui: Any) -> None:
        is_widget = isinstance(gui, QtWidgets.QWidget)
        widgets = gui.findChildren(QtWidgets.QWidget) if is_widget else vars(gui).values()
        named = {widget.property(_PROPERTY): widget for widget in widgets if widget.property(_PROPERTY)}
        self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        connectors = {
            name: widget if isinstance(widget, GuiConnector) else create_gui_connector(widget, self.dataType(name))
            for name, widget in mapping.items()
        }
        tag = self._next_tag
        self._next_tag += 1
        self._connectors[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._writer(name, connector))
        self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        return tag

    def disconnectGui(self, tag: int | None) -> None:
        for connector in self._connectors.pop(tag, {}).values():  # type: ignore[arg-type]
            connector.onChanged(None)

    def _writer(self, name: str, connector: GuiConnector) -> Callable[[], None]:
        def write() -> None:
            with slicer.util.NodeModify(self):
                if not self._updating:
                    self.setValue(name, connector.read())

        return write

    def _update_gui(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with slicer.util.NodeModify(self):
                for connectors in self._connectors.values():
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating = False

    def StartModify(self) -> int:
        return int(self.parameterNode.StartModify())

    def EndModify(self, was_modifying: int) -> int:
        return int(self.parameterNode.EndModify(was_modifying))

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def AddObserver(self, event: Any, callback: Callable[..., Any], priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)


def build_module() -> types.ModuleType:
    module = types.ModuleType("slicer.parameterNodeWrapper")
    names = ("Validator", "WithinRange", "Minimum", "Maximum", "Choice", "Exclude", "Default", "Decimals", "SingleStep")
    for name in names:
        setattr(module, name, getattr(parameter_serializers, name))
    for value in (parameterNodeWrapper, isParameterNodeWrapper):
        setattr(module, value.__name__, value)
    return module
