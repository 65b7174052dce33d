"""Python files of an installed Slicer in place of ours, where the user has one.

``SLICER_PYTHON_PATH`` is the folder that holds Slicer's package ``slicer``: ``bin/Python`` of an installation. Taken
from there: ``parameterNodeWrapper``, ``i18n`` and ``ScriptedLoadableModule``; ``slicer.util`` is Slicer's own without
it, too. Qt stays a stand-in: the widget classes that these files name and we have no stand-in for are bare names to
compare types with, so no other widget than ours is bound. The developer section of a panel cannot be made: it hands a
plain Python object to a menu as its parent, which only PythonQt takes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import slicer

_VARIABLE = "SLICER_PYTHON_PATH"
_REAL_NAMES = Path(__file__).parents[1] / "slicer_qt_api_names.json"


def import_part(name: str) -> types.ModuleType | None:
    """Slicer's own ``slicer.<name>``, or None where the variable is not set.

    Raises ImportError where the folder lacks it: a run that silently fell back would prove nothing.
    """
    folder = os.environ.get(_VARIABLE)
    if not folder:
        return None
    package = Path(folder) / "slicer"
    if not package.is_dir():
        raise ImportError(f"{_VARIABLE}: {package} is no folder")
    if str(package) not in slicer.__path__:
        slicer.__path__.append(str(package))
        _name_all_widgets()
    with _looking_like_the_application():
        return importlib.import_module(f"slicer.{name}")


def _name_all_widgets() -> None:
    """Give every widget class of Slicer and CTK that has no stand-in its name in ``ctk`` and ``slicer``."""
    # Older files import these from a module of their own.
    hierarchy = types.ModuleType("qSlicerSubjectHierarchyModuleWidgetsPythonQt")
    for name in json.loads(_REAL_NAMES.read_text(encoding="utf-8")):
        owner = sys.modules["ctk"] if name.startswith("ctk") else slicer
        if not hasattr(owner, name):
            setattr(owner, name, type(name, (), {}))
        if name.startswith("qMRMLSubjectHierarchy"):
            setattr(hierarchy, name, getattr(owner, name))
    sys.modules[hierarchy.__name__] = hierarchy


@contextmanager
def _looking_like_the_application() -> Iterator[None]:
    """Slicer's package leaves the widgets out where the program running it is called python."""
    executable = sys.executable
    sys.executable = str(Path(executable).with_name("SlicerApp-real"))
    try:
        yield
    finally:
        sys.executable = executable
