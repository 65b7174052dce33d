"""A picture that is not live looks so: pixels of a real slice view."""

from __future__ import annotations

import types

import numpy as np
import pytest
import slicer
from guidance_case import guidance_case
from InstrumentTrackerLib.scene.mrml_offscreen import OffscreenSlicer
from InstrumentTrackerLib.scene.mrml_views import SliceView
from TemporalReconLib.errors import InputError
from TemporalReconLib.scene.mrml_stale_mark import StaleMark
from TemporalReconLib.scene.mrml_volume import LiveVolume


@pytest.fixture(scope="module")
def host():
    try:
        return OffscreenSlicer()
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def view(host):
    return SliceView(host, "Red", "Sagittal", (480, 360))


@pytest.fixture
def desktop(view, monkeypatch):
    """The parts of the layout manager that the mark asks for, over a real slice view."""
    slice_view = types.SimpleNamespace(renderWindow=lambda: view.window, scheduleRender=lambda: None)
    widget = types.SimpleNamespace(
        sliceView=lambda: slice_view, mrmlSliceCompositeNode=view.logic.GetSliceCompositeNode
    )
    manager = types.SimpleNamespace(sliceViewNames=lambda: ("Red",), sliceWidget=lambda name: widget)
    monkeypatch.setattr(slicer, "app", types.SimpleNamespace(layoutManager=lambda: manager), raising=False)


def rendered(view) -> np.ndarray:
    view.render()
    return view.pixels().astype(int)


def colorfulness(pixels: np.ndarray) -> float:
    """Mean spread of red, green and blue where the picture is not dark: 0 for a gray one."""
    middle = pixels[60:300]
    return float(np.ptp(middle[middle.max(axis=-1) > 60], axis=-1).mean())


def test_a_stale_picture_is_tinted_and_labelled_and_a_live_one_is_as_before(host, view, desktop):
    node = LiveVolume(host.scene).update(guidance_case().image)
    view.show(node)
    live = rendered(view)
    assert colorfulness(live) < 1.0
    n_nodes, mark = host.scene.GetNumberOfNodes(), StaleMark()
    window_level = (node.GetDisplayNode().GetWindow(), node.GetDisplayNode().GetLevel())
    mark.show(node, "NOT LIVE  3.2 s old")
    stale = rendered(view)
    assert colorfulness(stale) > 20.0
    changed = np.any(stale[4:40, 120:360] != live[4:40, 120:360], axis=-1)
    assert changed.mean() > 0.2, "a label stands at the top"
    mark.show(node, "NOT LIVE  9.9 s old")
    assert np.any(rendered(view)[4:40] != stale[4:40]), "and its age grows"
    mark.hide()
    np.testing.assert_array_equal(rendered(view), live)
    assert host.scene.GetNumberOfNodes() == n_nodes
    assert (node.GetDisplayNode().GetWindow(), node.GetDisplayNode().GetLevel()) == window_level


def test_the_users_color_table_comes_back(host, view, desktop):
    node = LiveVolume(host.scene).update(guidance_case().image)
    node.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeInvertedGrey")
    mark = StaleMark()
    mark.show(node, "NOT LIVE")
    mark.show(node, "NOT LIVE")
    mark.hide()
    assert node.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeInvertedGrey"


def test_a_view_that_shows_something_else_is_not_labelled(host, view, desktop):
    node = LiveVolume(host.scene).update(guidance_case().image)
    view.logic.GetSliceCompositeNode().SetBackgroundVolumeID(None)
    before = rendered(view)
    mark = StaleMark()
    mark.show(node, "NOT LIVE")
    np.testing.assert_array_equal(rendered(view), before)
    mark.hide()


def test_a_paused_picture_is_labelled_but_not_tinted(host, view, desktop):
    node = LiveVolume(host.scene).update(guidance_case().image)
    view.show(node)
    live, mark = rendered(view), StaleMark()
    mark.show(node, "NOT LIVE")
    mark.show(node, "PAUSED", is_tinted=False)
    paused = rendered(view)
    assert colorfulness(paused) < 1.0
    assert np.any(paused[4:40] != live[4:40])
    mark.hide()
    np.testing.assert_array_equal(rendered(view), live)
