"""Targets from a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.targeting.target_csv import read_target_csv
from TemporalReconLib.errors import InputError


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "plan.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_names_positions_and_radii_are_read_with_or_without_a_heading(table, separator):
    text = "name,R,A,S,radius_mm\n# planned on Monday\n\nleft apex,-12.5,30,5,4\nright base, 8 ,1e1,-3.5\n"
    targets = list(read_target_csv(table(text.replace(",", separator))))
    assert [target.name for target in targets] == ["left apex", "right base"]
    assert [target.radius_mm for target in targets] == [4.0, 3.0]
    np.testing.assert_allclose([target.position for target in targets], [[-12.5, 30, 5], [8, 10, -3.5]])
    assert len(read_target_csv(table("a,1,2,3"))) == 1


def test_lps_numbers_become_ras(table):
    (target,) = read_target_csv(table("a,1,2,3"), is_lps=True)
    np.testing.assert_allclose(target.position, [-1, -2, 3])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no target"),
        ("name,R,A,S\n", "holds no target"),
        ("a,1,2,3\nb,1,2\n", r"row 2.*name,R,A,S"),
        ("a,1,2,3\nb,one,2,3\n", r"row 2.*'b,one,2,3'"),
        ("a,1,2,nan\n", r"row 1"),
        ("a,1,2,99999\n", r"row 1.*farther than 2 m"),
        ("a,1,2,3,-1\n", r"row 1.*radius"),
        ("a,1,2,3\na,4,5,6\n", r"'a'.*twice"),
        (",1,2,3\n", r"row 1.*name"),
        ("a,1,2,3\n" * 201, "201 rows"),
    ],
)
def test_what_is_not_understood_is_refused_with_file_and_row(table, text, words):
    with pytest.raises(InputError, match=words) as refused:
        read_target_csv(table(text))
    assert "plan.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_or_binary_file_is_refused(tmp_path, table):
    with pytest.raises(InputError, match="cannot be read"):
        read_target_csv(tmp_path / "none.csv")
    path = table("")
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="cannot be read"):
        read_target_csv(path)
