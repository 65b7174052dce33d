"""Targets keep ids of their own, whatever file their list comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("slicer", reason="needs slicer-core (pip install -e '.[scene,test]')")

import slicer
import vtk
from InstrumentTrackerLib.scene.mrml_target_list import TargetList

SAMPLE_DATA = Path(__file__).parents[2] / "TemporalRecon" / "Resources" / "SampleData"


def loaded_list(path: Path, ids: list[str]) -> Any:
    """A point list as Slicer reads it from a file that does not say which numbers were used."""
    points = [{"id": point_id, "position": [float(index), 0.0, 0.0]} for index, point_id in enumerate(ids)]
    markups = {"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}
    schema = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    content = {"@schema": f"{schema}markups-schema-v1.0.3.json#", "markups": [markups]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return as_slicer_reads(path)


def as_slicer_reads(path: Path) -> Any:
    scene = slicer.vtkMRMLScene()
    slicer.vtkSlicerMarkupsLogic().SetMRMLScene(scene)  # registers the classes
    storage = scene.AddNewNodeByClass("vtkMRMLMarkupsJsonStorageNode")
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    node._scene = scene  # a node does not keep its scene
    return node


@pytest.mark.parametrize("role", ["Target", "Entry"])
def test_a_point_placed_beside_the_one_of_the_sample_case_has_an_id_of_its_own_by_slicer_alone(role: str) -> None:
    node = as_slicer_reads(SAMPLE_DATA / f"InBoreBiopsySimulated-{role}.mrk.json")
    node.AddControlPoint([4.0, 5.0, 6.0])
    assert [node.GetNthControlPointID(n) for n in range(2)] == ["1", "2"]


@pytest.mark.parametrize("ids", [["1"], ["1", "7"], ["1", "1", "2"]])
def test_a_point_placed_into_a_loaded_list_has_an_id_of_its_own(tmp_path: Path, ids: list[str]) -> None:
    targets = TargetList(loaded_list(tmp_path / "targets.mrk.json", ids))
    targets.node.AddControlPointWorld(vtk.vtkVector3d(4.0, 5.0, 6.0))
    assert len(set(targets.ids)) == len(ids) + 1
    assert targets.position(targets.ids[-1]).tolist() == [4.0, 5.0, 6.0]
