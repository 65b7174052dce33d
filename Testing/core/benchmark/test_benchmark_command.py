"""The whole command on a tiny test set: every file is written, an interrupted run goes on, wrong words are refused."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from TemporalReconLib.__main__ import main
from TemporalReconLib.benchmark import benchmark
from TemporalReconLib.benchmark.benchmark import run_benchmark
from TemporalReconLib.benchmark.runs import Plan, Run, available_methods
from TemporalReconLib.benchmark.test_set import TestSet
from TemporalReconLib.errors import InputError

PLAN = Plan(TestSet(1, 6, matrix=64), ("sliding-window", "zero-filled"), (8.0,), ("paper", "golden"), (True, False))
WORDS = ("--series", 1, "--frames", 6, "--matrix", 64, "--accelerations", 8)
METHODS = ("--methods", "sliding-window,zero-filled")
N_ROWS = 2 * 2 * 2 * 6


class Silent:
    """Counts runs; interrupts after as many as asked for."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.n_finished = 0
        self.n_started = 0
        self._interrupt_after = interrupt_after

    def start(self, runs: list[Run]) -> None:
        self.n_started = len(runs)

    def finished(self, run: Run, seconds: float) -> None:
        self.n_finished += 1
        if self.n_finished == self._interrupt_after:
            raise KeyboardInterrupt

    def stage(self, text: str) -> None:
        pass


def command(*words: object) -> int:
    return main(["benchmark", *map(str, words)])


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark") / "new"
    assert command("--output", folder, *WORDS, *METHODS) == 0
    return folder


def test_every_file_is_written(done: Path) -> None:
    names = {path.name for path in done.iterdir()}
    pictures = {"images-R8.png", "profiles-R8.png"}
    texts = {"results.jsonl", "settings.json", "methods.json", "summary.json", "summary.md", "summary.csv"}
    assert names == {"pictures", "curves.png", *pictures, *texts}
    for path in done.glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 400
            # Something is drawn: not one color, and mostly not black.
            assert 100 < np.asarray(image.convert("L")).mean() < 254


def test_results_have_a_row_for_every_frame_and_agree_with_the_summary(done: Path) -> None:
    rows = rows_of(done)
    assert len(rows) == N_ROWS
    assert len({(row["method"], row["mask"], row["planning"], row["frame"]) for row in rows}) == N_ROWS
    mine = [r["tip_psnr"] for r in rows if (r["method"], r["mask"], r["planning"]) == ("zero-filled", "paper", False)]
    summary = json.loads((done / "summary.json").read_text(encoding="utf-8"))
    wanted = {"method": "zero-filled", "mask": "paper", "planning": False, "frames": "all"}
    (entry,) = [entry for entry in summary["results"] if wanted.items() <= entry.items()]
    assert entry["tip_psnr"]["median"] == pytest.approx(np.median(mine))
    assert summary["test_set"]["seeds"] == [1_000_000, 1_000_000]
    assert summary["methods"]["zero-filled"]["ms_per_frame"]["median"] > 0


def test_a_planning_scan_helps_view_sharing_and_not_the_newest_frame_alone(done: Path) -> None:
    def median(method: str, planning: bool) -> float:
        return float(
            np.median([r["psnr"] for r in rows_of(done) if (r["method"], r["planning"]) == (method, planning)])
        )

    assert median("sliding-window", True) > median("sliding-window", False) + 1
    assert median("zero-filled", True) == median("zero-filled", False)


