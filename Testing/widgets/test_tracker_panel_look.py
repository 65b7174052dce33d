"""Pictures of the Instrument Tracker panel beside the views it fills: what a clinician sees in each state.

With ``PANEL_PICTURES=folder`` the pictures are kept there to be looked at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from case_engine import HOST, CaseEngine
from InstrumentTrackerLib.scene.mrml_layout import (
    IN_PLANE_VIEW,
    LAYOUT_ID,
    PERPENDICULAR_VIEW,
    READOUT_VIEW,
    THREE_D_VIEW,
    show_guidance_layout,
)
from InstrumentTrackerLib.scene.mrml_target_list import TargetList, new_target_list
from InstrumentTrackerLib.scene.mrml_views import save_png
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from PySide6 import QtGui, QtWidgets
from test_panels_look import cut_off
from test_recon_panel_look import dark_theme  # noqa: F401  (a fixture)

PANEL_WIDTH = 440

Look = Callable[[str], np.ndarray]


@pytest.fixture
def engine(port: int) -> Iterator[CaseEngine]:
    with CaseEngine(port) as running:
        yield running


@pytest.fixture
def joined(tracker: Any, engine: CaseEngine, wait_until: Any, port: int) -> Any:
    """The panel with two targets, showing pictures of the engine."""
    targets = TargetList(new_target_list(slicer.mrmlScene))
    case = engine.case
    side = case.target - case.tracked.needle_tip
    side -= (side @ case.tracked.axis) * case.tracked.axis
    on_the_line = case.target - 0.8 * side
    targets.add([Target(on_the_line, name="left apex", radius_mm=4.0), Target(case.target, name="left base")])
    tracker.ui.targetSelector.setCurrentNode(targets.node)
    tracker.ui.hostLineEdit.text, tracker.ui.portSpinBox.value = HOST, port
    show_guidance_layout(slicer.mrmlScene)
    tracker.onStart()
    fold(tracker, "coreLog")
    wait_until(lambda: "TRACKED" in tracker.ui.statusLabel.text)
    return tracker


@pytest.fixture
def look(tracker: Any, app: Any, tmp_path: Path) -> Iterator[Look]:
    """Take a picture of the panel beside the views, keep it as PNG, and return the panel's pixels."""
    manager = slicer.app.layoutManager()
    before = manager.layout

    def take(name: str) -> np.ndarray:
        panel = tracker.parent
        panel.show()
        layout = QtWidgets.QWidget.layout(panel)
        for turn in range(50):
            height = layout.totalHeightForWidth(PANEL_WIDTH)
            if turn >= 8 and height == QtWidgets.QWidget.height(panel) and cut_off(tracker) == []:
                break  # no word changed since the last turn, and the longer ones have wrapped
            panel.resize(PANEL_WIDTH, height)
            app.processEvents()
            time.sleep(0.02)
        assert cut_off(tracker) == []
        image = panel.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
        save(beside(pixels, views(manager)), name)
        return pixels

    def save(whole: np.ndarray, name: str) -> None:
        folder = Path(os.environ.get("PANEL_PICTURES", tmp_path))
        folder.mkdir(parents=True, exist_ok=True)
        save_png(whole, folder / f"Tracker-{name}.png")

    yield take
    manager.setLayout(before)


def views(manager: Any) -> np.ndarray:
    """In-plane, perpendicular, 3D and readout as they are drawn now, uint8 (row, col, 3)."""
    if manager.layout != LAYOUT_ID:
        show_guidance_layout(slicer.mrmlScene)
    slices = [manager.sliceWidget(name).sliceView() for name in (IN_PLANE_VIEW, PERPENDICULAR_VIEW)]
    others = [manager.threeDWidget(name).threeDView() for name in (THREE_D_VIEW, READOUT_VIEW)]
    tiles = []
    for view in (*slices, *others):
        view.forceRender()
        tiles.append(view._view.pixels())
    return np.concatenate([np.concatenate(tiles[:2], axis=1), np.concatenate(tiles[2:], axis=1)])


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    whole = np.zeros((max(len(left), len(right)), left.shape[1] + right.shape[1], 3), np.uint8)
    whole[: len(left), : left.shape[1]] = left
    whole[: len(right), left.shape[1] :] = right
    return whole


def fold(tracker: Any, *names: str) -> None:
    for name in names:
        getattr(tracker.ui, f"{name}CollapsibleButton").collapsed = True


def label_pixels(tracker: Any, pixels: np.ndarray, label: Any) -> np.ndarray:
    corner = label.mapTo(tracker.parent, label.rect.topLeft())
    return pixels[corner.y() : corner.y() + label.height, corner.x() : corner.x() + label.width]


def test_an_idle_panel(tracker: Any, look: Look) -> None:
    fold(tracker, "coreLog")
    look("idle")


