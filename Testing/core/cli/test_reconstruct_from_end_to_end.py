"""``temporal-recon simulate`` and ``reconstruct`` from command line to file, checked with other readers than ours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import ismrmrd
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from bad_files import SHAPE, a_volume
from console import SIMULATE
from TemporalReconLib.acquisition.series import open_series

LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
PROSTATEX = Path(__file__).parents[4] / "shared" / "data" / "prostatex"
METHODS = ("compressed-sensing", "sliding-window", "zero-filled")


@pytest.fixture
def reconstruct(console, tmp_path):
    """Runs ``reconstruct``; returns pixels (col, row, slice, time), NRRD header and report."""

    def run(path: Path, *options: object) -> tuple[np.ndarray, dict, dict]:
        output, report = tmp_path / "out.seq.nrrd", tmp_path / "report.json"
        arguments = (path, "--output", output, "--report", report, "--device", "cpu", *options)
        done = console.run("temporal-recon", "reconstruct", *arguments)
        assert (done.code, done.lines, done.out) == (0, [], ""), done.err
        pixels, header = nrrd.read(str(output))
        return pixels, header, json.loads(report.read_text("utf-8"))

    return run


def ras_of_voxel(header: dict, index: tuple[int, int, int]) -> np.ndarray:
    """Where the NRRD header puts a voxel (i, j, k), mm RAS."""
    assert header["space"] == "left-posterior-superior"
    return (np.array(index) @ header["space directions"][:3] + header["space origin"]) * LPS_TO_RAS


def error_of(pixels: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(pixels - truth) / np.linalg.norm(truth))


@pytest.fixture(scope="module")
def still_cases(console, tmp_path_factory) -> dict[str, Path]:
    """One patient at rest, 3 slices, noise-free: fully sampled with and without instrument, and 6 frames at R = 8."""
    folder = tmp_path_factory.mktemp("still")
    common = ("--slices", 3, "--matrix", 96, "--coils", 1, "--noise", 0, "--no-motion", "--seed", 5)
    variants = {
        "full": ("--frames", 1, "--acceleration", 1, "--no-planning", "--truth", folder / "truth.json"),
        "empty": ("--frames", 1, "--acceleration", 1, "--no-planning", "--no-instrument"),
        "fast": ("--frames", 6, "--acceleration", 8, "--mask", "golden"),
    }
    for name, options in variants.items():
        done = console.run("temporal-recon", "simulate", "--output", folder / f"{name}.h5", *common, *options)
        assert done.code == 0, done.err
    return {name: folder / f"{name}.h5" for name in variants}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_turns_a_simulated_case_into_a_sequence_and_a_report(reconstruct, case, method):
    pixels, header, report = reconstruct(case.path, "--method", method)

    assert pixels.shape == (case.n_rows, case.n_rows, 1, case.n_frames)
    assert pixels.dtype == np.float32
    assert header["kinds"] == ["domain", "domain", "domain", "list"]
    assert np.all(np.isfinite(pixels)) and np.all(pixels.max(axis=(0, 1, 2)) > 0)

    assert (report["method"], report["device"], report["dropped"]) == (method, "cpu", 0)
    assert [frame["index"] for frame in report["frames"]] == list(range(case.n_frames))
    assert all(frame["acceleration"] == case.acceleration for frame in report["frames"])
    assert all(0 < frame["latency_ms"] < 60_000 for frame in report["frames"])
    interval = json.loads(case.truth.read_text("utf-8"))["frame_interval_s"]
    starts = [frame["acquisition_start_time_s"] for frame in report["frames"]]
    np.testing.assert_allclose(np.diff(starts), interval, atol=1e-5)
    np.testing.assert_allclose([float(text) for text in header["axis 3 index values"].split()], starts, atol=1e-6)


def test_the_middle_voxel_lies_where_the_raw_data_say(reconstruct, case):
    _, header, _ = reconstruct(case.path)
    acquisition = ismrmrd.Dataset(str(case.path), "dataset", create_if_needed=False).read_acquisition(0)
    middle = (case.n_rows // 2, case.n_rows // 2, 0)
    position = np.array(acquisition.position[:]) * LPS_TO_RAS
    np.testing.assert_allclose(ras_of_voxel(header, middle), position, atol=1e-3)
    one_column_on = ras_of_voxel(header, (middle[0] + 1, middle[1], 0)) - position
    np.testing.assert_allclose(one_column_on, 280 / 96 * np.array(acquisition.read_dir[:]) * LPS_TO_RAS, atol=1e-3)


def test_the_instrument_is_seen_where_the_truth_says(reconstruct, still_cases):
    """What an instrument changes in the picture lies inside its true cylinder and reaches to its tip."""
    with_instrument, header, _ = reconstruct(still_cases["full"], "--method", "zero-filled")
    without, _, _ = reconstruct(still_cases["empty"], "--method", "zero-filled")
    truth = json.loads((still_cases["full"].parent / "truth.json").read_text("utf-8"))["frames"][0]
    guide_tip, needle_tip, axis = (np.array(truth[name]) for name in ("guide_tip", "needle_tip", "axis"))

    change = np.abs(with_instrument - without)[..., 0]
    points = np.array([ras_of_voxel(header, index) for index in np.argwhere(change > 0.3 * change.max())])
    along = (points - guide_tip) @ axis
    aside = points - guide_tip - along[:, np.newaxis] * axis
    pixel_mm = 280 / 96
    assert len(points) > 50
    assert np.linalg.norm(aside, axis=1).max() < truth["width"] / 2 + pixel_mm
    assert np.linalg.norm(aside.mean(axis=0)) < pixel_mm / 2
    assert 0 < along.max() < (needle_tip - guide_tip) @ axis + 2 * pixel_mm
    assert along.min() < -60


def test_the_report_and_the_picture_tell_undersampled_from_full(reconstruct, still_cases):
    truth, _, report = reconstruct(still_cases["full"], "--method", "zero-filled")
    assert report["frames"][0]["acceleration"] == 1
    errors = {}
    for method in METHODS:
        pixels, _, report = reconstruct(still_cases["fast"], "--method", method)
        assert report["frames"][0]["acceleration"] == 8
        errors[method] = error_of(pixels[..., -1:], truth)
    assert errors["zero-filled"] > 0.2
    assert errors["sliding-window"] < 0.5 * errors["zero-filled"]
    assert errors["compressed-sensing"] < 0.5 * errors["zero-filled"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(console, case, tmp_path):
    for name, seed in (("again", 3), ("other", 4)):
        arguments = ("--output", tmp_path / f"{name}.h5", "--truth", tmp_path / f"{name}.json", *SIMULATE[:-1], seed)
        assert console.run("temporal-recon", "simulate", *arguments).code == 0
    assert (tmp_path / "again.h5").read_bytes() == case.path.read_bytes()
    assert (tmp_path / "again.json").read_bytes() == case.truth.read_bytes()
    assert (tmp_path / "other.h5").read_bytes() != case.path.read_bytes()
    assert (tmp_path / "other.json").read_bytes() != case.truth.read_bytes()


def test_the_same_command_gives_the_same_pictures(console, case, tmp_path):
    for name in ("a", "b"):
        done = console.run("temporal-recon", "reconstruct", case.path, "--output", tmp_path / f"{name}.seq.nrrd")
        assert done.code == 0
    # All but the comment with the date of writing.
    first, second = (re.sub(rb"\n#[^\n]*", b"", (tmp_path / f"{name}.seq.nrrd").read_bytes(), count=4) for name in "ab")
    assert first == second


def test_slices_played_as_time_keep_their_places(reconstruct, tmp_path):
    volume = a_volume()
    sitk.WriteImage(volume, str(tmp_path / "volume.nii.gz"))
    options = ("--acceleration", 2, "--frames", "slices", "--method", "zero-filled")
    pixels, _, report = reconstruct(tmp_path / "volume.nii.gz", *options)
    assert pixels.shape == (SHAPE[2], SHAPE[1], 1, SHAPE[0])
    assert [frame["acceleration"] for frame in report["frames"]] == [2.0] * SHAPE[0]
    for k, frame in enumerate(open_series(tmp_path / "out.seq.nrrd")):
        expected = np.array(volume.TransformIndexToPhysicalPoint((5, 7, k))) * LPS_TO_RAS
        np.testing.assert_allclose((frame.ijk_to_ras @ [5, 7, 0, 1])[:3], expected, atol=1e-3)


def test_a_repeated_volume_is_sampled_afresh_each_time(reconstruct, tmp_path):
    sitk.WriteImage(a_volume(), str(tmp_path / "volume.mha"))
    options = ("--frames", "repeat:3", "--acceleration", 8, "--method", "zero-filled")
    pixels, _, report = reconstruct(tmp_path / "volume.mha", *options)
    assert pixels.shape[3] == 3
    assert [frame["acceleration"] for frame in report["frames"]] == [8.0, 8.0, 8.0]
    assert error_of(pixels[..., 1], pixels[..., 0]) > 0.01
    other_masks, _, _ = reconstruct(tmp_path / "volume.mha", *options, "--mask-seed", 1)
    assert error_of(other_masks[..., 0], pixels[..., 0]) > 0.01


def test_a_planning_image_helps(reconstruct, tmp_path):
    volume = a_volume()
    sitk.WriteImage(volume, str(tmp_path / "volume.nrrd"))
    sitk.WriteImage(volume, str(tmp_path / "planning.nii.gz"))
    truth = sitk.GetArrayFromImage(volume).transpose(2, 1, 0)[..., np.newaxis]
    options = ("--acceleration", 16, "--method", "compressed-sensing")
    without, _, _ = reconstruct(tmp_path / "volume.nrrd", *options)
    helped, _, _ = reconstruct(tmp_path / "volume.nrrd", *options, "--prior", tmp_path / "planning.nii.gz")
    assert error_of(helped, truth) < 0.05
    assert error_of(helped, truth) < 0.3 * error_of(without, truth)


@pytest.mark.parametrize("pixel_type", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("suffix", ["nrrd", "mha", "nii.gz"])
def test_every_number_type_is_read(reconstruct, tmp_path, suffix, pixel_type):
    volume = a_volume(pixel_type=pixel_type)
    sitk.WriteImage(volume, str(tmp_path / f"volume.{suffix}"))
    pixels, _, _ = reconstruct(tmp_path / f"volume.{suffix}", "--acceleration", 1, "--method", "zero-filled")
    expected = sitk.GetArrayFromImage(volume).transpose(2, 1, 0)[..., np.newaxis]
    np.testing.assert_allclose(pixels, expected, atol=1e-3)


@pytest.mark.real_data
def test_a_real_prostate_volume_at_r_16_keeps_its_place_and_gets_better_with_time(reconstruct):
    path = PROSTATEX / "ProstateX-0000_5_t2tsecor.nii.gz"
    if not path.exists():
        pytest.skip(f"real MR data are not here: {path}")
    options = ("--acceleration", 16, "--frames", "repeat:4", "--mask", "golden", "--method", "sliding-window")
    pixels, header, report = reconstruct(path, *options)
    volume = sitk.ReadImage(str(path))
    truth = sitk.GetArrayFromImage(volume).transpose(2, 1, 0).astype(np.float32)
    assert pixels.shape == (*truth.shape, 4)
    lines = -(-truth.shape[1] // 16)
    assert report["frames"][0]["acceleration"] == pytest.approx(truth.shape[1] / lines, abs=1e-3)
    corner = tuple(size - 1 for size in volume.GetSize())
    expected = np.array(volume.TransformIndexToPhysicalPoint(corner)) * LPS_TO_RAS
    np.testing.assert_allclose(ras_of_voxel(header, corner), expected, atol=1e-2)
    assert error_of(pixels[..., 3], truth) < error_of(pixels[..., 0], truth)
