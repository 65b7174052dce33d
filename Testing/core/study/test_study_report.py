"""The report says what was planted, stands alone, and never pools real with simulated cases."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.__main__ import main
from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion
from InstrumentTrackerLib.evaluation.study.cases.study_config import StudyConfig
from InstrumentTrackerLib.evaluation.study.report.noise_figure import mean_spectrum
from InstrumentTrackerLib.evaluation.study.report.reader_agreement import reader_agreement
from InstrumentTrackerLib.evaluation.study.report.report import write_report
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Condition, Section, sections_of
from InstrumentTrackerLib.evaluation.study.report.verdict_text import verdict_lines
from InstrumentTrackerLib.evaluation.study.runs.run_key import RunKey
from planted_rows import planted_rows, study_of
from small_cases import write_picture_case

CONFIG = StudyConfig(methods=("temporal", "nontemporal"), accelerations=(8.0, 16.0, 32.0))
EFFECTS = {
    ("temporal", 8.0): (0.0, 0.0),
    ("temporal", 16.0): (0.1, 0.0),
    ("temporal", 32.0): (1.5, 0.1),
    ("nontemporal", 8.0): (2.0, 0.3),
    ("nontemporal", 16.0): (0.0, 0.0),  # looks fine, but comes after one that is not
    ("nontemporal", 32.0): (5.0, 0.6),
}
REASON = "missing annotation: <b>no</b> tip.mrk.json"


class Tags(HTMLParser):
    """Collects what a browser would have to load, and that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.images_without_text = 0
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.sources += [str(values[name]) for name in ("src", "href") if name in values]
        self.images_without_text += tag == "img" and not values.get("alt")
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return planted_rows(CONFIG, EFFECTS, 80, n_frames=10) + planted_rows(CONFIG, EFFECTS, 12, 5, "simulated", seed=9)