def test_a_hit_is_a_green_band_with_a_large_word(joined: Any, look: Look, wait_until: Any) -> None:
    wait_until(lambda: "CORE WOULD HIT" in joined.ui.verdictLabel.text)
    pixels = look("hit")
    band = label_pixels(joined, pixels, joined.ui.verdictLabel)
    assert np.median(band[..., 1]) > 150 > np.median(band[..., 0])
    number = label_pixels(joined, pixels, joined.ui.distanceLabel)
    assert np.ptp(np.flatnonzero((number.min(axis=2) > 200).any(axis=1))) >= 36, "readable across the room"
    assert np.median(number) < 40


def test_the_3d_view_shows_the_guide_and_the_readout_shows_nothing_but_itself(joined: Any, wait_until: Any) -> None:
    """Slicer draws the scene and its labels into every 3D view, the one of the readout, too."""
    wait_until(lambda: "CORE WOULD HIT" in joined.ui.verdictLabel.text)
    guide_blue = np.array([86, 180, 233])
    whole = views(slicer.app.layoutManager())
    rows, columns = whole.shape[0] // 2, whole.shape[1] // 2
    is_blue = np.abs(whole.astype(int) - guide_blue).max(axis=2) < 30
    assert is_blue[rows:, :columns].sum() > 200
    assert is_blue[rows:, columns:].sum() == 0


def test_a_miss_after_another_target_was_chosen(joined: Any, look: Look, wait_until: Any) -> None:
    joined.ui.currentTargetComboBox.currentIndex = 1
    wait_until(lambda: "CORE WOULD MISS" in joined.ui.verdictLabel.text)
    pixels = look("miss")
    band = label_pixels(joined, pixels, joined.ui.verdictLabel)
    assert np.median(band[..., 0]) > 150 > np.median(band[..., 2])


def test_predicted_numbers_look_different(joined: Any, engine: CaseEngine, look: Look, wait_until: Any) -> None:
    engine.show(TrackingState.PREDICTED)
    wait_until(lambda: "PREDICTED" in joined.ui.statusLabel.text)
    number = label_pixels(joined, look("predicted"), joined.ui.distanceLabel).astype(int)
    assert ((number[..., 0] - number[..., 2]) > 100).sum() > 300, "yellow, not white"
    assert joined.ui.distanceLabel.text.startswith("~")


def test_a_fired_needle_with_corrected_tip(joined: Any, engine: CaseEngine, look: Look, wait_until: Any) -> None:
    engine.show(advance_mm=14.0, has_fired=True, artifact_correction_mm=4.2)
    wait_until(lambda: "FIRED" in joined.ui.statusLabel.text)
    assert "Artifact correction 4.2 mm" in joined.ui.warningLabel.text
    look("fired")


def test_an_unknown_position_through_the_plane_is_said_and_drawn(
    joined: Any, engine: CaseEngine, look: Look, wait_until: Any
) -> None:
    case = engine.case
    normal = case.image.ijk_to_ras[:3, 2] / np.linalg.norm(case.image.ijk_to_ras[:3, 2])
    engine.show(tip_covariance=case.tracked.tip_covariance + 1e6 * np.outer(normal, normal))
    wait_until(lambda: "NOT KNOWN" in joined.ui.warningLabel.text)
    assert "CORE MAY HIT" in joined.ui.verdictLabel.text
    look("through-plane-unknown")


def test_a_lost_instrument(joined: Any, engine: CaseEngine, look: Look, wait_until: Any) -> None:
    engine.show(TrackingState.LOST)
    wait_until(lambda: "LOST" in joined.ui.statusLabel.text)
    number = label_pixels(joined, look("lost"), joined.ui.distanceLabel)
    assert (number.min(axis=2) > 200).sum() < 700, "only a dash where the number was"


def test_a_stale_picture(joined: Any, engine: CaseEngine, look: Look, wait_until: Any) -> None:
    engine.is_sending = False
    wait_until(lambda: "STALE" in joined.ui.statusLabel.text)
    number = label_pixels(joined, look("stale"), joined.ui.distanceLabel)
    assert (number.min(axis=2) > 200).sum() < 700, "only a dash where the number was"


def test_an_engine_that_fails(tracker: Any, look: Look, use_small_engine: Any, wait_until: Any) -> None:
    use_small_engine(tracker, "refuse")
    tracker.onStart()
    wait_until(lambda: "Failed" in tracker.ui.stateLabel.text, 60.0)
    fold(tracker, "plan", "display", "coreLog")
    look("error")


@pytest.mark.usefixtures("dark_theme")
def test_a_dark_theme(joined: Any, look: Look, wait_until: Any) -> None:
    wait_until(lambda: "CORE WOULD HIT" in joined.ui.verdictLabel.text)
    look("dark")
