"""Stand-ins and ``.ui`` files may use only names that Slicer has.

``slicer_qt_api_names.json`` holds superclass, Qt properties, signals and Python-visible methods of 637 classes, read
from the headers of Slicer (2026-08-21) and CTK (2026-08-12).
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtCore, QtWidgets
from standins import (
    application,
    ctk_module,
    desktop,
    io_manager,
    layout_manager,
    module_panel,
    qmrml_views,
    qmrml_widgets,
)
from standins.pythonqt import PYTHONQT_NAMES, PythonQtObject

NAMES: dict[str, Any] = json.loads((Path(__file__).parent / "slicer_qt_api_names.json").read_text(encoding="utf-8"))
STANDINS = (
    *ctk_module.CTK_WIDGETS,
    *qmrml_widgets.QMRML_WIDGETS,
    *(application.qSlicerApplication, application.qSlicerModuleManager, io_manager.qSlicerCoreIOManager),
    module_panel.qSlicerScriptedLoadableModule,
    *(layout_manager.qSlicerLayoutManager, qmrml_views.qMRMLSliceControllerWidget),
    *(qmrml_views.qMRMLSliceView, qmrml_views.qMRMLSliceWidget),
    *(qmrml_views.qMRMLThreeDView, qmrml_views.qMRMLThreeDWidget),
)
# Named in the headers where the reader of names did not look: an enumeration, and what slicer.util calls on slicer.app.
KNOWN_BESIDE_HEADERS = {
    "qSlicerApplication": {"testingEnabled", "show_scene"},
    "qSlicerScriptedLoadableModule": {"widgetRepresentation"},  # of qSlicerAbstractCoreModule
    "ctkPathLineEdit": {"Files", "Dirs", "Drives", "Readable", "Writable", "NoDotAndDotDot"},
}
UI_FILES = [path for folder in desktop.MODULE_FOLDERS for path in sorted((folder / "Resources" / "UI").glob("*.ui"))]
# A widget of these classes, or one derived from them, can be operated by the user.
CONTROLS = (
    *("QAbstractButton", "QAbstractSpinBox", "QAbstractSlider", "QComboBox", "QLineEdit", "QTextEdit"),
    *("QPlainTextEdit", "QAbstractItemView", "QTabWidget"),
    *("ctkDirectoryButton", "ctkDoubleSpinBox", "ctkPathLineEdit", "ctkSliderWidget"),
    *("qMRMLNodeComboBox", "qSlicerMarkupsPlaceWidget", "qSlicerSimpleMarkupsWidget"),
)


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
    """The class of Qt that a class of Slicer, CTK or Qt derives from, or is."""
    name = list(lineage(class_name))[-1]
    return getattr(QtWidgets, name, None) or getattr(QtCore, name)


def is_control(class_name: str) -> bool:
    qt_names = [base.__name__ for base in qt_base(class_name).__mro__]
    return class_name != "ctkCollapsibleButton" and bool(set(CONTROLS) & {*lineage(class_name), *qt_names})


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
def test_a_ui_file_tells_the_scene_to_every_widget_that_needs_it(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    top = root.find("widget")
    assert top is not None
    needing = {
        widget.get("name")
        for widget in root.iter("widget")
        if widget is not top and "setMRMLScene" in slicer_names(widget.get("class", ""), "methods")
    }
    connections = root.findall("connections/connection")
    told = {entry.findtext("receiver") for entry in connections if "setMRMLScene" in (entry.findtext("slot") or "")}
    assert told == needing
    classes = {widget.get("name"): widget.get("class", "") for widget in root.iter("widget")}
    for connection in connections:
        names = {tag: connection.findtext(tag) or "" for tag in ("sender", "signal", "receiver", "slot")}
        sender, receiver = classes[names["sender"]], classes[names["receiver"]]
        signal, slot = names["signal"].partition("(")[0], names["slot"].partition("(")[0]
        assert signal in slicer_names(sender, "signals") | set(dir(qt_base(sender))), f"{sender} has no signal {signal}"
        assert slot in slicer_names(receiver, "methods") | set(dir(qt_base(receiver))), f"{receiver} has no slot {slot}"


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_control_explains_itself(path: Path) -> None:
    silent = [
        widget.get("name")
        for widget in ElementTree.parse(path).iter("widget")
        if is_control(widget.get("class", ""))
        and not any(entry.get("name") == "toolTip" and entry.findtext("string") for entry in widget)
    ]
    assert silent == []


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_number_has_its_unit(path: Path) -> None:
    """A spin box or slider shows a unit behind the number, or a label says what is counted."""
    numbers = ("QSpinBox", "QDoubleSpinBox", "ctkSliderWidget", "ctkDoubleSpinBox")
    root = ElementTree.parse(path)
    buddies = {entry.findtext("cstring") for entry in root.iter("property") if entry.get("name") == "buddy"}
    bare = []
    for widget in root.iter("widget"):
        names = {entry.get("name") for entry in widget.findall("property")}
        if widget.get("class") in numbers and "suffix" not in names and widget.get("name") not in buddies:
            bare.append(widget.get("name"))
    assert bare == []


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_widget_of_a_ui_file_has_a_standin(path: Path, app: QtCore.QCoreApplication) -> None:
    import slicer

    assert slicer.util.loadUI(str(path)) is not None


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
