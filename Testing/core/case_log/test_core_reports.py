"""Tables, statistics, scheme and report of cores say the same as the cores, and nothing else."""

from __future__ import annotations

import base64
import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.core_scheme import Circle, Line, core_scheme, scheme_svg
from InstrumentTrackerLib.case_log.core_statistics import CoreStatistics, by_target
from InstrumentTrackerLib.case_log.core_table import COLUMNS, write_cores_csv, write_cores_json
from InstrumentTrackerLib.case_log.frame_picture import FIELD_MM, PIXELS_PER_MM, frame_picture
from InstrumentTrackerLib.case_log.provenance import Provenance
from InstrumentTrackerLib.case_log.report import ReportCase, html_report
from InstrumentTrackerLib.track_table import COLUMNS as TRACK_COLUMNS
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from marked_cores import NOON, core
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError

# Sideways 3, 4, 5, 10 mm at a depth of 0, so that the distance is the same.
OFFSETS = (3.0, 4.0, 5.0, 10.0)


def some_cores() -> list:
    measured = [core(n, target=(offset, 0.0, 0.0), radius_mm=6.0) for n, offset in enumerate(OFFSETS, 1)]
    return [*measured, core(5, state=TrackingState.LOST, target_name="right mid")]


def test_the_table_uses_the_names_of_the_track_and_leaves_unknown_cells_empty(tmp_path: Path) -> None:
    write_cores_csv(tmp_path / "cores.csv", [("case A", some_cores())])
    with (tmp_path / "cores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(TRACK_COLUMNS) <= set(rows[0]) == set(COLUMNS)
    assert rows[3]["distance_mm"] == "10.000"
    assert rows[3]["would_sample"] == "0"
    assert rows[0]["guide_tip_s"] == "-22.000"
    assert rows[4]["state"] == "lost"
    assert {rows[4][name] for name in ("distance_mm", "needle_tip_r", "axis_s", "would_sample", "verdict")} == {""}
    assert rows[0]["time_utc"].endswith("Z")


def test_json_keeps_all_digits(tmp_path: Path) -> None:
    cores = [core(1, target=(1 / 3, 0.0, 0.0))]
    write_cores_json(tmp_path / "cores.json", [("case A", cores)])
    read = json.loads((tmp_path / "cores.json").read_text())["cases"][0]["cores"][0]
    assert read["target"][0] == 1 / 3
    with pytest.raises(InputError, match="does not exist"):
        write_cores_json(tmp_path / "missing" / "cores.json", [])


def test_statistics_are_those_of_numpy_over_the_measured_cores() -> None:
    found = CoreStatistics.of(some_cores())
    assert (found.n, found.n_measured, found.n_judged, found.hits) == (5, 4, 4, 3)
    assert found.distance_mm is not None
    assert found.distance_mm.median == 4.5
    assert found.distance_mm.p95 == pytest.approx(np.percentile(OFFSETS, 95))
    assert found.distance_mm.interval is not None
    low, high = found.distance_mm.interval
    assert 3.0 <= low <= 4.5 <= high <= 10.0
    assert list(by_target(some_cores())) == ["left apex", "right mid"]
    nothing = by_target(some_cores())["right mid"]
    assert (nothing.n, nothing.n_measured, nothing.distance_mm) == (1, 0, None)
    assert CoreStatistics.of([core(1)]).distance_mm.interval is None  # type: ignore[union-attr]


def test_the_interval_of_the_median_covers_as_often_as_it_says() -> None:
    """Over 60 samples of 15 cores each; the true median of the absolute normal offset is 0.6745."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        cores = [CoreRecord(n, 0.0, lateral_mm=abs(offset)) for n, offset in enumerate(rng.normal(size=15), 1)]
        spread = CoreStatistics.of(cores).lateral_mm
        assert spread is not None
        assert spread.interval is not None
        covered += spread.interval[0] <= 0.6745 <= spread.interval[1]
    assert 0.85 <= covered / 60 <= 1.0


def test_the_scheme_is_true_to_scale() -> None:
    """Target 5 mm aside and 12 mm ahead, core from 0 to 18 mm."""
    scheme = core_scheme(core(1))
    assert scheme is not None
    target = next(shape for shape in scheme.shapes if isinstance(shape, Circle) and shape.radius == 6.0)
    taken = next(shape for shape in scheme.shapes if isinstance(shape, Line) and shape.width == 1.6)
    tip_x, tip_y = taken.x1, taken.y1
    assert (target.x - tip_x, tip_y - target.y) == pytest.approx((5.0, 12.0))
    assert tip_y - taken.y2 == pytest.approx(18.0)
    assert 0.0 < target.x - 6.0 < target.x + 6.0 < scheme.width
    svg = ElementTree.fromstring(scheme_svg(scheme, 30, 40))
    assert svg.get("viewBox") == f"0 0 {scheme.width:.2f} {scheme.height:.2f}"
    assert core_scheme(core(1, state=TrackingState.LOST)) is None


class Tags(HTMLParser):
    """Tags in order, images, and whether all that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        """Nothing to close."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def a_report(tmp_path: Path) -> str:
    log = CaseLog(tmp_path, "case <A> & B")
    for record in some_cores():
        log.append(record, b"\x89PNG", Provenance(method="temporal", weights_sha256="ab" * 32, device="cpu"))
    log.edit_note(1, "<script>alert(1)</script>", NOON)
    log.remove(4, "no tissue & empty", NOON)
    assert log.close(5.0)
    return html_report(ReportCase.of(log), log.picture)


def test_the_report_is_one_whole_file_without_network(tmp_path: Path) -> None:
    text = a_report(tmp_path)
    tags = Tags(text)
    assert tags.open == []
    assert len(tags.sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in tags.sources)
    assert base64.b64decode(tags.sources[0].partition(",")[2]) == b"\x89PNG"
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", text) == []


def test_the_report_says_everything_that_must_be_said(tmp_path: Path) -> None:
    text = a_report(tmp_path)
    for words in ("Research software, not a medical device", "case &lt;A&gt; &amp; B", "temporal", "ab" * 32, "cpu"):
        assert words in text, words
    assert "&lt;script&gt;" in text
    assert "<script>" not in text
    assert "not measured: lost" in text
    assert "no tissue &amp; empty" in text
    assert text.count("<svg") == 3, "one scheme for each measured core that is left"


def test_an_empty_case_has_a_report_too() -> None:
    assert "Research software" in html_report(ReportCase("empty", ()), lambda _: None)


def test_the_picture_of_a_frame_shows_tip_core_and_target_in_their_places() -> None:
    """Columns run along R, rows along S, 1 mm apart; the tip at the origin is the middle of the picture."""
    ijk_to_ras = np.array([[1.0, 0, 0, -50], [0, 0, 1.0, 0], [0, 1.0, 0, -50], [0, 0, 0, 1]])
    image = ImageFrame(np.full((1, 101, 101), 10.0, np.float32), ijk_to_ras)
    picture = frame_picture(image, core(1, target=(10.0, 0.0, 12.0), radius_mm=4.0))
    assert picture.shape == (*(round(length * PIXELS_PER_MM) for length in FIELD_MM[::-1]), 3)
    rows, columns = picture.shape[:2]

    def at(r: float, s: float) -> list[int]:
        return picture[round(rows / 2 + PIXELS_PER_MM * s), round(columns / 2 + PIXELS_PER_MM * r)].tolist()

    assert at(0.0, 0.0) == [255, 255, 255]
    assert at(0.0, 10.0) == [230, 159, 0]
    assert at(0.0, 19.0) == at(30.0, 0.0), "the core ends at 18 mm"
    assert at(10.0, 12.0) == [221, 136, 180]
    assert at(14.0, 12.0) == [221, 136, 180]
