"""How ``slicer.parameterNodeWrapper`` keeps a typed value in a MRML node, and which values it refuses."""

from __future__ import annotations

import enum
import pathlib
import typing
from collections.abc import Callable
from typing import Any

import slicer

PATH_TYPES = (
    *(pathlib.Path, pathlib.PosixPath, pathlib.WindowsPath),
    *(pathlib.PurePath, pathlib.PurePosixPath, pathlib.PureWindowsPath),
)


class Validator:
    """Refuses a value by raising; Slicer checks on writing only."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


class WithinRange(Validator):
    def __init__(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is outside {self.minimum}..{self.maximum}")


class Minimum(Validator):
    def __init__(self, minimum: float) -> None:
        self.minimum = minimum

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is below {self.minimum}")


class Maximum(Validator):
    def __init__(self, maximum: float) -> None:
        self.maximum = maximum

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is above {self.maximum}")


class Choice(Validator):
    def __init__(self, choices: list[Any]) -> None:
        self.choices = choices

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


class Exclude(Validator):
    def __init__(self, excludedValues: list[Any]) -> None:
        self.excludedValues = excludedValues

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"{value!r} is one of {self.excludedValues}")


class Default:
    """The value a new node gets."""

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value, self._generator = value, generator

    @property
    def value(self) -> Any:
        return self._generator() if self._generator else self._value


class Decimals:
    def __init__(self, value: int) -> None:
        self.value = value


class SingleStep:
    def __init__(self, value: float) -> None:
        self.value = value


def split_annotations(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The plain type and its annotations."""
    if typing.get_origin(hint) is typing.Annotated:
        kind, *annotations = typing.get_args(hint)
        return kind, tuple(annotations)
    return hint, ()


def find_annotation(hint: Any, annotation_class: type) -> Any:
    """The first annotation of a class, or None."""
    return next((entry for entry in split_annotations(hint)[1] if isinstance(entry, annotation_class)), None)


def node_class_of(kind: Any) -> Any:
    """The node class of a node type, also where it is written ``vtkMRMLNode | None``; None for other types."""
    if isinstance(kind, type):
        return kind if issubclass(kind, slicer.vtkMRMLNode) else None
    if typing.get_origin(kind) is typing.Union:
        classes = [entry for entry in typing.get_args(kind) if entry is not type(None)]
        if len(classes) == 1:
            return node_class_of(classes[0])
    return None


class Serializer:
    """One type's way into a node and back.

    Raises TypeError for a type that Slicer's wrapper knows and this stand-in does not: write the stand-in first.
    """

    def __init__(self, hint: Any) -> None:
        self.kind, annotations = split_annotations(hint)
        self.node_class = node_class_of(self.kind)
        self.validators = [entry for entry in annotations if isinstance(entry, Validator)]
        is_enum = isinstance(self.kind, type) and issubclass(self.kind, enum.Enum)
        if self.node_class is None and self.kind not in (bool, int, float, str, *PATH_TYPES) and not is_enum:
            raise TypeError(f"no stand-in for a parameter of type {self.kind}")

    def default(self) -> Any:
        if self.node_class is not None:
            return None
        if self.kind in (int, float):
            return 0
        return next(iter(self.kind)) if issubclass(self.kind, enum.Enum) else self.kind()

    def is_in(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(name))

    def validate(self, value: Any) -> None:
        accepted = self.node_class or ((int, float) if self.kind is float else self.kind)
        if value is None and self.node_class is None:
            raise ValueError("value must not be None")
        if value is not None and not isinstance(value, accepted):
            raise TypeError(f"expected {self.kind}, got {value!r}")
        for validator in self.validators:
            validator.validate(value)

    def write(self, node: Any, name: str, value: Any) -> None:
        self.validate(value)
        if self.node_class is not None:
            node.SetParameter(name, "")  # says that the parameter is there, for None is a value, too
            node.SetNodeReferenceID(name, None if value is None else value.GetID())
        elif issubclass(self.kind, enum.Enum):
            node.SetParameter(name, value.name)
        else:
            node.SetParameter(name, str(value))

    def read(self, node: Any, name: str) -> Any:
        if self.node_class is not None:
            return node.GetNodeReference(name)
        text = node.GetParameter(name)
        if self.kind is bool:
            return text == "True"
        return self.kind[text] if issubclass(self.kind, enum.Enum) else self.kind(text)
