"""The section Display: guidance layout, views that follow, readout over the views; what is heard; what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import slicer
from case_engine import HOST, CaseEngine, skip_on_a_busy_machine
from InstrumentTrackerLib.scene.mrml_layout import (
    IN_PLANE_VIEW,
    LAYOUT_ID,
    PERPENDICULAR_VIEW,
    READOUT_VIEW,
    slice_node,
)
from InstrumentTrackerLib.scene.mrml_target_list import TargetList, new_target_list
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from TemporalReconLib.scene.mrml_nodes import numpy_matrix

# Set in the process that measures what an update costs.
ALONE = "INBOREGUIDANCE_ALONE"


@pytest.fixture
def engine(port: int) -> Iterator[CaseEngine]:
    with CaseEngine(port) as running:
        yield running


@pytest.fixture
def joined(tracker: Any, engine: CaseEngine, wait_until: Any, port: int) -> Any:
    """The panel with a target, showing pictures of the engine."""
    targets = TargetList(new_target_list(slicer.mrmlScene))
    targets.add([Target(engine.case.target, radius_mm=8.0)])
    tracker.ui.targetSelector.setCurrentNode(targets.node)
    tracker.ui.hostLineEdit.text, tracker.ui.portSpinBox.value = HOST, port
    tracker.onStart()
    wait_until(lambda: "TRACKED" in tracker.ui.statusLabel.text)
    return tracker


@pytest.fixture
def layout_before() -> Iterator[None]:
    """Leaves the views as they were."""
    manager = slicer.app.layoutManager()
    before = manager.layout
    yield
    manager.setLayout(before)


def frames(widget: Any, wait_until: Any, n: int = 3) -> None:
    """Wait for some more pictures."""
    link = widget.logic.session.link
    goal = link.count("RECON") + n
    wait_until(lambda: link.count("RECON") >= goal)


def center(name: str) -> np.ndarray:
    return numpy_matrix(slice_node(slicer.mrmlScene, name).GetSliceToRAS())[:3, 3]


def actors(view: Any) -> int:
    return int(view.renderWindow().GetRenderers().GetFirstRenderer().GetViewProps().GetNumberOfItems())


def layers(view: Any) -> int:
    return int(view.renderWindow().GetRenderers().GetNumberOfItems())


@pytest.mark.usefixtures("layout_before")
def test_the_guidance_layout_has_four_views_and_goes_back_to_the_one_before(tracker: Any) -> None:
    manager = slicer.app.layoutManager()
    before = manager.layout
    tracker.ui.layoutButton.click()
    assert manager.layout == LAYOUT_ID
    assert set(manager.sliceViewNames()) == {IN_PLANE_VIEW, PERPENDICULAR_VIEW}
    assert manager.threeDViewCount == 2
    assert manager.threeDWidget(READOUT_VIEW) is not None
    assert tracker.ui.layoutButton.checked
    tracker.ui.layoutButton.click()
    assert manager.layout == before
    assert not tracker.ui.layoutButton.checked


@pytest.mark.usefixtures("layout_before")
def test_views_follow_the_tip_until_they_are_held(joined: Any, engine: CaseEngine, wait_until: Any) -> None:
    joined.ui.layoutButton.click()
    wait_until(lambda: np.allclose(center(IN_PLANE_VIEW), engine.case.tracked.tip, atol=8.0))
    axis = engine.case.tracked.axis
    for name in (IN_PLANE_VIEW, PERPENDICULAR_VIEW):
        normal = numpy_matrix(slice_node(slicer.mrmlScene, name).GetSliceToRAS())[:3, 2]
        assert abs(float(normal @ axis)) < np.sin(np.radians(1.6)), "the axis lies in the plane"
        composite = slicer.app.layoutManager().sliceWidget(name).mrmlSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() is not None
    joined.displaySection.onShortcut()
    assert joined.ui.holdButton.text == "Resume views"
    names = (IN_PLANE_VIEW, PERPENDICULAR_VIEW)
    held = [center(name) for name in names]
    engine.show(advance_mm=20.0)
    frames(joined, wait_until)
    np.testing.assert_array_equal([center(name) for name in names], held)
    joined.ui.holdButton.click()
    assert joined.ui.holdButton.text == "Hold views"
    for name, before in zip(names, held, strict=True):
        wait_until(lambda name=name, before=before: np.linalg.norm(center(name) - before) > 15.0)


@pytest.mark.usefixtures("layout_before")
def test_the_readout_covers_its_view_and_leaves_the_others_with_the_session(joined: Any, wait_until: Any) -> None:
    joined.ui.layoutButton.click()
    manager = slicer.app.layoutManager()
    frames(joined, wait_until)
    readout, in_plane = manager.threeDWidget(READOUT_VIEW).threeDView(), manager.sliceWidget(IN_PLANE_VIEW).sliceView()
    shown = layers(readout), actors(in_plane)
    readout.forceRender()
    pixels = readout._view.pixels()
    assert np.median(pixels) == 0, "black, whatever is in the scene"
    green = (pixels[..., 1] > 150) & (pixels[..., 0] < 60)
    assert green.sum() > 2000, "the band of the verdict"
    joined.ui.overlayCheckBox.checked = False
    frames(joined, wait_until)
    assert actors(in_plane) < shown[1]
    assert layers(readout) == shown[0]
    joined.ui.overlayCheckBox.checked = True
    frames(joined, wait_until)
    joined.onStop()
    assert actors(in_plane) < shown[1]
    assert layers(readout) == shown[0], "not the 3D view once more"
    joined.displaySection.cleanup()
    assert layers(readout) == shown[0] - 1
    assert joined.displaySection.overlays._overlays == {}


@pytest.mark.usefixtures("layout_before")
def test_without_a_session_the_view_of_the_readout_says_so_at_any_size(tracker: Any) -> None:
    tracker.ui.layoutButton.click()
    view = slicer.app.layoutManager().threeDWidget(READOUT_VIEW).threeDView()
    assert set(tracker.displaySection.overlays._overlays) == {READOUT_VIEW}
    view.forceRender()
    pixels = view._view.pixels()
    assert np.median(pixels) == 0 and (pixels.min(axis=-1) > 150).sum() > 1000, "a word on black"
    before = view._view.size
    try:
        view._view.size = (before[0] // 2, before[1] // 2)
        view.renderWindow().SetSize(*view._view.size)
        view.forceRender()
        half = view._view.pixels()
    finally:
        view._view.size = before
        view.renderWindow().SetSize(*before)
    difference = np.abs(half.astype(int) - pixels[::2, ::2]).max(axis=-1)
    assert (difference > 100).mean() < 0.04, "the same, half as large"


def test_switches_reach_the_scene_and_reset_restores_them(joined: Any, wait_until: Any) -> None:
    rod = slicer.mrmlScene.GetFirstNodeByName("Needle rod").GetDisplayNode()
    joined.ui.showNeedleCheckBox.checked = False
    joined.ui.showTrailCheckBox.checked = True
    wait_until(lambda: not rod.GetVisibility())
    assert slicer.mrmlScene.GetFirstNodeByName("Tip trail").GetDisplayNode().GetVisibility()
    joined.ui.holdButton.click()
    joined.ui.resetDisplayButton.click()
    wait_until(lambda: rod.GetVisibility())
    assert not joined.ui.showTrailCheckBox.checked
    assert not joined.logic.viewsAreHeld


def test_a_hit_that_begins_and_numbers_that_end_are_heard_differently(
    joined: Any, engine: CaseEngine, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from InstrumentTrackerLib.module import mrml_sound

    beeps: list[float] = []
    monkeypatch.setattr(mrml_sound, "beep", lambda: beeps.append(time.monotonic()))
    assert "CORE WOULD HIT" in joined.ui.verdictLabel.text
    engine.show(TrackingState.LOST)
    wait_until(lambda: "LOST" in joined.ui.statusLabel.text)
    frames(joined, wait_until, 8)
    assert beeps == [], "off by default"
    joined.ui.soundCheckBox.checked = True
    engine.show()
    wait_until(lambda: "TRACKED" in joined.ui.statusLabel.text)
    wait_until(lambda: len(beeps) == 1)
    frames(joined, wait_until, 8)
    assert len(beeps) == 1, "once, not with every picture"
    engine.show(TrackingState.LOST)
    wait_until(lambda: len(beeps) == 4)


def test_an_update_costs_little_in_a_fresh_desktop() -> None:
    """Views that other tests left in this process would cost as much again."""
    measured = f"{__file__}::test_an_update_costs_little_and_adds_no_node"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", measured]
    run = subprocess.run(command, env={**os.environ, ALONE: "1"}, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stdout
    if "SKIPPED" in run.stdout:
        pytest.skip(run.stdout.splitlines()[-2])


def test_an_update_costs_little_and_adds_no_node(joined: Any, engine: CaseEngine, wait_until: Any) -> None:
    if ALONE not in os.environ:
        pytest.skip("measured in a process of its own, by the test before")
    skip_on_a_busy_machine()
    joined.ui.showTrailCheckBox.checked = True
    frames(joined, wait_until, 5)
    joined._timer.stop()
    count = slicer.mrmlScene.GetNumberOfNodes()
    times, last = [], None
    while len(times) < 25:
        frame = joined.logic._feed.newest()
        if frame is last:
            time.sleep(0.005)
            continue
        last = frame
        start = time.thread_time()
        joined.onTimer()
        times.append(time.thread_time() - start)
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    # The quickest of them: what it costs where nothing else keeps the machine busy.
    assert min(times) < 0.030, f"{1e3 * min(times):.1f} ms"


def test_two_sessions_in_a_row_and_a_closed_scene_leave_nothing_behind(
    joined: Any, engine: CaseEngine, wait_until: Any
) -> None:
    scene = slicer.mrmlScene
    count = scene.GetNumberOfNodes()
    joined.onStop()
    joined.onStart()
    wait_until(lambda: "TRACKED" in joined.ui.statusLabel.text)
    assert scene.GetNumberOfNodes() == count
    scene.Clear(0)
    assert joined.displaySection.overlays._overlays == {}
    assert joined.ui.currentTargetComboBox.count == 0
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0
    for name in ("Lesion", "Tip uncertainty", "Tip trail", "Guidance readout", "Instrument", "TR Reconstruction"):
        assert scene.GetFirstNodeByName(name) is None, name
    joined.onStart()
    assert "Failed" not in joined.ui.stateLabel.text
