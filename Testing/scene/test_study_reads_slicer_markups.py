"""Points that Slicer itself saved mean the same place to the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.cases.markups_file import read_markups

slicer = pytest.importorskip("slicer")

GUIDE, SHAFT, NEEDLE = (-12.5, 33.25, 7.75), (-10.0, -50.0, -60.0), (-13.0, 48.0, 21.5)


@pytest.fixture
def markups():
    """A list of points in a scene."""
    scene = slicer.vtkMRMLScene()
    yield scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "tips")
    scene.Clear(True)


@pytest.mark.parametrize("use_lps", [True, False])
def test_slicers_own_points_are_read_in_ras(markups, tmp_path: Path, use_lps: bool) -> None:
    for label, point in (("Guide tip", GUIDE), ("shaft", SHAFT), ("needle", NEEDLE)):
        markups.AddControlPoint(point, label)
    markups.SetNthControlPointDescription(2, "frame 3")
    path = tmp_path / "tips.mrk.json"
    storage = markups.GetScene().AddNode(slicer.vtkMRMLMarkupsJsonStorageNode())
    storage.SetCoordinateSystem(1 if use_lps else 0)
    storage.SetFileName(str(path))
    assert storage.WriteData(markups) == 1
    assert ('"LPS"' if use_lps else '"RAS"') in path.read_text(encoding="utf-8")

    found = read_markups(path)
    np.testing.assert_allclose(found[None].guide, GUIDE, atol=1e-6)
    np.testing.assert_allclose(found[None].shaft, SHAFT, atol=1e-6)
    np.testing.assert_allclose(found[3].needle, NEEDLE, atol=1e-6)


def test_a_point_that_was_never_placed_is_not_there(markups, tmp_path: Path) -> None:
    markups.AddControlPoint(GUIDE, "guide")
    markups.UnsetNthControlPointPosition(0)
    storage = markups.GetScene().AddNode(slicer.vtkMRMLMarkupsJsonStorageNode())
    storage.SetFileName(str(tmp_path / "tips.mrk.json"))
    assert storage.WriteData(markups) == 1
    assert read_markups(tmp_path / "tips.mrk.json")[None].guide is None
