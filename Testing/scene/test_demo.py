"""The demo as a user runs it: processes, sockets, scene, files."""

import csv
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image
from TemporalReconLib.acquisition.series import open_series

N_FRAMES = 10
METHOD = ("--method", "sliding-window")


def run(*arguments, package="InstrumentTrackerLib", cwd=None):
    command = [sys.executable, "-m", package, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=cwd)


@pytest.fixture(scope="module")
def a_demo(tmp_path_factory):
    """A short simulated case played as a user's file, with a target."""
    folder = tmp_path_factory.mktemp("demo")
    case, truth = folder / "case.h5", folder / "truth.json"
    # Pictures of the sliding window do not depend on which others a busy machine had time to show.
    simulated = run(
        *("simulate", "--output", case, "--truth", truth, "--frames", N_FRAMES, "--mask", "golden"),
        *("--slices", 1, "--acceleration", 4),
        package="TemporalReconLib",
    )
    assert simulated.returncode == 0, simulated.stderr
    target = ",".join(f"{value:.3f}" for value in json.loads(truth.read_text())["target"])
    output = folder / "out"
    done = run("demo", "--input", case, "--output", "out", "--target", target, *METHOD, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done, output, case


def shown_frames(output):
    return [int(row["frame"]) for row in csv.DictReader((output / "track.csv").read_text().splitlines())]


def test_all_samples_are_used_and_the_last_frame_is_shown(a_demo):
    """A busy machine may skip pictures, never samples."""
    _, output, _ = a_demo
    summary = json.loads((output / "summary.json").read_text())
    assert (summary["frames_sent"], summary["frames_dropped"]) == (N_FRAMES, 0)
    assert summary["frames_received"] + summary["pictures_skipped"] == N_FRAMES
    assert summary["latency_ms"]["n"] == summary["frames_received"]
    assert shown_frames(output)[-1] == N_FRAMES - 1
    assert 0 < summary["latency_ms"]["median"] <= summary["latency_ms"]["p95"]
    assert "guide_tip_error_mm" not in summary, "no truth was given, so no error may be claimed"


def test_the_recon_sequence_is_what_the_offline_command_gives(a_demo, tmp_path):
    """Live and retrospective are the same pipeline."""
    _, output, case = a_demo
    offline = tmp_path / "offline.seq.nrrd"
    assert run("reconstruct", case, "--output", offline, *METHOD, package="TemporalReconLib").returncode == 0
    live, again = open_series(output / "recon.seq.nrrd"), open_series(offline)
    shown = shown_frames(output)
    assert len(live) == len(shown) and len(again) == N_FRAMES
    for one, other in zip(live, [again.frame(index) for index in shown], strict=True):
        np.testing.assert_allclose(one.data, other.data, atol=1e-4 * other.data.max())
        np.testing.assert_allclose(one.ijk_to_ras, other.ijk_to_ras, atol=1e-3)


def test_pictures_show_something_and_the_animation_has_every_frame(a_demo):
    _, output, _ = a_demo
    stills = sorted(output.glob("frame-*.png"))
    assert stills
    for still in stills:
        pixels = np.asarray(Image.open(still).convert("L"), dtype=float)
        assert pixels.shape == (960, 1280)
        assert pixels[:480, :640].std() > 10, "the in-plane view is empty"
    with Image.open(output / "biopsy.gif") as animation:
        assert 1 < animation.n_frames <= N_FRAMES


def test_the_scene_file_holds_volume_and_markers(a_demo):
    _, output, _ = a_demo
    with zipfile.ZipFile(output / "biopsy.mrb") as bundle:
        [scene] = [name for name in bundle.namelist() if name.endswith(".mrml")]
        text = bundle.read(scene).decode()
    assert "TR Reconstruction" in text and "MarkupsFiducial" in text


def test_the_summary_table_and_where_to_look_are_printed(a_demo):
    done, output, _ = a_demo
    assert f"sent {N_FRAMES}, shown " in done.stdout and "dropped 0" in done.stdout
    assert str(output) in done.stdout
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_played_is_refused_in_one_line(tmp_path):
    bad = tmp_path / "case.h5"
    bad.write_bytes(b"no")
    done = run("demo", "--input", bad, "--output", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and str(bad) in done.stderr