@pytest.fixture(scope="module")
def written(rows, tmp_path_factory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("report")
    study = study_of(folder, CONFIG, rows, [Exclusion("r99", "scan", REASON)])
    picture = {"reference": np.full((60, 60), 90, np.uint8), "picture": np.full((60, 60), 40, np.uint8)}
    picture |= {"true": np.array([30.0, 31.0]), "found": np.full(2, np.nan), "pixel_mm": np.array([1.1, 1.1])}
    for row in rows:
        if row["method"] == "temporal" and row["acceleration"] == 32:
            run = RunKey("temporal", 32.0, "paper", 0)
            np.savez(study.journal.picture_file(row["patient"], row["case"], run), **picture)
    return folder, write_report(folder, study)


def test_the_verdict_names_the_highest_safe_acceleration_and_what_was_not_tested(written) -> None:
    lines = written[1]
    assert len(lines) == 4
    assert "Real cases, 80 patients: temporal (paper mask) is noninferior to full sampling up to R = 16" in lines[0]
    assert "R = 32: worse than the margins allow" in lines[0]
    assert "nontemporal (paper mask): noninferiority to full sampling is shown at no acceleration" in lines[1]
    assert "R = 16, 32: not tested" in lines[1]
    assert lines[2].startswith("Simulated cases, 12 patients")


def test_the_page_stands_alone_and_is_well_formed(written) -> None:
    folder, _ = written
    text = (folder / "report.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.open == [] and tags.images_without_text == 0
    assert len(tags.sources) >= 12 and all(source.startswith("data:image/") for source in tags.sources)
    assert "<script" not in text and "@import" not in text and "url(" not in text
    assert len(text) < 10e6
    # What comes from files is text, not markup.
    assert "&lt;b&gt;no&lt;/b&gt;" in text and REASON not in text


def test_the_page_says_what_cannot_be_concluded(written) -> None:
    text = (written[0] / "report.html").read_text(encoding="utf-8")
    for words in (
        "Simulated cases say nothing about patients",
        "Pictures were undersampled in retrospect",
        "is not “worse”",
        "never pooled",
        "1 case or runs took no part",
        "Worst cases",
        "Agreement of readers",
    ):
        assert words in text


def test_the_numbers_beside_it_are_those_of_the_rows(written, rows) -> None:
    folder, _ = written
    with (folder / "measures.csv").open(encoding="utf-8") as file:
        measures = list(csv.DictReader(file))
    found = [
        float(frame["guide_error_mm"])
        for row in rows
        if (row["origin"], row["method"], row["acceleration"]) == ("real", "temporal", 16.0)
        for frame in row["frames"]
        if "guide_error_mm" in frame
    ]
    line = next(
        each
        for each in measures
        if (each["origin"], each["method"], each["acceleration"], each["measure"])
        == ("real", "temporal", "16", "error_mean")
    )
    assert float(line["value"]) == pytest.approx(np.mean(found), rel=1e-5)
    assert (int(line["frames"]), int(line["patients"])) == (len(found), 80)
    assert float(line["low"]) < float(line["value"]) < float(line["high"])
    with (folder / "frames.csv").open(encoding="utf-8") as file:
        assert sum(1 for _ in file) == 1 + sum(len(row["frames"]) for row in rows)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert [section["origin"] for section in summary["sections"]] == ["real", "simulated"]
    outcomes = {
        (each["method"], each["acceleration"]): each["outcome"] for each in summary["sections"][0]["noninferiority"]
    }
    assert outcomes["temporal", 16.0] == "noninferior" and outcomes["nontemporal", 16.0] == "not tested"
    assert summary["excluded"] == [{"patient": "r99", "case": "scan", "reason": REASON}]


def test_picture_quality_is_that_of_the_rows(rows, written) -> None:
    section = sections_of(rows, CONFIG)[0]
    for acceleration, distance in ((8.0, 2.0), (32.0, 0.5)):
        found = {
            measure.key: each
            for measure, each in section.measures[Condition("temporal", acceleration, "paper")].items()
        }
        assert found["noise"].value == pytest.approx(acceleration / 200)
        assert found["snr"].value == pytest.approx(200 / acceleration)
        assert found["detectability"].value == pytest.approx(distance, abs=0.2)
        # Made from other patients, the observer is a little worse than the best one.
        assert found["detectability"].low - 0.1 < distance < found["detectability"].high + 0.1
        spectrum = mean_spectrum(section.frames[Condition("temporal", acceleration, "paper")])
        assert spectrum == pytest.approx([acceleration / (1 + n) for n in range(16)])
    full = {measure.key: each for measure, each in section.measures[FULL].items()}
    assert full["noise"] is None and full["detectability"].value == pytest.approx(4.0, abs=0.3)
    text = (written[0] / "report.html").read_text(encoding="utf-8")
    assert "noise power spectra" in text and "detectability d&#x27; of the tip" in text


def test_false_alarms_count_frames_without_instrument_only(rows) -> None:
    section = sections_of(rows, CONFIG)[0]
    alarms = section.measures[FULL][next(m for m in section.measures[FULL] if m.key == "false_alarms")]
    empty = [
        frame for row in section.rows if row["method"] == "reference" for frame in row["frames"] if not frame["visible"]
    ]
    assert alarms.n == len(empty) == 80
    assert alarms.value == pytest.approx(np.mean([frame["has_numbers"] for frame in empty]))


def test_pairs_are_the_same_frames_of_both(rows) -> None:
    section = sections_of(rows, CONFIG)[0]
    pairs = section.pairs(Condition("temporal", 16.0, "paper"))
    assert pairs.errors_mm.size == 80 * 9  # nine of ten frames show the tip
    # The planted shift, in every frame that both found.
    assert np.nanmean(pairs.errors_mm - pairs.reference_mm) == pytest.approx(0.1, abs=0.06)


def test_a_run_that_is_missing_leaves_its_pairs_out_and_nothing_else(rows) -> None:
    lacking = [row for row in rows if not (row["patient"] == "r03" and row["method"] == "temporal")]
    section = sections_of(lacking, CONFIG)[0]
    assert section.pairs(Condition("temporal", 8.0, "paper")).n_patients == 79
    assert section.pairs(Condition("nontemporal", 8.0, "paper")).n_patients == 80


def test_readers_are_compared_on_the_frames_that_both_marked(rows) -> None:
    agreement = reader_agreement(sections_of(rows, CONFIG)[0])
    assert agreement.readers == ("annotations", "ann") and agreement.n_frames == 80
    bias = agreement.pairs[0].limits[0].bias
    assert bias.low < -0.5 < bias.high  # planted
    assert agreement.correlations[0].value > 0.99
    alone = [row | {"readings": row.get("readings", [])[:1]} for row in rows]
    assert reader_agreement(sections_of(alone, CONFIG)[0]) is None


def test_all_failures_of_one_method_and_few_patients_are_reported_not_raised(tmp_path: Path) -> None:
    config = replace(CONFIG, methods=("temporal",), accelerations=(8.0,))
    failing = planted_rows(config, {("temporal", 8.0): (0.0, 50.0)}, 14, 4)
    lines = write_report(tmp_path, study_of(tmp_path, config, failing))
    assert "R = 8: worse than the margins allow" in lines[0]
    (tmp_path / "few").mkdir()
    few = planted_rows(config, {("temporal", 8.0): (0.0, 0.0)}, 1, 3)
    assert "no conclusion; 1 patient" in write_report(tmp_path / "few", study_of(tmp_path / "few", config, few))[0]


def test_no_usable_case_is_said(tmp_path: Path) -> None:
    lines = write_report(tmp_path, study_of(tmp_path, CONFIG, [], [Exclusion("p", "c", "no")]))
    assert lines == ["Nothing can be concluded: no case could be used; report.html lists why."]
    assert "no case could be used" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_command_names_what_is_left_out_and_fails_where_nothing_is_usable(tmp_path: Path, capsys) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("patient,case,input,annotations\np,gone,gone.nrrd,none\n", encoding="utf-8")
    words = ["evaluate", table, "--output", tmp_path / "out", "--workers", 0, "--device", "cpu"]
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().out
    assert re.search(r"left out: p/gone: .*gone\.nrrd", said)
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_needle_without_any_annotation_leaves_no_verdict(rows) -> None:
    section = Section("real", rows[:70], replace(CONFIG, point="needle"))
    assert all("no conclusion; 0 patients with a known needle tip" in line for line in verdict_lines(section))


def test_the_command_goes_from_a_folder_to_the_report(tmp_path: Path, capsys) -> None:
    write_picture_case(tmp_path / "cases", "p0", "a", seed=0, frames=1)
    config = tmp_path / "study.json"
    config.write_text(
        json.dumps({"methods": ["zero-filled"], "accelerations": [2], "segmenter": "classical"}), encoding="utf-8"
    )
    words = ["evaluate", tmp_path / "cases", "--config", config, "--output", tmp_path / "out", "--workers", 0]
    assert main([str(word) for word in [*words, "--device", "cpu"]]) == 0
    printed = capsys.readouterr()
    assert "no conclusion; 1 patient" in printed.out and "report.html" in printed.out
    assert "case 1/1" in printed.err
    provenance = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["provenance"]
    assert provenance["config"]["methods"] == ["zero-filled"]
    assert re.fullmatch(r"[0-9a-f]{16}", provenance["results_version"])
    assert provenance["packages"]["torch"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["missing"], "no such folder or table"),
        ([".", "--workers", "-1"], "--workers -1"),
        ([".", "--worker-memory", "0"], "--worker-memory 0"),
        ([".", "--config", "missing.toml"], "missing.toml: cannot be read"),
    ],
)
def test_wrong_words_are_refused_in_one_line(tmp_path: Path, monkeypatch, capsys, words, expected) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *words, "--output", "out"]) == 2
    error = capsys.readouterr().err
    assert expected in error and error.count("\n") == 1
