"""The whole command on a tiny test set: every file is written, nothing is done twice, wrong words are refused."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from InstrumentTrackerLib.benchmark import benchmark, registry
from InstrumentTrackerLib.benchmark.acquired_frame import acquired_frame
from InstrumentTrackerLib.benchmark.benchmark import run_benchmark
from InstrumentTrackerLib.benchmark.plan import Plan
from InstrumentTrackerLib.benchmark.registry import chosen, version_of
from InstrumentTrackerLib.benchmark.test_set import (
    DEVELOPMENT_SETS,
    TRACKING_SEEDS_FROM,
    TrackingTestSet,
)
from InstrumentTrackerLib.evaluation.series_kind import LEAVING, ORDINARY, WITHOUT
from PIL import Image
from TemporalReconLib.benchmark.runs import Run
from TemporalReconLib.benchmark.test_set import MAX_SERIES, TEST_SEEDS_FROM
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import kspace_to_image
from TemporalReconLib.simulation.simulated_series import simulate_series

FRAMES = 4
PLAN = Plan(
    TrackingTestSet(1, FRAMES, matrix=64),
    method="zero-filled",
    weights=None,
    accelerations=(8.0,),
    mask="golden",
    planning=True,
    segmenter="classical",
    segmenter_weights=None,
    contenders=("product", "samples", "paper-rule-true-masks"),
    device="cpu",
)


class Silent:
    """Counts runs."""

    def __init__(self) -> None:
        self.n_started = 0

    def start(self, runs: list[Run]) -> None:
        self.n_started = len(runs)

    def finished(self, run: Run, seconds: float) -> None:
        pass

    def stage(self, text: str) -> None:
        pass


@pytest.fixture(scope="module")
def version() -> Iterator[list[str]]:
    """What the code's digest is taken to be."""
    stated = ["of today"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "version_of", lambda plan: stated[0])
        yield stated


@pytest.fixture(scope="module")
def done(tmp_path_factory, version: list[str]) -> Path:
    folder = tmp_path_factory.mktemp("benchmark") / "new"
    run_benchmark(folder, PLAN, {"mask-localizer": "for a reason"}, 1, Silent())
    return folder


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_file_is_written(done: Path) -> None:
    names = {path.name for path in done.iterdir()}
    texts = {"results.jsonl", "settings.json", "summary.json", "summary.md", "pictures"}
    assert texts | {"errors.png", "acceleration.png", "reliability.png", "overlay-R8.png"} <= names
    for path in done.glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 400
            # Something is drawn: not one color, and mostly not black.
            assert 60 < np.asarray(image.convert("L")).mean() < 254


def test_results_have_a_row_for_every_frame_and_agree_with_the_summary(done: Path) -> None:
    rows = rows_of(done)
    assert len(rows) == 3 * FRAMES
    assert {row["seed"] for row in rows} == {TRACKING_SEEDS_FROM}
    # On true masks the rule finds the guide in all frames that show it, to a pixel of 4.4 mm.
    reference = [row for row in rows if row["method"] == "paper-rule-true-masks"]
    assert all(("guide_error_mm" in row) == row["visible"] for row in reference)
    mean = np.mean([row["guide_error_mm"] for row in reference if row["visible"]])
    assert mean < 4.4
    summary = json.loads((done / "summary.json").read_text(encoding="utf-8"))
    (entry,) = [entry for entry in summary["results"] if entry["contender"] == "paper-rule-true-masks"]
    assert entry["guide_tip_mm"]["mean"] == pytest.approx(mean)
    assert summary["left_out"] == {"mask-localizer": "for a reason"}
    assert summary["timing"]["median_ms"] > 0


def test_what_is_done_is_not_done_again_unless_the_code_was_another(
    done: Path, version: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "write_figures", lambda *_: None)  # they take longest
    plan, report = dataclasses.replace(PLAN, contenders=("paper-rule-true-masks",)), Silent()
    before = (done / "results.jsonl").read_bytes()
    run_benchmark(done, plan, {}, 1, report)
    assert report.n_started == 0
    assert (done / "results.jsonl").read_bytes() == before
    version[0] = "of tomorrow"
    run_benchmark(done, plan, {}, 1, report)
    assert report.n_started == 1
    assert {(row["method"], row["version"]) for row in rows_of(done)} == {("paper-rule-true-masks", "of tomorrow")}


def test_the_version_is_that_of_code_segmenter_and_weights(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"1")
    with_weights = dataclasses.replace(PLAN, segmenter="network", segmenter_weights=weights)
    first = version_of(with_weights)
    assert first != version_of(PLAN)
    weights.write_bytes(b"2")
    assert version_of(with_weights) != first