def test_an_interrupted_benchmark_goes_on_to_the_same_results(done: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(tmp_path, PLAN, "auto", {}, 1, Silent(interrupt_after=3))
    file = tmp_path / "results.jsonl"
    assert len(rows_of(tmp_path)) == 3 * 6
    # As if the machine had stopped while a line was written.
    file.write_bytes(file.read_bytes()[:-200])
    again = Silent()
    run_benchmark(tmp_path, PLAN, "auto", {}, 1, again)
    assert again.n_finished == again.n_started == 6

    def key(row: dict) -> tuple:
        return row["method"], row["mask"], row["planning"], row["frame"]

    assert sorted(rows_of(tmp_path), key=key) == sorted(rows_of(done), key=key)


def test_methods_run_later_join_the_same_tables_and_nothing_is_done_twice(tmp_path: Path) -> None:
    plan = dataclasses.replace(PLAN, masks=("golden",))
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(tmp_path, plan, "auto", {}, 1, Silent(interrupt_after=1))
    first = (tmp_path / "results.jsonl").read_bytes()
    words = ("--output", tmp_path, *WORDS, "--masks", "golden")
    assert command(*words, "--methods", "zero-filled") == 0
    # Nothing is said about a method that is known from part of its runs.
    assert "| `sliding-window` |" not in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert command(*words, "--methods", "sliding-window") == 0
    assert (tmp_path / "results.jsonl").read_bytes().startswith(first)
    assert len(rows_of(tmp_path)) == N_ROWS / 2
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "| `zero-filled` |" in text
    assert "| `sliding-window` |" in text


@pytest.mark.slow
def test_several_processes_give_the_same_numbers(done: Path, tmp_path: Path) -> None:
    plan = dataclasses.replace(PLAN, methods=("zero-filled",))
    run_benchmark(tmp_path, plan, "cpu", {}, 2, Silent())
    alone = [row for row in rows_of(done) if row["method"] == "zero-filled"]
    together = sorted(rows_of(tmp_path), key=lambda row: alone.index(row))
    assert together == alone


def test_results_of_other_code_are_dropped_and_the_user_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code = ["of today"]
    monkeypatch.setattr(benchmark, "code_digest", lambda libraries: code[0])
    monkeypatch.setattr(benchmark, "write_figures", lambda *_: None)  # they take longest
    plan = dataclasses.replace(PLAN, masks=("golden",), planning=(True,))
    run_benchmark(tmp_path, plan, "cpu", {}, 1, Silent())
    unchanged, changed = Silent(), Silent()
    run_benchmark(tmp_path, plan, "cpu", {}, 1, unchanged)
    assert unchanged.n_started == 0
    assert caplog.text == ""
    code[0] = "of tomorrow"
    run_benchmark(tmp_path, dataclasses.replace(plan, methods=("zero-filled",)), "cpu", {}, 1, changed)
    assert changed.n_started == 1
    assert {(row["method"], row["code"]) for row in rows_of(tmp_path)} == {("zero-filled", "of tomorrow")}
    assert "sliding-window: results of other code are dropped" in caplog.text
    # Neither numbers nor times of the other code are stated.
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert {method: facts["code"] for method, facts in summary["methods"].items()} == {"zero-filled": "of tomorrow"}
    assert {entry["method"] for entry in summary["results"]} == {"zero-filled"}


def test_other_settings_do_not_mix_with_results_that_are_there(done: Path) -> None:
    other = dataclasses.replace(PLAN, test_set=TestSet(1, 7, seed=3, matrix=64))
    with pytest.raises(InputError, match="with frames 6, not 7; seed 0, not 3: choose another --output"):
        run_benchmark(done, other, "cpu", {}, 1, Silent())


REFUSALS = {
    "unknown method": ("--methods", "magic"),
    "method named twice": ("--methods", "zero-filled,zero-filled"),
    "acceleration that is no number": ("--accelerations", "8,fast"),
    "unknown mask": ("--masks", "spiral"),
    "unknown planning": ("--plannings", "maybe"),
    "weights without method": ("--weights", "file.safetensors"),
    "weights of a method left out": ("--methods", "zero-filled", "--weights", "temporal=x.safetensors"),
    "weights for a method without": ("--methods", "zero-filled", "--weights", "zero-filled=x.safetensors"),
    "missing background": ("--backgrounds", "missing.nrrd"),
    "no series": ("--series", "0"),
    "no jobs": ("--jobs", "0"),
}


def test_wrong_words_are_refused_without_importing_torch(tmp_path: Path) -> None:
    script = (
        "import json, sys; sys.modules['torch'] = None\n"
        "from TemporalReconLib.__main__ import main\n"
        "print(json.dumps([main(words) for words in json.loads(sys.argv[1])]))"
    )
    words = [["benchmark", "--output", str(tmp_path / "new"), *refusal] for refusal in REFUSALS.values()]
    result = subprocess.run(
        [sys.executable, "-c", script, json.dumps(words)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [2] * len(REFUSALS), result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == len(REFUSALS)
    for line, refusal in zip(lines, REFUSALS.values(), strict=True):
        assert refusal[-1].split("=")[0].split(",")[0] in line
    assert not (tmp_path / "new").exists()


def test_by_default_a_method_without_weights_is_left_out_and_said(tmp_path: Path) -> None:
    methods, left_out = available_methods({})
    assert {"temporal", "compressed-sensing", "sliding-window", "zero-filled"} <= set(methods)
    assert "no weights come with this software" in left_out["bcrnn"]
    given, without = available_methods({"bcrnn": tmp_path})
    assert "bcrnn" in given and "bcrnn" not in without
