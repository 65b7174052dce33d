"""Module ``ctk``: the CTK widgets that our modules use."""

from __future__ import annotations

import types

from standins.ctk_boxes import ctkCheckablePushButton, ctkCheckBox, ctkComboBox
from standins.ctk_collapsible import ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkExpandableWidget
from standins.ctk_numbers import ctkDoubleSpinBox, ctkSliderWidget
from standins.ctk_paths import ctkDirectoryButton, ctkPathLineEdit
from standins.qt_module import widget_classes

CTK_WIDGETS = (
    *(ctkCheckBox, ctkCheckablePushButton, ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkComboBox),
    *(ctkDirectoryButton, ctkDoubleSpinBox, ctkExpandableWidget, ctkPathLineEdit, ctkSliderWidget),
)


def build_module() -> types.ModuleType:
    module = types.ModuleType("ctk")
    for widget_class in CTK_WIDGETS:
        setattr(module, widget_class.__name__, widget_class)
        widget_classes[widget_class.__name__] = widget_class
    return module
