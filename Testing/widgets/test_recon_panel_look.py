"""Pictures of the Temporal Recon panel in its states: nothing is cut off, and states differ in more than color.

With ``PANEL_PICTURES=folder`` the pictures are kept there to be looked at.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from case_engine import HOST, CaseEngine
from PySide6 import QtCore, QtGui, QtWidgets
from test_panels_look import PANEL_WIDTH, cut_off


@pytest.fixture
def dark_theme(app: Any) -> Iterator[None]:
    """Colors as in Slicer's dark theme."""
    before, palette = app.palette(), QtGui.QPalette()
    role = QtGui.QPalette.ColorRole
    for name, color in {
        role.Window: "#353535",
        role.Base: "#2a2a2a",
        role.AlternateBase: "#353535",
        role.Button: "#353535",
        role.ToolTipBase: "#2a2a2a",
        role.WindowText: "#e8e8e8",
        role.Text: "#e8e8e8",
        role.ButtonText: "#e8e8e8",
        role.ToolTipText: "#e8e8e8",
        role.PlaceholderText: "#9a9a9a",
        role.Highlight: "#2a82da",
    }.items():
        palette.setColor(name, QtGui.QColor(color))
    for name in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, name, QtGui.QColor("#808080"))
    app.setPalette(palette)
    yield
    app.setPalette(before)


@pytest.fixture
def picture(tmp_path: Path, app: Any) -> Any:
    """Show a widget's panel at its natural height, save its picture and return the pixels, uint8 (row, col, 3)."""

    def take(widget: Any, name: str, beside: Any = None) -> np.ndarray:
        panel = widget.parent
        panel.show()
        end = time.monotonic() + 0.8  # the plot is painted twice a second, at the size of then
        while time.monotonic() < end:
            layout = QtWidgets.QWidget.layout(panel)
            panel.resize(PANEL_WIDTH, layout.totalHeightForWidth(PANEL_WIDTH))
            app.processEvents()
            time.sleep(0.02)
        image = panel.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
        if beside is not None:
            image = side_by_side(image, beside)
        folder = Path(os.environ.get("PANEL_PICTURES", tmp_path))
        folder.mkdir(parents=True, exist_ok=True)
        assert image.save(str(folder / f"{name}.png"))
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    return take


def side_by_side(panel: QtGui.QImage, view: Any) -> QtGui.QImage:
    """The panel with a view of the desktop to its right, as the user has them."""
    view.forceRender()
    pixels = np.ascontiguousarray(view._view.pixels())
    rows, columns = pixels.shape[:2]
    right = QtGui.QImage(pixels.tobytes(), columns, rows, 3 * columns, QtGui.QImage.Format.Format_RGB888)
    right = right.scaledToWidth(600, QtCore.Qt.TransformationMode.SmoothTransformation)
    both = QtGui.QImage(panel.width() + right.width(), panel.height(), QtGui.QImage.Format.Format_RGB888)
    both.fill(QtGui.QColor("black"))
    painter = QtGui.QPainter(both)
    painter.drawImage(0, 0, panel)
    painter.drawImage(panel.width(), 0, right)
    painter.end()
    return both


def start(recon: Any, use_small_engine: Any, manner: str, port: int) -> None:
    use_small_engine(recon, manner)
    recon.ui.portSpinBox.value = port
    recon.onStart()


def test_a_stopped_panel_shows_the_steps_in_the_order_of_work(recon: Any, picture: Any) -> None:
    picture(recon, "TemporalRecon-stopped")
    assert cut_off(recon) == []
    names = ("source", "reconstruction", "run", "monitor")
    tops = [getattr(recon.ui, f"{name}CollapsibleButton") for name in names]
    places = [button.mapTo(recon.parent, button.rect.topLeft()).y() for button in tops]
    assert places == sorted(places)


