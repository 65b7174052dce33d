# ruff: noqa: N801  (classes and members bear the names they have in Slicer)
"""Slicer's widgets for numbers with units."""

from __future__ import annotations

from typing import Any

from PySide6 import QtWidgets

from standins.ctk_numbers import ctkDoubleSpinBox, ctkSliderWidget
from standins.pythonqt import stored_property


class _InUnits:
    """Mixed in before a number widget: the unit comes from the scene where the widget is told its quantity."""

    quantity = stored_property(str, "quantity", "")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)  # type: ignore[call-arg]
        self._values: dict[str, Any] = {}
        self._scene: Any = None

    def _refresh(self) -> None:
        """The scene of the tests has no unit nodes."""

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene


class qMRMLSpinBox(_InUnits, ctkDoubleSpinBox):
    """A spin box with a unit."""


class qMRMLSliderWidget(_InUnits, ctkSliderWidget):
    """A slider with a unit."""
