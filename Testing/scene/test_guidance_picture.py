"""What is really drawn: pixels of Slicer's own slice and 3D views."""

from __future__ import annotations

import ctypes
import time
from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from guidance_case import guidance_case, skip_on_a_busy_machine
from InstrumentTrackerLib.palette import NEEDLE_COLOR, TARGET_COLOR
from InstrumentTrackerLib.scene import mrml_offscreen
from InstrumentTrackerLib.scene.mrml_markups import NEEDLE_TIP
from InstrumentTrackerLib.scene.mrml_offscreen import OffscreenSlicer, check_offscreen_rendering
from InstrumentTrackerLib.scene.mrml_overlay import direction_letters
from InstrumentTrackerLib.scene.mrml_picture import GuidancePicture
from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene
from InstrumentTrackerLib.scene.mrml_style import STATUS_STYLES, DisplayStatus
from InstrumentTrackerLib.scene.mrml_views import OffscreenView, SliceView
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from TemporalReconLib.errors import InputError
from vtk.util.numpy_support import vtk_to_numpy


@pytest.fixture(scope="module")
def host():
    try:
        return OffscreenSlicer()
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture
def guidance(host):
    display = GuidanceScene(host.scene)
    yield display
    display.remove()


@pytest.fixture(scope="module")
def a_slice_view(host):
    return SliceView(host, "Test", "Coronal", (480, 360))


@pytest.fixture(scope="module")
def guidance_of_views(host):
    return GuidanceScene(host.scene)


@pytest.fixture(scope="module")
def views(host, guidance_of_views):
    return GuidancePicture(host, guidance_of_views, size=(640, 480))


def has_color(pixels, color, tolerance=24) -> np.ndarray:
    """(row, col) True where a pixel has about this color."""
    return np.all(np.abs(pixels.astype(int) - np.round(255 * np.array(color)).astype(int)) <= tolerance, axis=-1)


def show_slice(view, guidance, case, mask=None):
    guidance.update(case.image, mask, case.tracked, None, 0.1)
    view.show(guidance.volume.node)
    guidance.follow(view.node, slicer.vtkMRMLSliceNode(), case.tracked)
    view.set_height_mm(120.0)
    view.render()
    return view.pixels()


def test_the_needle_marker_is_drawn_at_the_pixel_where_the_tip_is(a_slice_view, guidance):
    for advance in (0.0, 15.0):
        case = guidance_case(advance_mm=advance)
        found = has_color(show_slice(a_slice_view, guidance, case), NEEDLE_COLOR)
        row, column = a_slice_view.pixel_of(case.tracked.needle_tip)
        arms = np.flatnonzero(found[row - 1 : row + 2, column - 20 : column + 21].any(axis=0)) - 20
        assert len(arms) >= 8, "the arms of the cross"
        assert abs(arms.min() + arms.max()) <= 2, "centred on the tip"


def test_pixel_of_is_where_slicer_shows_the_voxel(a_slice_view, guidance):
    """Independent of the matrices: one bright voxel is found by its brightness."""
    case = guidance_case()
    data = np.zeros_like(case.image.data)
    data[1, 120, 140] = 1.0
    show_slice(a_slice_view, guidance, replace(case, image=replace(case.image, data=data)))
    guidance.volume.node.GetDisplayNode().SetAutoWindowLevel(False)
    guidance.volume.node.GetDisplayNode().SetWindowLevel(0.5, 0.25)
    guidance.markups.show_pose(None)
    a_slice_view.render()
    ras = (case.image.ijk_to_ras @ [140.0, 120.0, 1.0, 1.0])[:3]
    bright = np.argwhere(a_slice_view.pixels()[:300].min(axis=-1) > 200)  # the ruler is below
    row, column = a_slice_view.pixel_of(ras)
    np.testing.assert_allclose(bright.mean(axis=0), [row, column], atol=1.5)


def test_the_outline_of_the_mask_moves_with_the_mask(a_slice_view, guidance):
    tops, expected = [], []
    for advance in (0.0, 15.0):
        case = guidance_case(advance_mm=advance)
        unmoved = guidance_case().tracked
        show_slice(a_slice_view, guidance, replace(case, tracked=unmoved), case.mask)
        guidance.markups.node(NEEDLE_TIP).GetDisplayNode().SetVisibility(False)
        a_slice_view.render()
        found = has_color(a_slice_view.pixels(), NEEDLE_COLOR)
        tops.append(np.flatnonzero(found.sum(axis=1) >= 2).min())
        expected.append(a_slice_view.pixel_of(case.tracked.needle_tip)[0])
    assert expected[0] - expected[1] > 40
    np.testing.assert_allclose(tops, expected, atol=5)


@pytest.mark.parametrize("state", [TrackingState.LOST, TrackingState.ABSENT])
def test_no_needle_colored_pixel_is_left_when_the_needle_is_not_found(a_slice_view, guidance, state):
    case = guidance_case()
    assert has_color(show_slice(a_slice_view, guidance, case, case.mask), NEEDLE_COLOR).sum() > 50
    gone = guidance_case(1, state=state)
    assert has_color(show_slice(a_slice_view, guidance, gone, gone.mask), NEEDLE_COLOR).sum() == 0


def test_a_target_off_the_plane_stays_in_sight_but_fainter(a_slice_view, guidance):
    case = guidance_case()
    normal = case.image.ijk_to_ras[:3, 2] / np.linalg.norm(case.image.ijk_to_ras[:3, 2])
    solid, pinkness = [], []
    for offset in (0.0, 20.0):
        target = case.target + offset * normal
        guidance.set_target(target)
        pixels = show_slice(a_slice_view, guidance, case)
        row, column = a_slice_view.pixel_of(target)
        around = pixels[row - 22 : row + 23, column - 22 : column + 23].astype(int)
        solid.append(int(has_color(around, TARGET_COLOR, tolerance=8).sum()))
        pinkness.append(int((around[..., 0] - around[..., 1]).max()))
    assert solid[0] > 60
    assert solid[1] == 0
    assert pinkness[1] > 0.4 * pinkness[0]