def test_missing_packages_are_told_where_start_is(
    recon: Any, picture: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("torch>=999\nmonai>=999\n", encoding="utf-8")
    module = sys.modules["TemporalReconLib.module.mrml_dependencies"]
    monkeypatch.setattr(module, "_REQUIREMENTS", tmp_path / "requirements.txt")
    recon.setUpSection.refresh()
    picture(recon, "TemporalRecon-setup")
    assert cut_off(recon) == []


def test_a_start_shows_its_steps(recon: Any, picture: Any, use_small_engine: Any, wait_until: Any, port: int) -> None:
    start(recon, use_small_engine, "slow", port)
    wait_until(lambda: "weights" in recon.ui.startUpProgressBar.format)
    picture(recon, "TemporalRecon-starting")
    assert cut_off(recon) == []
    assert recon.ui.stopButton.text == "Cancel"


def test_a_running_panel_shows_its_figures(
    recon: Any, picture: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    start(recon, use_small_engine, "pictures", port)
    wait_until(lambda: "31 ms" in recon.ui.latencyLabel.text)
    wait_until(lambda: recon.logic.session.status.n_frames > 60)
    running = picture(recon, "TemporalRecon")
    assert cut_off(recon) == []
    assert len(np.unique(running.reshape(-1, 3), axis=0)) > 20


def test_a_stalled_panel_says_so_in_words_and_shapes(
    recon: Any, picture: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    start(recon, use_small_engine, "pause", port)
    wait_until(lambda: "Stalled" in recon.ui.stateLabel.text)
    picture(recon, "TemporalRecon-stalled")
    assert cut_off(recon) == []
    assert "not live" in recon.ui.pictureLabel.text
    assert "\N{BLACK UP-POINTING TRIANGLE}" in recon.ui.pictureLabel.text


def test_a_failure_fits_the_panel_with_reason_and_advice(
    recon: Any, picture: Any, use_small_engine: Any, wait_until: Any
) -> None:
    use_small_engine(recon, "refuse")
    recon.ui.logCollapsibleButton.collapsed = False
    recon.onStart()
    wait_until(lambda: "Failed" in recon.ui.stateLabel.text)
    picture(recon, "TemporalRecon-failed")
    assert cut_off(recon) == []


def test_the_dark_theme_keeps_everything_legible(
    dark_theme: None, recon: Any, picture: Any, use_small_engine: Any, wait_until: Any, port: int
) -> None:
    for name in ("modelCard", "advanced", "record"):
        getattr(recon.ui, f"{name}CollapsibleButton").collapsed = False
    start(recon, use_small_engine, "pictures", port)
    wait_until(lambda: "31 ms" in recon.ui.latencyLabel.text)
    wait_until(lambda: recon.logic.session.status.n_frames > 40)
    dark = picture(recon, "TemporalRecon-dark")
    assert cut_off(recon) == []
    assert np.median(dark) < 80
    label = recon.ui.latencyPlotLabel
    corner = label.mapTo(recon.parent, label.rect.topLeft())
    plot = dark[corner.y() : corner.y() + label.height, corner.x() : corner.x() + label.width]
    assert (plot.min(axis=2) > 170).sum() > 50, "the axis of the plot is bright on dark"


def test_live_and_stale_pictures_beside_the_panel(recon: Any, picture: Any, wait_until: Any, port: int) -> None:
    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        manager.sliceWidget(name).sliceView().renderWindow()  # the desktop has its views already
    with CaseEngine(port) as engine:
        recon.ui.hostLineEdit.text = HOST
        recon.ui.portSpinBox.value = port
        recon.ui.startButton.click()
        wait_until(lambda: recon.logic.session.status.n_frames > 60)
        yellow = manager.sliceWidget("Yellow")
        yellow.mrmlSliceNode().SetOrientation("Sagittal")  # at right angles to the case's coronal slices
        yellow.sliceLogic().FitSliceToBackground()
        view = yellow.sliceView()
        live = picture(recon, "TemporalRecon-live", view)
        engine.is_sending = False
        wait_until(lambda: "Stalled" in recon.ui.stateLabel.text)
        stale = picture(recon, "TemporalRecon-stale", view)
    right = slice(PANEL_WIDTH, None)
    assert np.ptp(live[:, right].astype(int), axis=-1).mean() < np.ptp(stale[:, right].astype(int), axis=-1).mean()
