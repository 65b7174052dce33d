# ruff: noqa: N801, N815  (classes and members bear the names they have in CTK)
"""CTK's widgets for decimal numbers."""

from __future__ import annotations

import math
from typing import Any

from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject

_SLIDER_STEPS = 1000


def _box_property(type_name: Any, name: str) -> Any:
    """A property of the spin box inside."""
    setter = f"set{name[0].upper()}{name[1:]}"

    def get(self: Any) -> Any:
        return getattr(self._box, name)()

    def put(self: Any, value: Any) -> None:
        getattr(self._box, setter)(value)
        self._follow()

    return QtCore.Property(type_name, get, put)


class _NumberWidget(PythonQtObject, QtWidgets.QWidget):
    """A number in a spin box."""

    valueChanged = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)

    minimum = _box_property(float, "minimum")
    maximum = _box_property(float, "maximum")
    decimals = _box_property(int, "decimals")
    singleStep = _box_property(float, "singleStep")
    value = _box_property(float, "value")
    suffix = _box_property(str, "suffix")
    prefix = _box_property(str, "prefix")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QDoubleSpinBox()
        layout.addWidget(self._box)

    def _follow(self) -> None:
        """Where there is more than the box, show what it says."""

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._box.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)


class ctkDoubleSpinBox(_NumberWidget):
    """A spin box for decimal numbers."""

    editingFinished = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusProxy(self._box)
        self._box.valueChanged.connect(self.valueChanged)
        self._box.editingFinished.connect(self.editingFinished)


class ctkSliderWidget(_NumberWidget):
    """A slider and a spin box for one number."""

    valueIsChanging = QtCore.Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._page_step, self._tracking = 10.0, True
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._slider.setRange(0, _SLIDER_STEPS)
        self._box.setRange(0.0, 99.0)
        QtWidgets.QWidget.layout(self).insertWidget(0, self._slider, 1)
        self.setFocusProxy(self._slider)
        self._slider.sliderMoved.connect(self._drag)
        self._slider.sliderReleased.connect(lambda: self._box.setValue(self._slid()))
        self._box.valueChanged.connect(self._changed)

    def _slid(self) -> float:
        low, high = self._box.minimum(), self._box.maximum()
        return low + (high - low) * self._slider.sliderPosition() / _SLIDER_STEPS

    def _drag(self, _: int) -> None:
        if self._tracking:
            self._box.setValue(self._slid())
        else:
            self.valueIsChanging.emit(self._slid())

    def _changed(self, value: float) -> None:
        self._follow()
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def _follow(self) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        if high > low and math.isfinite(high - low) and not self._slider.isSliderDown():
            self._slider.setValue(round((self._box.value() - low) / (high - low) * _SLIDER_STEPS))

    def _get_page_step(self) -> float:
        return self._page_step

    def _set_page_step(self, step: float) -> None:
        self._page_step = step

    pageStep = QtCore.Property(float, _get_page_step, _set_page_step)

    def _get_tracking(self) -> bool:
        return self._tracking

    def _set_tracking(self, tracking: bool) -> None:
        self._tracking = tracking

    tracking = QtCore.Property(bool, _get_tracking, _set_tracking)

    def _get_box_visible(self) -> bool:
        return not self._box.isHidden()

    def _set_box_visible(self, visible: bool) -> None:
        self._box.setVisible(visible)

    spinBoxVisible = QtCore.Property(bool, _get_box_visible, _set_box_visible)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._set_box_visible(visible)

    def reset(self) -> None:
        self._box.setValue(self._box.minimum())