def test_a_target_far_outside_the_picture_is_no_obstacle(a_slice_view, guidance):
    case = guidance_case()
    guidance.set_target(case.target + np.array([500.0, 0.0, 800.0]))
    assert show_slice(a_slice_view, guidance, case).any()


def test_the_whole_picture_warns_with_frame_badge_and_word(views, guidance_of_views):
    pictures = {}
    for status, state, age in (
        (DisplayStatus.TRACKED, TrackingState.TRACKED, 0.1),
        (DisplayStatus.LOST, TrackingState.LOST, 0.1),
        (DisplayStatus.STALE, TrackingState.TRACKED, 4.0),
    ):
        case = guidance_case(state=state)
        guidance_of_views.set_target(case.target)
        readout = guidance_of_views.update(case.image, case.mask, case.tracked, case.assessment, age)
        assert readout.status is status
        pictures[status] = views.render(case.tracked)
        assert pictures[status].shape == (480, 640, 3)
    warning = STATUS_STYLES[DisplayStatus.LOST].color
    for edge in ((1, 300), (200, 1), (239, 150), (300, 1)):
        assert not has_color(pictures[DisplayStatus.TRACKED], warning)[edge]
        assert has_color(pictures[DisplayStatus.LOST], warning)[edge]
        assert has_color(pictures[DisplayStatus.STALE], warning)[edge]
    badge = np.s_[6:30, 6:30]
    cross, triangle = (has_color(pictures[s][badge], warning) for s in (DisplayStatus.LOST, DisplayStatus.STALE))
    assert min(cross.sum(), triangle.sum()) > 30
    assert (cross != triangle).sum() > 30, "the badges differ in shape, not in color"


def test_the_picture_goes_on_after_the_scene_was_closed(host, views, guidance_of_views):
    case = guidance_case()
    guidance_of_views.update(case.image, case.mask, case.tracked, None, 0.1)
    views.render(case.tracked)
    host.scene.Clear(0)
    after = guidance_case(1, advance_mm=6.0)
    guidance_of_views.update(after.image, after.mask, after.tracked, None, 0.1)
    pixels = views.render(after.tracked)
    row, column = views.in_plane.pixel_of(after.tracked.needle_tip)
    assert abs(row - 120) < 4 and abs(column - 160) < 4, "the tip is in the middle of the view"
    assert has_color(pixels[row - 12 : row + 13, column - 12 : column + 13], NEEDLE_COLOR).sum() > 5
    three_d = pixels[240:, :320]
    assert has_color(three_d, NEEDLE_COLOR, 60).sum() > 5


def test_the_needle_rod_is_seen_in_3d_while_it_is_tracked(views, guidance_of_views):
    case = guidance_case()
    guidance_of_views.update(case.image, case.mask, case.tracked, None, 0.1)
    views.render(case.tracked)
    assert has_color(views.three_d.pixels(), NEEDLE_COLOR, 60).sum() > 20
    gone = guidance_case(state=TrackingState.ABSENT)
    guidance_of_views.update(gone.image, None, gone.tracked, None, 0.1)
    views.render(gone.tracked)
    assert has_color(views.three_d.pixels(), NEEDLE_COLOR, 60).sum() == 0


def test_update_and_slice_render_keep_up_with_ten_pictures_per_second(a_slice_view, guidance):
    skip_on_a_busy_machine()
    cases = [guidance_case(index, advance_mm=index) for index in range(5)]
    guidance.set_target(cases[0].target)
    updates, renders = [], []
    for case in cases * 4:
        start = time.thread_time()
        guidance.update(case.image, case.mask, case.tracked, case.assessment, 0.1)
        updates.append(time.thread_time() - start)
        start = time.thread_time()
        a_slice_view.render()
        renders.append(time.thread_time() - start)
    # The quickest of them: what it costs where nothing else keeps the machine busy.
    assert min(updates) + min(renders) < 0.100


def test_direction_letters_name_the_side_of_the_patient():
    assert direction_letters([1, 0, 0]) == "R"
    assert direction_letters([0, -1, 0.1]) == "P"
    assert direction_letters([0, 0.5, -0.8]) == "IA"


def test_a_png_holds_the_pixels_that_were_rendered(tmp_path):
    view = OffscreenView((40, 20))
    view.renderer.SetBackground(1.0, 0.5, 0.0)
    view.png(tmp_path / "view.png")
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(tmp_path / "view.png"))
    reader.Update()
    assert reader.GetOutput().GetDimensions() == (40, 20, 1)
    assert vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars())[0].tolist() == [255, 128, 0]


def test_without_egl_one_line_names_the_packages_to_install(monkeypatch):
    def no_library(name):
        raise OSError(name)

    monkeypatch.setattr(mrml_offscreen.sys, "platform", "linux")
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    with pytest.raises(InputError) as refused:
        check_offscreen_rendering()
    message = str(refused.value)
    assert "\n" not in message
    for package in ("libegl1", "libegl-mesa0", "libgl1-mesa-dri"):
        assert package in message


def test_egl_without_a_driver_is_told_from_missing_egl(monkeypatch):
    monkeypatch.setattr(mrml_offscreen.sys, "platform", "linux")
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    monkeypatch.setattr(mrml_offscreen, "_an_egl_device_starts", lambda egl: False)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    with pytest.raises(InputError, match="no EGL device starts"):
        check_offscreen_rendering()
