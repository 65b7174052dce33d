"""PythonQt's manners on PySide6 objects.

Qt properties are attributes (``label.text``, not ``label.text()``), unknown attributes raise, and
``connect("signal(Type)", callable)`` names the signal.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtWidgets

_property = QtCore.QObject.property
_set_property = QtCore.QObject.setProperty
_meta_object = QtCore.QObject.metaObject

# What PythonQt gives to every wrapped object beside Qt's own names.
PYTHONQT_NAMES = {"connect", "disconnect", "className", "delete", "findChild", "name"}


# Properties read by virtual functions: C++ looks these names up here when it calls the function.
_VIRTUAL_PROPERTIES = (
    *((QtWidgets.QWidget, "sizeHint"), (QtWidgets.QWidget, "minimumSizeHint")),
    *((QtWidgets.QProgressBar, "text"), (QtWidgets.QLayout, "spacing")),
)


# Index of a property and whether it can be written. Asked for with every attribute, so remembered by class: a
# measurement of a panel should not measure the stand-ins.
_properties: dict[tuple[type, str], tuple[int, bool]] = {}


def _property_of(target: QtCore.QObject, name: str) -> tuple[int, bool]:
    key = (type(target), name)
    if key not in _properties:
        meta_object = _meta_object(target)
        index = int(meta_object.indexOfProperty(name))
        _properties[key] = (index, index >= 0 and bool(meta_object.property(index).isWritable()))
    return _properties[key]


@functools.cache
def _is_virtual(qt_class: Any, name: str) -> bool:
    return any(name == virtual and issubclass(qt_class, owner) for owner, virtual in _VIRTUAL_PROPERTIES)


def _refuse_destroyed(target: QtCore.QObject, name: str) -> None:
    if not shiboken6.isValid(target):
        raise ValueError(f"Trying to access '{name}' on a destroyed {type(target).__name__} object")


def stored_property(type_name: Any, name: str, default: Any) -> Any:
    """A Qt property kept in the dictionary ``_values`` of a stand-in, whose ``_refresh`` shows it."""

    def get(self: Any) -> Any:
        return self._values.get(name, default)

    def put(self: Any, value: Any) -> None:
        self._values[name] = value
        self._refresh()

    return QtCore.Property(type_name, get, put)


class PythonQtObject:
    """Mixed in before a PySide6 class."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return super().__getattribute__(name)
        if name in ("connect", "disconnect"):
            # Shiboken answers these two itself, past the method resolution order.
            return getattr(PythonQtObject, f"_{name}").__get__(self)
        _refuse_destroyed(self, name)
        if name == "name":
            name = "objectName"
        if _property_of(self, name)[0] >= 0 and not _is_virtual(type(self), name):
            return _property(self, name)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
            return
        _refuse_destroyed(self, name)
        if name == "name":
            name = "objectName"
        index, is_writable = _property_of(self, name)
        if index < 0 and isinstance(value, QtCore.QObject) and _property(value, "objectName") == name:
            return  # PySide6's .ui loader offers children as attributes; PythonQt does not
        if index < 0:
            raise AttributeError(f"'{name}' is no Qt property of {type(self).__name__}, PythonQt refuses to set it")
        if not is_writable:
            raise AttributeError(f"'{name}' of {type(self).__name__} is read-only")
        _set_property(self, name, value)

    def _connect(self, signal: str, receiver: Callable[..., Any]) -> bool:
        bound, n_arguments = self._signal(signal)

        def deliver(*arguments: Any) -> None:
            receiver(*arguments[: min(n_arguments, _capacity(receiver))])

        self.__dict__.setdefault("_connections", {})[signal, receiver] = (bound, deliver)
        bound.connect(deliver)
        return True

    def _disconnect(self, signal: str, receiver: Callable[..., Any]) -> bool:
        bound, deliver = self.__dict__["_connections"].pop((signal, receiver))
        bound.disconnect(deliver)
        return True

    def _signal(self, signature: str) -> tuple[Any, int]:
        """The bound signal and the number of its arguments; raises for a signal that is not there."""
        name, parenthesis, rest = signature.partition("(")
        if not parenthesis or not rest.endswith(")"):
            raise ValueError(f"connect('{signature}'): a signal is written with its types, as in 'clicked(bool)'")
        meta_object = _meta_object(self)
        signals = [
            meta_object.method(index)
            for index in range(meta_object.methodCount())
            if meta_object.method(index).methodType() == QtCore.QMetaMethod.MethodType.Signal
        ]
        own = [signal for signal in signals if bytes(signal.name()).decode() == name]
        signatures = {bytes(signal.methodSignature()).decode() for signal in own}
        # Signals of stand-ins carry Python objects, so only the name can be compared for them.
        is_standin = any(name in vars(base) for base in type(self).__mro__ if base.__module__.startswith("standins"))
        if not own or (signature not in signatures and not is_standin):
            raise ValueError(f"{type(self).__name__} has no signal '{signature}', only {sorted(signatures)}")
        bound = super().__getattribute__(name)
        if len(signatures) > 1 and rest != ")":
            bound = bound[rest[:-1]]
        return bound, 0 if rest == ")" else rest.count(",") + 1

    def className(self) -> str:
        return type(self).__name__

    def delete(self) -> None:
        self.deleteLater()  # type: ignore[attr-defined]


def _capacity(receiver: Callable[..., Any]) -> int:
    """How many positional arguments a callable takes; PythonQt hands over no more."""
    kinds = [parameter.kind for parameter in inspect.signature(receiver).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 99
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(kind in positional for kind in kinds)
