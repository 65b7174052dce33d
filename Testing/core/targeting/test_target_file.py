"""A plan from the files that Slicer and spreadsheets write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.__main__ import main
from InstrumentTrackerLib.targeting.target_file import is_target_file, read_target_file
from TemporalReconLib.errors import InputError


def markups(path: Path, points: list[tuple[str, list[float]]], system: str = "LPS", status: str = "defined") -> Path:
    entries = [{"label": label, "position": position, "positionStatus": status} for label, position in points]
    content = {"markups": [{"type": "Fiducial", "coordinateSystem": system, "controlPoints": entries}]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(("system", "flip"), [("LPS", -1.0), ("RAS", 1.0)])
def test_markups_become_targets_in_ras_with_the_entry_of_the_file(tmp_path: Path, system: str, flip: float) -> None:
    points = [("left apex", [12.0, 30.0, 5.0]), ("Entry", [0.0, -60.0, -50.0]), ("", [-8.0, 10.0, 2.0])]
    first, second = read_target_file(markups(tmp_path / "plan.mrk.json", points, system), radius_mm=4.0)
    assert (first.name, second.name, first.radius_mm) == ("left apex", "target 2", 4.0)
    np.testing.assert_allclose(first.position, [flip * 12.0, flip * 30.0, 5.0])
    for target in (first, second):
        np.testing.assert_allclose(target.entry, [0.0, flip * -60.0, -50.0])


def test_a_table_is_read_as_the_panel_reads_it(tmp_path: Path) -> None:
    table = tmp_path / "plan.csv"
    table.write_text("name,R,A,S\nleft,-12,30,5\n", encoding="utf-8")
    assert [target.name for target in read_target_file(table)] == ["left"]


def test_what_is_no_plan_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"empty\.mrk\.json: holds no placed target"):
        read_target_file(markups(tmp_path / "empty.mrk.json", [("a", [0.0, 0.0, 0.0])], status="undefined"))
    with pytest.raises(InputError, match="2 points are called 'entry'"):
        read_target_file(markups(tmp_path / "two.mrk.json", [("entry", [0.0, 0.0, 0.0]), ("entry", [1.0, 0.0, 0.0])]))
    with pytest.raises(InputError, match=r"controlPoints\[0\]'.*farther than 2 m"):
        read_target_file(markups(tmp_path / "far.mrk.json", [("a", [9000.0, 0.0, 0.0])]))
    with pytest.raises(InputError, match="cannot be read"):
        read_target_file(tmp_path / "gone.mrk.json")
    assert is_target_file("plan.MRK.JSON") and not is_target_file("left=-12,30,5")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "plan.csv", "--target", "1,2,3"], "a file holds a whole plan"),
        (["--target", "plan.csv", "--entry", "1,2,3"], "a file holds a whole plan"),
        (["--target", "plan.csv", "--target", "other.csv"], "a second file"),
    ],
)
def test_a_file_stands_alone_on_the_command_line(tmp_path: Path, capsys, words: list[str], said: str) -> None:
    (tmp_path / "in.nrrd").write_bytes(b"NRRD0004\n")
    assert main(["track", str(tmp_path / "in.nrrd"), "--output", str(tmp_path / "out.csv"), *words]) == 2
    assert said in capsys.readouterr().err
