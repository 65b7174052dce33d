"""A marked core holds what the display showed at that moment, and nothing that was not true."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.core_table import write_cores_csv, write_cores_json
from InstrumentTrackerLib.case_log.core_text import at_least
from InstrumentTrackerLib.case_log.marking import core_record, reason_without_numbers
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from marked_cores import NOON, core, shown
from TemporalReconLib.errors import InputError


def test_a_core_marked_with_a_tracked_needle_holds_its_errors() -> None:
    record = core(3)
    assert record.name == "Core 3 (left apex)"
    assert record.tip_kind == "needle"
    assert record.lateral_mm == pytest.approx(5.0)  # hypot(3, 4)
    assert record.depth_mm == pytest.approx(12.0)
    assert record.distance_mm == pytest.approx(13.0)
    assert record.angle_deg == pytest.approx(math.degrees(math.atan2(5, 12)))
    assert record.core_mm == (0.0, 18.0)
    assert record.core_points == ((0.0, 0.0, 0.0), (0.0, 0.0, 18.0))
    assert record.core_miss_mm == pytest.approx(5.0)
    assert record.would_sample is True
    assert (record.frame, record.time_s, record.picture_age_s) == (7, NOON - 0.2, 0.2)


def test_the_core_of_a_fired_needle_lies_behind_its_tip() -> None:
    record = core(1, has_fired=True)
    assert record.core_points == ((0.0, 0.0, -22.0), (0.0, 0.0, -4.0))
    assert record.core_miss_mm == pytest.approx(math.hypot(5, 16))
    assert record.would_sample is False


def test_a_tip_unknown_through_the_picture_gives_bounds_and_no_promise() -> None:
    """Through A nothing is known: what is left of the sideways offset (3, 4) is its 3 mm along R."""
    record = core(1, tip_covariance=np.diag([0.1, 1e6, 0.1]))
    assert record.is_partly_unknown
    assert record.verdict == "unsure"
    assert record.would_sample is None
    assert record.lateral_mm == pytest.approx(3.0)
    assert record.core_miss_mm == pytest.approx(3.0)
    assert at_least(record, record.lateral_mm) == "\N{GREATER-THAN OR EQUAL TO} 3.0 mm"


def test_a_core_within_the_target_but_not_its_margin_is_an_edge() -> None:
    assert core(1, radius_mm=6.5).verdict == "hit"
    assert core(1, radius_mm=5.5).verdict == "edge"
    assert core(1, radius_mm=5.5).would_sample is True
    assert core(1, radius_mm=4.5).verdict == "miss"


@pytest.mark.parametrize(
    ("guidance", "state", "reason"),
    [
        (shown(state=TrackingState.LOST), "lost", "lost"),
        (shown(state=TrackingState.ABSENT), "absent", "no instrument"),
        (shown(age_s=0.51), "stale", "too old"),
        (shown(age_s=math.nan), "stale", "too old"),
        (None, "no guidance", "not running"),
    ],
)
def test_without_true_numbers_a_core_has_none(guidance: object, state: str, reason: str) -> None:
    record = core_record(1, NOON, guidance)  # type: ignore[arg-type]
    assert record.state == state
    assert reason in reason_without_numbers(guidance)  # type: ignore[arg-type]
    assert not record.has_measurement
    for name in ("distance_mm", "lateral_mm", "depth_mm", "angle_deg", "probability", "would_sample", "core_points"):
        assert getattr(record, name) is None, name
    assert record.target_name == ("" if guidance is None else "left apex")


def test_without_a_target_the_tip_is_kept_and_no_error_is_made_up() -> None:
    record = core(1, target=None)
    assert record.has_measurement
    assert record.core_points is not None
    assert record.distance_mm is None
    assert record.would_sample is None
    assert record.name == "Core 1"


@pytest.mark.parametrize("record", [core(2), core(3, state=TrackingState.LOST), core(4, target=None)])
def test_a_record_survives_json(record: CoreRecord) -> None:
    assert CoreRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_a_record_with_the_former_names_of_its_times_is_still_read() -> None:
    line = '{"number": 2, "time_s": 1795000120.0, "state": "tracked", "frame": 7, "frame_time_s": 1794999999.8}'
    record = CoreRecord.from_dict(json.loads(line))
    assert (record.marked_at_s, record.time_s) == (1795000120.0, 1794999999.8)
    unmeasured = CoreRecord.from_dict({"number": 3, "time_s": 1795000180.0})
    assert (unmeasured.marked_at_s, unmeasured.time_s) == (1795000180.0, None)
    assert CoreRecord.from_dict(record.to_dict()) == record


def test_a_time_bears_the_same_name_in_the_table_and_in_json(tmp_path: Path) -> None:
    cases = [("case", [core(3)])]
    write_cores_csv(tmp_path / "cores.csv", cases)
    write_cores_json(tmp_path / "cores.json", cases)
    with (tmp_path / "cores.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    record = json.loads((tmp_path / "cores.json").read_text(encoding="utf-8"))["cases"][0]["cores"][0]
    assert float(row["time_s"]) == record["time_s"] == NOON - 0.2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"distance_mm": "near"}, "distance_mm: 'near' is not a finite number"),
        ({"lateral_mm": math.inf}, "lateral_mm"),
        ({"target": [1, 2]}, "target: .* three finite numbers"),
        ({"number": 0}, "number: 0"),
        ({"number": None}, "number"),
        ({"has_fired": 1}, "has_fired: 1 is not of type bool"),
        ({"speed": 1}, "speed: unknown field"),
    ],
)
def test_a_wrong_field_is_named(change: dict, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        CoreRecord.from_dict(core(1).to_dict() | change)


def test_times_are_written_in_utc() -> None:
    assert CoreRecord(1, 0.0).time_utc == "1970-01-01T00:00:00.000Z"
