"""Pictures of the panels: nothing is cut off, the readout is large, states differ in more than color.

With ``PANEL_PICTURES=folder`` the pictures are kept there to be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets

PANEL_WIDTH = 440  # Slicer's module panel at its usual width


@pytest.fixture
def picture(tmp_path: Path, app: Any) -> Any:
    """Show a widget's panel, save its picture and return the pixels, uint8 (row, col, 3)."""

    def take(widget: Any, name: str) -> np.ndarray:
        panel = widget.parent
        panel.show()
        for _ in range(4):  # words that wrap change the height, and the height the words' places
            layout = QtWidgets.QWidget.layout(panel)
            panel.resize(PANEL_WIDTH, layout.totalHeightForWidth(PANEL_WIDTH))
            app.processEvents()
        image = panel.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
        folder = Path(os.environ.get("PANEL_PICTURES", tmp_path))
        folder.mkdir(parents=True, exist_ok=True)
        assert image.save(str(folder / f"{name}.png"))
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    return take


def cut_off(widget: Any) -> list[str]:
    """Names of visible labels, buttons and boxes that are narrower or lower than their text."""
    found = []
    for child in widget.parent.findChildren(QtWidgets.QWidget):
        if not isinstance(child, QtWidgets.QLabel | QtWidgets.QPushButton | QtWidgets.QComboBox):
            continue
        if not child.isVisible():  # itself, or what it is in, is hidden
            continue
        # Called through the class: stand-ins have these as properties, the parts inside them as methods.
        size = QtWidgets.QWidget.size(child)
        wraps = isinstance(child, QtWidgets.QLabel) and QtWidgets.QLabel.wordWrap(child)
        needed = child.heightForWidth(size.width()) if wraps else child.minimumSizeHint().height()
        if needed > size.height() or (not wraps and child.minimumSizeHint().width() > size.width()):
            found.append(f"{QtCore.QObject.objectName(child)} {size}")
    return found


def test_the_distance_is_large_and_bright_on_dark_and_goes_with_the_pictures(
    tracker: Any, picture: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    use_small_engine(tracker, "pause")
    target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Target")
    target.AddControlPointWorld(vtk.vtkVector3d(4.0, 6.0, 33.0))
    tracker.ui.targetSelector.setCurrentNode(target)
    tracker.ui.portSpinBox.value = port
    tracker.onStart()
    wait_until(lambda: tracker.ui.distanceLabel.text == "11.2 mm")
    tracked = picture(tracker, "InstrumentTracker")
    wait_until(lambda: cut_off(tracker) == [])  # a longer state wraps with the next layout
    label = tracker.ui.distanceLabel
    corner = label.mapTo(tracker.parent, label.rect.topLeft())
    region = tracked[corner.y() : corner.y() + label.height, corner.x() : corner.x() + label.width]
    bright_rows = np.flatnonzero((region.min(axis=2) > 200).any(axis=1))
    assert np.ptp(bright_rows) >= 36, "the distance must be readable across the room"
    assert np.median(region) < 40
    wait_until(lambda: "STALE" in tracker.ui.statusLabel.text)
    stale = picture(tracker, "InstrumentTracker-stale")
    wait_until(lambda: cut_off(tracker) == [])  # a longer state wraps with the next layout
    region = stale[corner.y() : corner.y() + label.height, corner.x() : corner.x() + label.width]
    assert (region.min(axis=2) > 200).sum() < 500, "only a dash where the number was"