def test_the_version_changes_with_any_code_that_decides_on_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with the simulator and the reconstruction, which live in the other package."""
    assert {library.__name__ for library in registry.LIBRARIES} == {"TemporalReconLib", "InstrumentTrackerLib"}
    package = ModuleType("package")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setattr(registry, "LIBRARIES", (package,))
    version = version_of(PLAN)
    for name, decides in (
        ("simulation/anatomy.py", True),
        ("tracking/rules.json", True),
        ("engine/pipeline.py", True),
        ("cli/main.py", False),
    ):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text("1")
        assert (version_of(PLAN) != version) == decides
        version = version_of(PLAN)


def test_other_settings_do_not_mix_with_results_that_are_there(done: Path) -> None:
    other = dataclasses.replace(PLAN, test_set=TrackingTestSet(1, 7, matrix=64, is_development=True))
    with pytest.raises(InputError, match="with frames 4, not 7; development false, not true: choose another --output"):
        run_benchmark(done, other, {}, 1, Silent())


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"mask": "paper"}, 'mask "golden", not "paper"'), ({"planning": False}, "planning true, not false")],
)
def test_a_folder_keeps_to_one_mask_and_one_choice_of_planning(done: Path, changes: dict, message: str) -> None:
    before = {path: path.read_bytes() for path in done.iterdir() if path.is_file()}
    with pytest.raises(InputError, match=f"{message}: choose another --output"):
        run_benchmark(done, dataclasses.replace(PLAN, **changes), {}, 1, Silent())
    assert {path: path.read_bytes() for path in done.iterdir() if path.is_file()} == before


def test_about_a_seventh_of_the_series_each_is_without_instrument_and_leaves_the_plane() -> None:
    test_set = TrackingTestSet(20)
    kinds = [test_set.kind(number) for number in range(20)]
    assert (kinds.count(WITHOUT), kinds.count(LEAVING), kinds.count(ORDINARY)) == (3, 3, 14)
    configs = [test_set.config(number, 16.0, "golden") for number in range(20)]
    assert [not config.instrument for config in configs] == [kind == WITHOUT for kind in kinds]
    assert [config.leaves_plane for config in configs] == [kind == LEAVING for kind in kinds]
    assert {config.orientation for config, kind in zip(configs, kinds, strict=True) if kind == LEAVING} == {
        "coronal",
        "sagittal",
    }


def test_no_seed_is_one_of_another_test_and_development_stays_below_all_tests() -> None:
    assert TrackingTestSet(seed=0).series_seed(0) > TEST_SEEDS_FROM + 1000 * MAX_SERIES
    seeds = [
        TrackingTestSet(seed=seed, is_development=True).series_seed(n)
        for seed in (0, DEVELOPMENT_SETS - 1)
        for n in (0, 999)
    ]
    assert 900_000 <= min(seeds) < max(seeds) < TEST_SEEDS_FROM
    with pytest.raises(InputError, match=f"below {DEVELOPMENT_SETS}"):
        TrackingTestSet(seed=DEVELOPMENT_SETS, is_development=True)


def test_a_fully_sampled_frame_is_the_picture_of_one_moment_with_noise() -> None:
    series = simulate_series(TrackingTestSet(1, 4, matrix=64).config(0, 1.0, "golden"))
    frame = acquired_frame(series, 2)
    assert frame.is_fully_sampled
    assert 0.5 * (frame.acquisition_start_time + frame.acquisition_end_time) == pytest.approx(series.mid_time_s(2))
    difference = kspace_to_image(frame.data) - series.coil_images_at(series.mid_time_s(2))
    assert difference.real.std() == pytest.approx(series.noise_std, rel=0.02)
    assert difference.imag.std() == pytest.approx(series.noise_std, rel=0.02)


def test_what_cannot_run_is_left_out_visibly_and_refused_where_asked_for() -> None:
    contenders, left_out = chosen(None, "classical")
    assert "product" in contenders
    assert "mask-localizer" in left_out
    with pytest.raises(InputError, match="cannot be run"):
        chosen(["mask-localizer"], "classical")
    with pytest.raises(InputError, match="unknown contender 'magic'"):
        chosen(["magic"], "classical")
    assert chosen(["paper-rule", "product"], "classical")[0] == ("product", "paper-rule")


REFUSALS = {
    "unknown method": ("--method", "magic"),
    "unknown segmenter": ("--segmenter", "magic"),
    "unknown contender": ("--contenders", "magic"),
    "acceleration that is no number": ("--accelerations", "8,fast"),
    "missing background": ("--backgrounds", "missing.nrrd"),
    "no series": ("--series", "0"),
    "no jobs": ("--jobs", "0"),
}


def test_wrong_words_are_refused_without_importing_torch(tmp_path: Path) -> None:
    script = (
        "import json, sys; sys.modules['torch'] = None\n"
        "from TemporalReconLib.cli.runner import build_parser, run_command\n"
        "from InstrumentTrackerLib.cli import benchmark\n"
        "parser = build_parser('instrument-tracker', '', '', [benchmark])\n"
        "print(json.dumps([run_command(parser, words) for words in json.loads(sys.argv[1])]))"
    )
    words = [["benchmark", "--output", str(tmp_path / "new"), *refusal] for refusal in REFUSALS.values()]
    result = subprocess.run(
        [sys.executable, "-c", script, json.dumps(words)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [2] * len(REFUSALS), result.stderr
    lines = [line for line in result.stderr.splitlines() if not line.startswith("left out")]
    assert len(lines) == len(REFUSALS)
    for line, refusal in zip(lines, REFUSALS.values(), strict=True):
        assert refusal[-1].split(",")[-1] in line
    assert not (tmp_path / "new").exists()
