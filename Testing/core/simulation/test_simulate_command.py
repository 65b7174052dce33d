"""``temporal-recon simulate`` as a user runs it."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from TemporalReconLib.acquisition.ismrmrd_reader import open_ismrmrd
from TemporalReconLib.cli import simulate
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

SMALL = ["--frames", "2", "--matrix", "64", "--coils", "2", "--acceleration", "8"]


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    simulate.add_parser(parser.add_subparsers())
    options = parser.parse_args(["simulate", *map(str, arguments)])
    return options.run(options)


def test_the_file_holds_series_planning_and_geometry_and_truth_lies_beside_it(tmp_path, capsys) -> None:
    assert run("--output", tmp_path / "case.h5", "--truth", tmp_path / "truth.json", *SMALL) == 0
    expected = simulate_series(SimulationConfig(frames=2, matrix=64, coils=2, acceleration=8))
    series = open_ismrmrd(tmp_path / "case.h5")
    assert len(series) == 2
    assert np.array_equal(series.frame(1).data, expected.frame(1).data)
    assert np.array_equal(series.frame(1).mask, expected.frame(1).mask)
    assert np.allclose(series.frame(1).ijk_to_ras, expected.ijk_to_ras, atol=1e-4)
    assert np.array_equal(series.planning.data, expected.planning.data)
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["frames"][1]["guide_tip"] == pytest.approx(list(expected.truth.frames[1].guide_tip))
    said = capsys.readouterr()
    assert "frame 2/2" in said.err
    assert f"target {','.join(f'{value:.1f}' for value in truth['target'])}, entry " in said.out


def test_planning_and_instrument_can_be_left_out(tmp_path) -> None:
    run("--output", tmp_path / "a.h5", "--truth", tmp_path / "a.json", "--no-planning", "--no-instrument", *SMALL)
    assert open_ismrmrd(tmp_path / "a.h5").planning is None
    frames = json.loads((tmp_path / "a.json").read_text())["frames"]
    assert [frame["visible"] for frame in frames] == [False, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--frames", "0"], "frames 0"),
        (["--coils", "40"], "coils 40"),
        (["--acceleration", "0"], "acceleration 0"),
        (["--background", "nowhere.nii.gz"], "nowhere.nii.gz"),
        (["--coil-maps", "nowhere.npy"], "nowhere.npy"),
        (["--truth", "no/such/folder/truth.json"], "no/such/folder"),
    ],
)
def test_bad_requests_are_one_line_and_leave_no_file(tmp_path, arguments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        run("--output", tmp_path / "case.h5", *SMALL, *arguments)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_output_may_not_overwrite_the_background(tmp_path) -> None:
    with pytest.raises(InputError, match="different files"):
        run("--output", tmp_path / "case.h5", "--background", tmp_path / "case.h5")
