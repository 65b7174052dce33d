"""``instrument-tracker track`` from file to table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nrrd
import numpy as np
import pytest

COLUMNS = (
    "frame,time_s,state,confidence,guide_tip_r,guide_tip_a,guide_tip_s,needle_tip_r,needle_tip_a,needle_tip_s,"
    "axis_r,axis_a,axis_s,distance_mm,lateral_mm,depth_mm,angle_deg"
)
NUMBERS = COLUMNS.split(",")[4:13]
ERRORS = COLUMNS.split(",")[13:]
PROSTATEX = Path(__file__).parents[4] / "shared" / "data" / "prostatex"


@pytest.fixture
def track(console, tmp_path):
    """Runs ``track``; returns the rows of its table."""

    def run(path: Path, *options: object) -> list[dict[str, str]]:
        output = tmp_path / "track.csv"
        done = console.run("instrument-tracker", "track", path, "--output", output, "--device", "cpu", *options)
        assert (done.code, done.lines, done.out) == (0, [], ""), done.err
        text = output.read_text("utf-8")
        assert text.splitlines()[0] == COLUMNS
        return list(csv.DictReader(text.splitlines()))

    return run


@pytest.fixture(scope="module")
def clear_case(console, tmp_path_factory) -> tuple[Path, dict]:
    """The guide clearly seen: 8 frames of 1 slice, 160 x 160, R = 4, with truth."""
    return simulated(console, tmp_path_factory.mktemp("clear"), acceleration=4)


def simulated(console, folder: Path, acceleration: float) -> tuple[Path, dict]:
    options = ("--frames", 8, "--matrix", 160, "--slices", 1, "--coils", 1, "--noise", 0.005)
    arguments = ("--output", folder / "clear.h5", "--truth", folder / "truth.json", *options)
    done = console.run("temporal-recon", "simulate", *arguments, "--acceleration", acceleration)
    assert done.code == 0, done.err
    return folder / "clear.h5", json.loads((folder / "truth.json").read_text("utf-8"))


def point(row: dict[str, str], name: str) -> np.ndarray | None:
    texts = [row[f"{name}_{letter}"] for letter in "ras"]
    assert all(texts) or not any(texts)
    return np.array([float(text) for text in texts]) if all(texts) else None


def require_consistent(rows: list[dict[str, str]], has_target: bool) -> None:
    """Only tracked and predicted rows carry numbers, in full."""
    for row in rows:
        assert row["state"] in ("tracked", "predicted", "lost", "absent")
        assert 0 <= float(row["confidence"]) <= 1
        if row["state"] in ("lost", "absent"):
            assert all(row[name] == "" for name in NUMBERS + ERRORS)
            continue
        axis = point(row, "axis")
        assert axis is not None and np.linalg.norm(axis) == pytest.approx(1, abs=1e-4)
        assert point(row, "needle_tip") is not None or point(row, "guide_tip") is not None
        assert all((row[name] != "") == has_target for name in ERRORS)


def test_the_table_follows_the_instrument_and_measures_against_the_target(track, clear_case):
    path, truth = clear_case
    target, entry = np.array([-12.0, 30.0, 5.5]), np.array([-4.0, -50.0, -60.25])
    rows = track(path, "--target", "-12,30,5.5", "--entry", "-4,-50,-60.25")

    assert [int(row["frame"]) for row in rows] == list(range(8))
    np.testing.assert_allclose(
        [float(row["time_s"]) for row in rows], [frame["time_s"] for frame in truth["frames"]], atol=1e-5
    )
    require_consistent(rows, has_target=True)
    measured = [row for row in rows if row["state"] in ("tracked", "predicted")]
    assert len(measured) >= 5
    path_direction = (target - entry) / np.linalg.norm(target - entry)
    for row in measured:
        needle, axis = point(row, "needle_tip"), point(row, "axis")
        tip = point(row, "guide_tip") if needle is None else needle
        depth = (target - tip) @ axis
        # The cells are rounded to 0.001 mm and the axis to 0.00001.
        assert float(row["distance_mm"]) == pytest.approx(np.linalg.norm(target - tip), abs=0.005)
        assert float(row["depth_mm"]) == pytest.approx(depth, abs=0.01)
        assert float(row["lateral_mm"]) == pytest.approx(np.linalg.norm(np.cross(target - tip, axis)), abs=0.02)
        assert float(row["angle_deg"]) == pytest.approx(np.degrees(np.arccos(axis @ path_direction)), abs=0.05)
    guide_errors = [
        np.linalg.norm(point(row, "guide_tip") - truth["frames"][int(row["frame"])]["guide_tip"])
        for row in measured
        if point(row, "guide_tip") is not None
    ]
    assert np.median(guide_errors) < 3


def test_without_a_target_nothing_is_measured_against_one(track, clear_case):
    rows = track(clear_case[0])
    require_consistent(rows, has_target=False)
    assert all(row[name] == "" for row in rows for name in ERRORS)


def test_the_masks_lie_where_the_pictures_lie_and_are_empty_where_nothing_was_found(
    console, track, clear_case, tmp_path
):
    path, _ = clear_case
    recon = tmp_path / "recon.seq.nrrd"
    assert console.run("temporal-recon", "reconstruct", path, "--output", recon, "--device", "cpu").code == 0
    rows = track(path, "--mask-output", tmp_path / "mask.seq.nrrd")
    labels, header = nrrd.read(str(tmp_path / "mask.seq.nrrd"))
    pixels, recon_header = nrrd.read(str(recon))

    assert (labels.dtype, labels.shape) == (np.uint8, pixels.shape)
    assert set(np.unique(labels)) <= {0, 1, 2}
    assert np.any(labels == 1)
    np.testing.assert_allclose(header["space directions"][:3], recon_header["space directions"][:3], atol=1e-6)
    np.testing.assert_allclose(header["space origin"], recon_header["space origin"], atol=1e-6)
    for row, label in zip(rows, np.moveaxis(labels, -1, 0), strict=True):
        if row["state"] in ("lost", "absent"):
            assert not label.any()


def from_raw_and_pictures(console, track, path: Path, folder: Path) -> list[tuple[dict, dict]]:
    recon = folder / "recon.seq.nrrd"
    assert console.run("temporal-recon", "reconstruct", path, "--output", recon, "--device", "cpu").code == 0
    pairs = list(zip(track(path, "--target", "0,0,0"), track(recon, "--target", "0,0,0"), strict=True))
    for raw, picture in pairs:
        # A picture file knows when a frame began, raw data also when it ended.
        assert raw.pop("time_s") >= picture.pop("time_s")
        assert raw["state"] == picture["state"]
        for name in ("guide_tip", "needle_tip"):
            assert (point(raw, name) is None) == (point(picture, name) is None)
    return pairs


def distances(pairs: list[tuple[dict, dict]], name: str) -> list[float]:
    both = [(point(raw, name), point(picture, name)) for raw, picture in pairs]
    return [float(np.linalg.norm(a - b)) for a, b in both if a is not None and b is not None]


def test_pictures_are_tracked_as_the_raw_data_of_many_lines_they_were_made_of(console, track, tmp_path):
    """Below R = 4 the samples do not move what a sure picture shows."""
    pairs = from_raw_and_pictures(console, track, simulated(console, tmp_path, acceleration=3)[0], tmp_path)
    for name in ("guide_tip", "needle_tip"):
        assert distances(pairs, name) and max(distances(pairs, name)) < 0.01


def test_pictures_are_tracked_as_the_raw_data_they_were_made_of(console, track, clear_case, tmp_path):
    path, truth = clear_case
    pairs = from_raw_and_pictures(console, track, path, tmp_path)
    assert max(distances(pairs, "guide_tip")) < 0.1
    # From R = 4 on the samples weigh in on the needle; they bring it no farther from the truth.
    errors = [
        [np.linalg.norm(point(row, "needle_tip") - frame["needle_tip"]) for row in pair]
        for pair, frame in zip(pairs, truth["frames"], strict=True)
        if point(pair[0], "needle_tip") is not None and frame["needle_tip"] is not None
    ]
    of_raw, of_pictures = np.mean(errors, axis=0)
    assert of_raw <= of_pictures


def test_a_picture_without_instrument_has_rows_without_numbers(console, track, tmp_path):
    options = ("--frames", 4, "--matrix", 96, "--slices", 1, "--coils", 1, "--acceleration", 4, "--no-instrument")
    assert console.run("temporal-recon", "simulate", "--output", tmp_path / "empty.h5", *options).code == 0
    rows = track(tmp_path / "empty.h5", "--target", "1,2,3")
    assert len(rows) == 4
    assert {row["state"] for row in rows} == {"absent"}
    require_consistent(rows, has_target=True)


@pytest.mark.real_data
def test_a_simulated_instrument_on_real_anatomy_goes_all_the_way(console, track, tmp_path):
    background = PROSTATEX / "ProstateX-0000_5_t2tsecor.nii.gz"
    if not background.exists():
        pytest.skip(f"real MR data are not here: {background}")
    options = ("--background", background, "--frames", 5, "--slices", 1, "--matrix", 128, "--coils", 2)
    arguments = ("--output", tmp_path / "case.h5", "--truth", tmp_path / "truth.json", *options)
    assert console.run("temporal-recon", "simulate", *arguments).code == 0
    recon = tmp_path / "recon.seq.nrrd"
    assert console.run("temporal-recon", "reconstruct", tmp_path / "case.h5", "--output", recon).code == 0
    assert nrrd.read_header(str(recon))["sizes"].tolist() == [128, 128, 1, 5]
    truth = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    rows = track(tmp_path / "case.h5", "--target", ",".join(str(value) for value in truth["target"]))
    assert len(rows) == 5
    require_consistent(rows, has_target=True)


@pytest.mark.parametrize("segmenter", ["network", "classical"])
def test_every_named_target_gets_its_forecast_in_every_frame(track, clear_case, tmp_path, segmenter):
    path, truth = clear_case
    near, far = truth["target"], [value + 40.0 for value in truth["target"]]
    names = {"near": near, "far": far}
    words = [f"--target={name}={','.join(map(str, place))}" for name, place in names.items()]
    table = tmp_path / "targets.csv"
    rows = track(path, *words, "--targeting-output", table, "--segmenter", segmenter, "--method", "compressed-sensing")
    forecasts = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [(row["frame"], row["target"]) for row in forecasts] == [
        (row["frame"], name) for row in rows for name in names
    ]
    tracked = [row for row in forecasts if row["state"] == "tracked"]
    assert tracked, "a clear case is tracked"
    for row in tracked:
        assert (row["would_sample"] == "1") == (float(row["core_miss_mm"]) <= 3.0)
    assert all(row["would_sample"] == "0" for row in tracked if row["target"] == "far")
