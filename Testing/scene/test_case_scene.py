"""Cores in the scene: where they were taken, and the whole case in the scene file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.scene.mrml_case_picture import png_bytes, side_by_side, window_pixels
from InstrumentTrackerLib.scene.mrml_case_scene import EVENTS_ATTRIBUTE, CaseScene, case_of_scene
from InstrumentTrackerLib.scene.mrml_offscreen import OffscreenSlicer
from TemporalReconLib.errors import InputError
from TemporalReconLib.scene.mrml_save import save_scene
from vtk.util.numpy_support import vtk_to_numpy

sys.path.append(str(Path(__file__).parents[1] / "core" / "case_log"))

from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from marked_cores import NOON, core


@pytest.fixture
def host() -> OffscreenSlicer:
    try:
        return OffscreenSlicer()
    except InputError as error:
        pytest.skip(str(error))


def points_of(node) -> list[list[float]]:
    points = []
    for index in range(node.GetNumberOfControlPoints()):
        point = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, point)
        points.append(point)
    return points


def a_case(folder: Path) -> CaseLog:
    log = CaseLog(folder, 'case "A" <1>')
    log.append(core(1), b"picture")
    log.append(core(2, has_fired=True, target_name="right mid; base"))
    log.append(core(3, state=TrackingState.LOST))
    log.edit_note(2, 'he said "no\ttabs"', NOON)
    assert log.wait(5.0)
    return log


def test_each_core_is_a_locked_line_from_begin_to_end_and_a_point_at_its_tip(tmp_path: Path) -> None:
    scene = slicer.vtkMRMLScene()
    shown = CaseScene(scene)
    shown.show(a_case(tmp_path))
    fired = scene.GetFirstNodeByName("Core 2 (right mid; base)")
    assert points_of(fired) == [[0.0, 0.0, -22.0], [0.0, 0.0, -4.0]]
    tip = scene.GetFirstNodeByName("Core 2 (right mid; base) tip")
    assert points_of(tip) == [[0.0, 0.0, 0.0]]
    assert tip.GetNthControlPointLabel(0) == "2"
    assert fired.GetLocked()
    assert tip.GetLocked()
    assert scene.GetFirstNodeByName("Core 3 (left apex)") is None, "nothing was measured"


def test_a_removed_core_leaves_nothing_behind_and_the_others_stay(tmp_path: Path) -> None:
    scene = slicer.vtkMRMLScene()
    shown, log = CaseScene(scene), a_case(tmp_path)
    first = scene.GetNumberOfNodes()
    shown.show(log)
    kept = shown.line(1)
    count = scene.GetNumberOfNodes()
    log.remove(2, "no tissue", NOON)
    shown.show(log)
    assert scene.GetFirstNodeByName("Core 2 (right mid; base)") is None
    assert shown.line(1) is kept
    assert scene.GetNumberOfNodes() == count - 4, "two markups with a display each"
    shown.remove()
    assert shown.table is None
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0
    assert first <= scene.GetNumberOfNodes()


def test_showing_again_changes_nothing_and_a_deleted_node_comes_back(tmp_path: Path) -> None:
    scene = slicer.vtkMRMLScene()
    shown, log = CaseScene(scene), a_case(tmp_path)
    shown.show(log)
    changes = scene.GetNodes().GetMTime()
    shown.show(log)
    assert scene.GetNodes().GetMTime() == changes
    scene.RemoveNode(shown.line(1))
    shown.show(log)
    assert points_of(shown.line(1)) == [[0.0, 0.0, 0.0], [0.0, 0.0, 18.0]]


def test_the_table_reads_as_the_csv(tmp_path: Path) -> None:
    scene = slicer.vtkMRMLScene()
    shown = CaseScene(scene)
    shown.show(a_case(tmp_path))
    table = shown.table.GetTable()
    column = {table.GetColumnName(i): table.GetColumn(i) for i in range(table.GetNumberOfColumns())}
    assert [column["distance_mm"].GetValue(row) for row in range(3)] == ["13.000", "13.000", ""]
    assert column["target"].GetValue(1) == "right mid; base"


@pytest.mark.parametrize("kind", ["folder", "elsewhere"])
def test_a_saved_scene_brings_the_whole_case_back(host: OffscreenSlicer, tmp_path: Path, kind: str) -> None:
    log = a_case(tmp_path / "cases")
    CaseScene(host.scene).show(log)
    path = save_scene(host.scene, tmp_path / "scene")
    if kind == "elsewhere":
        (tmp_path / "cases").rename(tmp_path / "gone")
    other = OffscreenSlicer()
    other.scene.SetURL(str(path))
    assert other.scene.Connect()
    found = case_of_scene(other.scene, tmp_path / "new")
    assert found is not None
    assert found.name == log.name
    assert found.records == log.records
    assert found.events == log.events
    assert found.wait(5.0)
    if kind == "folder":
        assert found.folder == log.folder
        assert found.picture(found.records[0]) == b"picture"
    else:
        assert found.folder.parent == tmp_path / "new"
        assert CaseLog.open(found.folder).records == log.records
    count = other.scene.GetNumberOfNodes()
    shown = CaseScene(other.scene)
    shown.show(found)
    assert other.scene.GetNumberOfNodes() == count, "the nodes of the file are used, not doubled"
    np.testing.assert_allclose(points_of(shown.line(2)), [[0, 0, -22], [0, 0, -4]], atol=1e-6)


def test_a_scene_without_cores_holds_no_case_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    scene = slicer.vtkMRMLScene()
    assert case_of_scene(scene, tmp_path) is None
    shown = CaseScene(scene)
    shown.show(a_case(tmp_path / "cases"))
    shown.table.SetAttribute(EVENTS_ATTRIBUTE, "[{")
    with pytest.raises(InputError, match="table of cores is damaged"):
        case_of_scene(scene, tmp_path)


def test_views_are_put_side_by_side_at_one_height(host: OffscreenSlicer) -> None:
    """A red and a blue window of different sizes."""
    pictures = []
    for size, color in (((200, 100), (1, 0, 0)), ((100, 100), (0, 0, 1))):
        renderer, window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
        renderer.SetBackground(*color)
        window.SetOffScreenRendering(1)
        window.AddRenderer(renderer)
        window.SetSize(*size)
        pictures.append(window_pixels(window))
    both = side_by_side(pictures)
    assert both.shape == (480, 960 + 480, 3)
    assert both[240, 100].tolist() == [255, 0, 0]
    assert both[240, 1300].tolist() == [0, 0, 255]


def test_a_picture_survives_as_png(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 20, 3), dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(png_bytes(pixels))
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(tmp_path / "a.png"))
    reader.Update()
    read = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(12, 20, 3)[::-1]
    np.testing.assert_array_equal(read, pixels)
