"""Python files of an installed Slicer in place of ours, where the user has one.

``SLICER_PYTHON_PATH`` is the folder that holds Slicer's package ``slicer``: ``bin/Python`` of an installation.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path

import slicer

_VARIABLE = "SLICER_PYTHON_PATH"


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
    # The widget classes of a module that we have no stand-in for; only its name is asked for.
    hierarchy = types.ModuleType("qSlicerSubjectHierarchyModuleWidgetsPythonQt")
    hierarchy.qMRMLSubjectHierarchyTreeView = type("qMRMLSubjectHierarchyTreeView", (), {})  # type: ignore[attr-defined]
    sys.modules.setdefault(hierarchy.__name__, hierarchy)
    return importlib.import_module(f"slicer.{name}")
