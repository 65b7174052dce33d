"""Readers' answers become rows of the same analysis: errors, misses, times, agreement, noninferiority."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from InstrumentTrackerLib.__main__ import main
from InstrumentTrackerLib.evaluation.study.cases.study_config import StudyConfig
from InstrumentTrackerLib.evaluation.study.report.reading_section import (
    ALL_READERS,
    CONFIDENCE,
    FALSE_MARKS,
    NOT_VISIBLE,
    SECONDS,
    ReadingSection,
)
from InstrumentTrackerLib.evaluation.study.report.report import write_report
from InstrumentTrackerLib.evaluation.study.report.section import FULL, Condition, sections_of
from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import Outcome
from InstrumentTrackerLib.reading.answers import AnswerFile, answers_file
from InstrumentTrackerLib.reading.joined import join_reading
from InstrumentTrackerLib.reading.reading_key import read_key
from InstrumentTrackerLib.reading.reading_list import read_list
from InstrumentTrackerLib.reading.reading_session import ReadingSession, ReadingState
from planted_readings import planted_reading
from planted_rows import planted_rows, study_of
from small_cases import write_markups, write_picture_case
from TemporalReconLib.errors import InputError

CONFIG = StudyConfig(methods=("temporal",), accelerations=(8.0, 16.0))
ROWS = {("temporal", 8.0): (0.0, 0.0), ("temporal", 16.0): (0.0, 0.0)}
EFFECTS = {("reference", 1.0): (1.0, 0.0), ("temporal", 8.0): (1.0, 0.0), ("temporal", 16.0): (4.0, 0.3)}
R16 = Condition("temporal", 16.0, "paper")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return planted_rows(CONFIG, ROWS, 30, 2)


@pytest.fixture(scope="module")
def readings(rows: list[dict[str, Any]]) -> ReadingSection:
    return ReadingSection(sections_of(rows, CONFIG)[0], planted_reading(EFFECTS, n_patients=60))


def test_each_reader_and_all_readers_have_the_planted_numbers(readings: ReadingSection) -> None:
    assert readings.readers == [1, 2, 3]
    found = readings.measures["reader 2", FULL]
    by_key = {measure.key: each for measure, each in found.items()}
    assert by_key["error_mean"].value == pytest.approx(np.hypot(1, 2), abs=0.1)
    assert by_key["success"].value == 1.0
    assert found[NOT_VISIBLE].value == 0.0 and found[FALSE_MARKS].value == 0.0
    assert (found[SECONDS].value, found[SECONDS].n) == (60.0, 60)
    unseen = readings.measures[ALL_READERS, R16][NOT_VISIBLE]
    assert unseen.value == pytest.approx(0.3, abs=0.08) and unseen.n == 3 * 48
    assert unseen.low < 0.3 < unseen.high
    assert (
        readings.measures[ALL_READERS, R16][CONFIDENCE].value < readings.measures[ALL_READERS, FULL][CONFIDENCE].value
    )


def test_readers_against_their_own_reading_of_full_sampling(rows: list[dict[str, Any]]) -> None:
    # As many patients as it takes to exclude a loss of five points where none is seen.
    tested = ReadingSection(sections_of(rows, CONFIG)[0], planted_reading(EFFECTS, n_patients=110)).tested[0]
    assert [each.condition.acceleration for each in tested] == [8.0, 16.0]
    assert [each.outcome for each in tested] == [Outcome.NONINFERIOR, Outcome.WORSE]
    first = tested[0].comparison
    assert first.penalized_mm.value == pytest.approx(0.0, abs=0.05)
    assert (first.n_patients, first.n_frames) == (88, 264)


def test_readers_agree_up_to_what_was_planted_between_them(readings: ReadingSection) -> None:
    agreement = readings.agreement
    assert agreement.readers == ("reader 1", "reader 2", "reader 3")
    first = agreement.pairs[0]
    assert first.names == ("reader 1", "reader 2")
    assert first.limits[1].bias.value == pytest.approx(-1.0, abs=0.05)
    assert first.limits[0].bias.value == pytest.approx(0.0, abs=0.05)
    by_condition = readings.agreement_by_condition()
    assert by_condition[FULL].n_frames == 48 > by_condition[R16].n_frames


def test_the_report_shows_readers_beside_the_product_and_the_tables_hold_them(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    reading = planted_reading(EFFECTS)
    reading = replace(reading, answered={**reading.answered, 3: (80, 90)})
    write_report(tmp_path, replace(study_of(tmp_path, CONFIG, rows), reading=reading))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in (
        "Readers: 3 readers, 270 readings",
        "reader 3 has read 80 of 90",
        "two-way bootstrap",
        "Agreement of the readers",
        "said not visible",
        "all readers",
    ):
        assert words in text
    with (tmp_path / "readings.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 270
    errors = [float(line["error_mm"]) for line in lines if line["method"] == "reference" and line["error_mm"]]
    with (tmp_path / "measures.csv").open(encoding="utf-8") as file:
        measure = next(
            line
            for line in csv.DictReader(file)
            if (line["reader"], line["method"], line["measure"]) == (ALL_READERS, "reference", "error_mean")
        )
    assert float(measure["value"]) == pytest.approx(np.mean(errors), rel=1e-4)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["sections"][0]["reader_study"]
    assert summary["answered"]["3"] == [80, 90] and len(summary["measures"]) == 12


def test_one_reader_and_few_patients_are_defined(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    reading = planted_reading(EFFECTS, n_readers=1, n_patients=4)
    write_report(tmp_path, replace(study_of(tmp_path, CONFIG, rows), reading=reading))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 reader, 12 readings" in text and "too few patients" in text and "<td>all readers</td>" not in text


def test_readings_of_conditions_that_the_study_does_not_have_are_counted_not_mixed(rows: list[dict[str, Any]]) -> None:
    reading = planted_reading({**EFFECTS, ("bcrnn", 8.0): (0.0, 0.0)}, n_patients=10)
    found = ReadingSection(sections_of(rows, CONFIG)[0], reading)
    assert found.n_other == 30 and all(condition.method != "bcrnn" for _, condition in found.measures)


def read_all(folder: Path, key_file: Path, reader: int, offset_mm: float) -> None:
    """A reader who marks every tip that far beside its place, and sees when there is none."""
    key, content = read_key(key_file), read_list(folder, reader)
    session = ReadingSession(content, AnswerFile(folder, content))
    while session.state is not ReadingState.FINISHED:
        session.go_on()
        session.shown()
        tip = key.pictures[session.picture].tip
        if tip is None:
            session.mark_not_visible()
        else:
            session.mark((tip[0] + offset_mm, tip[1], tip[2]))
        session.rate(3)
        session.finish_picture()
    assert session.answers.close()


def test_from_cases_over_pictures_and_answers_to_the_report(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    cases, folder, key = tmp_path / "cases", tmp_path / "readers", tmp_path / "key.json"
    for patient, seed in (("p0", 0), ("p1", 2)):
        write_picture_case(cases, patient, "a", seed=seed, frames=1)
    config = tmp_path / "study.json"
    config.write_text(
        json.dumps({"methods": ["zero-filled"], "accelerations": [2], "segmenter": "classical"}), encoding="utf-8"
    )
    words = ["--config", config, "--device", "cpu"]

    def run(*command: object) -> int:
        return main([str(word) for word in [*command, *words]])

    assert run("reading-list", cases, "--output", folder, "--key", key, "--readers", 2) == 0
    study = ["evaluate", cases, "--output", tmp_path / "out", "--workers", 0]
    joined = ["--reading", folder, "--reading-key", key]
    assert run(*study, *joined) == 2
    assert "nobody has read anything" in capsys.readouterr().err
    assert not (tmp_path / "out").exists(), "refused before the hours of computing"
    read_all(folder, key, 1, 2.0)
    read_all(folder, key, 2, 7.0)
    assert run(*study, *joined) == 0
    errors = defaultdict(set)
    with (tmp_path / "out" / "readings.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            errors[line["reader"]].add(float(line["error_mm"]))
    assert {reader: {round(value, 3) for value in values} for reader, values in errors.items()} == {
        "1": {2.0},
        "2": {7.0},
    }
    # A case whose annotation was changed since the pictures were made does not count any more.
    write_markups(cases / "p1" / "a.mrk.json", {"guide tip": np.array(read_key(key).pictures["1"].tip)})
    assert run(*study, *joined) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert [each["reason"] for each in summary["excluded"]] == [
        "read, but pictures or annotations have changed since then"
    ]
    assert run(*study, *joined[:2]) == 2
    assert "belong together" in capsys.readouterr().err
    other = tmp_path / "other.json"
    other.write_text(key.read_text(encoding="utf-8").replace(read_key(key).reading, "0123456789ab"), encoding="utf-8")
    with pytest.raises(InputError, match="the key is of 0123456789ab"):
        join_reading(folder, other, "guide", {})
    with pytest.raises(InputError, match="the study is about the needle tip"):
        join_reading(folder, key, "needle", {})
    answers_file(folder, 1).unlink()
    assert {row.reader for row in join_reading(folder, key, "guide", {}).rows} == set()
