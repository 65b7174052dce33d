"""The runs of a study on small cases: right numbers, nothing done twice, the same bytes by any schedule."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.cases.case_folder import read_folder
from InstrumentTrackerLib.evaluation.study.cases.screening import screened
from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE, StudyConfig
from InstrumentTrackerLib.evaluation.study.runs.case_work import CaseTask, CaseWork
from InstrumentTrackerLib.evaluation.study.runs.frame_scores import mask_scores, picture_scores
from InstrumentTrackerLib.evaluation.study.runs.journal import RESULTS_FILE, Journal
from InstrumentTrackerLib.evaluation.study.runs.run_key import RunKey, runs_of
from InstrumentTrackerLib.evaluation.study.runs.schedule import Schedule
from InstrumentTrackerLib.evaluation.study.study import Study, do_study
from small_cases import simulated, write_markups, write_picture_case, write_simulated_case
from TemporalReconLib.errors import InputError

CONFIG = StudyConfig(methods=("sliding-window",), accelerations=(2.0,), segmenter="classical")


class Counted:
    """Remembers what was done."""

    def __init__(self) -> None:
        self.cases: list[str] = []

    def start(self, n_cases: int, n_runs: int) -> None:
        self.planned = (n_cases, n_runs)

    def finished(self, case: str, n_runs: int) -> None:
        self.cases.append(case)

    def stage(self, text: str) -> None:
        pass


def run(output: Path, cases: Path, schedule: Schedule | None = None) -> tuple[Study, Counted]:
    listener = Counted()
    return do_study(output, cases, CONFIG, "cpu", schedule or Schedule(), listener), listener


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> Path:
    """Two patients in pictures, a simulated one, and three cases that cannot be used."""
    folder = tmp_path_factory.mktemp("cases")
    pictures, _ = write_picture_case(folder, "p0", "a", seed=0, frames=2)
    write_picture_case(folder, "p2", "a", seed=2, frames=2)
    write_simulated_case(folder, "s7", "x", seed=7)
    (folder / "bad").mkdir()
    content = pictures.read_bytes()
    (folder / "bad" / "cut.seq.nrrd").write_bytes(content[: len(content) // 2])
    shutil.copy(folder / "p0" / "a.mrk.json", folder / "bad" / "cut.mrk.json")
    shutil.copy(pictures, folder / "bad" / "elsewhere.seq.nrrd")
    write_markups(folder / "bad" / "elsewhere.mrk.json", {"guide": np.array([900.0, 0.0, 0.0])})
    shutil.copy(pictures, folder / "bad" / "unknown.seq.nrrd")
    return folder


@pytest.fixture(scope="module")
def done(cases: Path, tmp_path_factory) -> Study:
    return run(tmp_path_factory.mktemp("done"), cases)[0]


def test_every_usable_case_has_a_row_per_run_and_bad_ones_are_listed(done: Study) -> None:
    places = [(row["patient"], row["origin"], row["data"], row["method"]) for row in done.rows]
    assert places == [
        (patient, origin, data, method)
        for patient, origin, data in (
            ("p0", "real", "pictures"),
            ("p2", "real", "pictures"),
            ("s7", "simulated", "k-space"),
        )
        for method in (REFERENCE, "sliding-window")
    ]
    reasons = {each.case: each.reason for each in done.excluded}
    assert set(reasons) == {"cut", "elsewhere", "unknown"}
    assert "truncated" in reasons["cut"]
    assert reasons["elsewhere"].startswith("mismatched geometry")
    assert reasons["unknown"].startswith("missing annotation")


def test_the_fully_sampled_pictures_show_the_tip_where_the_simulator_put_it(done: Study) -> None:
    for row in done.rows:
        if row["method"] != REFERENCE:
            continue
        last = row["frames"][-1]
        assert last["guide_true"] and last["guide_found"]
        assert last["guide_error_mm"] < 2.5  # a pixel is 2.2 mm
        assert last["visible"] and "psnr" not in last
    pictures = [row for row in done.rows if row["method"] != REFERENCE]
    assert all(20 < frame["psnr"] < 60 and frame["ssim"] < 1 for row in pictures for frame in row["frames"])
    # The simulator's truth draws the mask that Dice and contrast need; the readers' markups do not.
    for name in ("dice", "cnr"):
        assert {row["origin"] for row in done.rows for frame in row["frames"] if name in frame} == {"simulated"}
    for row in pictures:
        for frame in row["frames"]:
            # Noise power over all frequencies is the variance; the tissue is most of the middle of the picture.
            power = np.array(frame["noise_spectrum"])
            assert power.shape == (16,) and power.min() > 0
            assert 0.005 < frame["noise"] < 0.5 and frame["snr"] == pytest.approx(1 / frame["noise"], rel=0.2)
    seen = [frame for row in done.rows for frame in row["frames"] if frame["guide_true"]]
    assert seen and all(len(frame["tip_channels"]) == len(frame["beside_channels"][0]) == 8 for frame in seen)


def test_the_reader_s_points_are_kept_for_agreement(done: Study) -> None:
    truth = simulated(0).truth.frames[0]
    reading = done.rows[0]["readings"][0]
    assert (reading["reader"], reading["frame"]) == ("annotations", 0)
    np.testing.assert_allclose(reading["guide"], truth.guide_tip, atol=1e-3)


def test_a_killed_study_redoes_no_more_than_the_case_that_was_cut(done: Study, cases: Path, tmp_path: Path) -> None:
    whole = (done.journal.folder / RESULTS_FILE).read_bytes()
    lines = whole.splitlines(keepends=True)
    (tmp_path / RESULTS_FILE).write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    again, listener = run(tmp_path, cases)
    assert listener.planned == (3, 5)  # the cut run, and the two bad cases with both of their runs
    assert sorted(listener.cases) == ["bad/cut", "bad/elsewhere", "s7/x"]
    assert (tmp_path / RESULTS_FILE).read_bytes() == whole
    assert again.rows == done.rows


def test_changed_annotations_are_measured_again_and_other_code_drops_all(
    done: Study, cases: Path, tmp_path: Path
) -> None:
    shutil.copytree(done.journal.folder, tmp_path / "out")
    moved = tmp_path / "cases"
    shutil.copytree(cases / "p0", moved / "p0")
    shutil.copytree(cases / "p2", moved / "p2")
    truth = simulated(0).truth.frames[0]
    write_markups(moved / "p0" / "a.mrk.json", {"guide": truth.guide_tip + 10 * truth.axis})
    study, listener = run(tmp_path / "out", moved)
    assert listener.cases == ["p0/a"]
    # The mark lies 10 mm too deep now.
    assert study.rows[0]["frames"][-1]["guide_error_mm"] == pytest.approx(10, abs=2.5)
    # Points beside the pictures: the case is out, and its old rows with it.
    write_markups(moved / "p0" / "a.mrk.json", {"guide": np.array([900.0, 0.0, 0.0])})
    study, _ = run(tmp_path / "out", moved)
    assert {row["patient"] for row in study.rows} == {"p2"} and study.excluded[0].patient == "p0"
    assert Journal(tmp_path / "out", "another version").n_dropped == 6


def test_dask_workers_give_the_same_bytes_as_this_process(done: Study, cases: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        study, listener = run(tmp_path, cases, Schedule(scheduler=cluster.scheduler_address))
    assert len(listener.cases) == 5
    assert (tmp_path / RESULTS_FILE).read_bytes() == (done.journal.folder / RESULTS_FILE).read_bytes()
    assert study.excluded == done.excluded
    kept = {path.name: path.read_bytes() for path in (done.journal.folder / "pictures").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "pictures").iterdir()} == kept


def test_a_worker_with_other_code_refuses_its_cases(cases: Path) -> None:
    case = screened(read_folder(cases)[0])[0][0]
    task = CaseTask(case, tuple(runs_of(CONFIG)), "f")
    outcome = CaseWork(CONFIG, "cpu", "another version", home="another process")(task)
    assert outcome.rows == [] and "other code or weights" in outcome.excluded[-1].reason


def test_without_dask_and_without_a_scheduler_the_error_says_what_to_do(monkeypatch, cases, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="--workers 0"):
        run(tmp_path, cases, Schedule(n_workers=2))


def test_masks_are_drawn_from_names_and_shared_by_methods(done: Study) -> None:
    case = type("Case", (), {"key": "p0/a"})()
    first, second = (RunKey(method, 8.0, "paper", 0).mask_seed(case) for method in ("temporal", "bcrnn"))
    assert first == second
    seeds = {RunKey("temporal", r, mask, n).mask_seed(case) for r in (8, 16) for mask in ("a", "b") for n in (0, 1)}
    assert len(seeds) == 8


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / RESULTS_FILE).write_text(json.dumps({"hello": 1}) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is no result"):
        Journal(tmp_path, "v")


def test_mask_scores_are_those_of_two_shifted_boxes() -> None:
    true, found = np.zeros((1, 40, 40), bool), np.zeros((1, 40, 40), bool)
    true[0, 10:20, 10:20], found[0, 12:22, 10:20] = True, True
    scores = mask_scores(found, true, (3.0, 1.5, 1.0))
    # 80 of 100 pixels overlap; the boxes are two rows of 1.5 mm apart.
    assert scores["dice"] == pytest.approx(0.8) and scores["sensitivity"] == pytest.approx(0.8)
    assert scores["specificity"] == pytest.approx(1 - 20 / 1500, abs=1e-4)
    assert scores["hd95_mm"] == pytest.approx(3.0)
    nothing = np.zeros_like(true)
    assert set(mask_scores(found, nothing, (3.0, 1.5, 1.0))) == {"specificity"}
    assert mask_scores(nothing, true, (3.0, 1.5, 1.0))["dice"] == 0


def test_pictures_are_compared_after_one_common_gain() -> None:
    generator = np.random.default_rng(0)
    references = [generator.uniform(0, 1, (2, 32, 32)).astype(np.float32) for _ in range(2)]
    exact = picture_scores([7 * each for each in references], references)
    assert all(row["nmse"] < 1e-6 and row["ssim"] > 0.9999 for row in exact)
    noisy = picture_scores([each + 0.1 for each in references], references)
    assert all(row["psnr"] < 40 for row in noisy)
    assert picture_scores([np.zeros((1, 32, 32), np.float32)], [np.zeros((1, 32, 32), np.float32)]) == [{}]
