"""Stand-ins and ``.ui`` files may use only names that Slicer has.

``slicer_qt_api_names.json`` holds superclass, Qt properties, signals and Python-visible methods of the classes we use,
read from the headers of Slicer (2026-08-21) and CTK (2026-08-12).
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtCore, QtWidgets
from standins import ctk_module, desktop, qmrml_widgets
from standins.pythonqt import PYTHONQT_NAMES, PythonQtObject

NAMES: dict[str, Any] = json.loads((Path(__file__).parent / "slicer_qt_api_names.json").read_text(encoding="utf-8"))
STANDINS = (
    ctk_module.ctkCollapsibleButton,
    ctk_module.ctkPathLineEdit,
    desktop.qSlicerApplication,
    qmrml_widgets.qMRMLNodeComboBox,
    qmrml_widgets.qMRMLWidget,
    qmrml_widgets.qSlicerScriptedLoadableModuleWidget,
)
# slicer.util, which is genuine here, calls it on slicer.app; the headers' reader did not see it.
KNOWN_BESIDE_HEADERS = {"qSlicerApplication": {"testingEnabled"}}
UI_FILES = [folder / "Resources" / "UI" / f"{folder.name}.ui" for folder in desktop.MODULE_FOLDERS]


def lineage(class_name: str) -> Iterator[str]:
    """A class of Slicer or CTK and its superclasses, ending with a class of Qt."""
    while class_name in NAMES:
        yield class_name
        class_name = NAMES[class_name]["super"]
    yield class_name


def slicer_names(class_name: str, *kinds: str) -> set[str]:
    """Properties, signals or methods of a class with those it inherits within Slicer and CTK."""
    return {name for owner in lineage(class_name) if owner in NAMES for kind in kinds for name in NAMES[owner][kind]}


def qt_base(class_name: str) -> Any:
    return getattr(QtWidgets, list(lineage(class_name))[-1])


def qt_properties(qt_class: Any) -> set[str]:
    meta_object = qt_class.staticMetaObject
    return {meta_object.property(index).name() for index in range(meta_object.propertyCount())}


@pytest.mark.parametrize("standin", STANDINS, ids=lambda standin: standin.__name__)
def test_a_standin_offers_no_name_that_slicer_lacks(standin: type) -> None:
    name = standin.__name__
    offered = {
        member
        for base in standin.__mro__
        if base.__module__.startswith("standins") and base is not PythonQtObject
        for member in vars(base)
        if not member.startswith("_") and member != "staticMetaObject"
    }
    allowed = slicer_names(name, "properties", "signals", "methods") | set(dir(qt_base(name)))
    assert offered - allowed - KNOWN_BESIDE_HEADERS.get(name, set()) == set()
    assert set(vars(PythonQtObject)) - PYTHONQT_NAMES <= {member for member in vars(PythonQtObject) if member[0] == "_"}


@pytest.mark.parametrize("standin", STANDINS, ids=lambda standin: standin.__name__)
def test_a_standin_derives_from_the_same_class_of_qt(standin: type) -> None:
    assert issubclass(standin, qt_base(standin.__name__))


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_a_ui_file_sets_only_properties_that_exist(path: Path) -> None:
    """Qt's loader makes a dynamic property of an unknown name in silence."""
    unknown = []
    for widget in ElementTree.parse(path).iter("widget"):
        class_name = widget.get("class", "")
        known = slicer_names(class_name, "properties") | qt_properties(qt_base(class_name))
        known |= {"buddy"} if class_name == "QLabel" else set()  # the loader's own: it is no Qt property
        properties = {entry.get("name", "") for entry in widget.findall("property") if entry.get("stdset") != "0"}
        unknown += [f"{class_name} {widget.get('name')}: {name}" for name in sorted(properties - known)]
    assert unknown == []


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_a_ui_file_tells_the_scene_to_every_node_selector(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    selectors = {entry.get("name") for entry in root.iter("widget") if entry.get("class") == "qMRMLNodeComboBox"}
    connections = root.findall("connections/connection")
    assert {entry.findtext("receiver") for entry in connections} == selectors
    for connection in connections:
        assert connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        assert connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    assert "mrmlSceneChanged" in slicer_names("qMRMLWidget", "signals")
    assert "setMRMLScene" in slicer_names("qMRMLNodeComboBox", "methods")


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_control_explains_itself(path: Path) -> None:
    controls = ("QLineEdit", "QSpinBox", "QComboBox", "QPushButton", "ctkPathLineEdit", "qMRMLNodeComboBox")
    silent = [
        widget.get("name")
        for widget in ElementTree.parse(path).iter("widget")
        if widget.get("class") in controls and "toolTip" not in {entry.get("name") for entry in widget}
    ]
    assert silent == []


def test_standins_refuse_what_pythonqt_refuses(app: QtCore.QCoreApplication) -> None:
    import qt

    label = qt.QLabel()
    label.text = "a"
    assert label.text == "a"
    with pytest.raises(AttributeError, match="'txt' is no Qt property of QLabel"):
        label.txt = "b"
    with pytest.raises(AttributeError):
        label.nonsense()
    button = qt.QPushButton()
    with pytest.raises(ValueError, match="no signal 'click"):
        button.connect("click()", lambda: None)
    with pytest.raises(ValueError, match="written with its types"):
        button.connect("clicked", lambda: None)
