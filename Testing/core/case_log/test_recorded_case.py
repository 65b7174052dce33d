"""A recorded case is read back with cores, track and pictures in their places, and a broken file is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.recorded_case import load_case
from InstrumentTrackerLib.case_log.track_reader import read_track
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.track_table import COLUMNS, write_track
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from marked_cores import core
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence
from TemporalReconLib.errors import InputError

AXIS = np.array([0.6, 0.0, 0.8])


def a_track(path: Path) -> list:
    rows = []
    for index in range(3, 9):
        tip = np.array([0.1 * index, 2.0, 3.0])
        rows.append(
            (
                TrackedPose(TrackingState.TRACKED, tip - 20 * AXIS, tip, AXIS, 0.75, index=index, time_s=0.5 * index),
                TargetingError.of(tip, AXIS, (10.0, 2.0, 20.0)),
            )
        )
    rows.append((TrackedPose(TrackingState.LOST, index=9, time_s=4.5), None))
    write_track(path, rows)
    return rows


def test_a_track_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = a_track(tmp_path / "track.csv")
    for (pose, error), (read, found) in zip(rows, read_track(tmp_path / "track.csv"), strict=True):
        assert (read.state, read.index, read.time_s) == (pose.state, pose.index, pose.time_s)
        if error is None:
            assert found is None
            assert read.tip is None
            continue
        np.testing.assert_allclose(read.needle_tip, pose.needle_tip, atol=1e-3)
        np.testing.assert_allclose(read.axis, AXIS, atol=1e-5)
        assert found is not None
        assert found.distance_mm == pytest.approx(error.distance_mm, abs=1e-3)
        assert found.angle_deg == pytest.approx(error.angle_deg, abs=1e-3)


@pytest.mark.parametrize(
    ("column", "text", "complaint"),
    [
        ("state", "found", "line 2: state: 'found' is none of tracked"),
        ("frame", "1.5", "line 2: frame: '1.5'"),
        ("confidence", "high", "line 2: confidence: 'high'"),
        ("needle_tip_a", "", "line 2: needle_tip_a: missing"),
        ("axis_s", "0.1", "line 2: axis_r: .* length"),
        ("distance_mm", "inf", "line 2: distance_mm: 'inf'"),
    ],
)
def test_a_broken_track_names_file_line_and_column(tmp_path: Path, column: str, text: str, complaint: str) -> None:
    path = tmp_path / "track.csv"
    a_track(path)
    lines = path.read_text().splitlines()
    values = lines[1].split(",")
    values[COLUMNS.index(column)] = text
    path.write_text("\n".join([lines[0], ",".join(values)]) + "\n")
    with pytest.raises(InputError, match=f"track.csv: {complaint}"):
        read_track(path)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"other.csv: no column 'frame'"):
        read_track(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"other.csv"):
        read_track(path)


def a_folder(tmp_path: Path, with_track: bool, with_series: bool) -> Path:
    log = CaseLog(tmp_path, "case")
    log.append(core(1))  # frame 7
    assert log.close()
    if with_track:
        a_track(log.folder / "track.csv")
    if with_series:
        images = [
            ImageFrame(np.full((1, 8, 8), float(index), np.float32), np.eye(4), index, 0.5 * index, 0.5 * index)
            for index in range(6)
        ]
        write_image_sequence(log.folder / "pictures.seq.nrrd", images)
    return log.folder


def test_track_pictures_and_cores_meet_by_frame_number(tmp_path: Path) -> None:
    case = load_case(a_folder(tmp_path, with_track=True, with_series=True))
    assert [frame.index for frame in case.frames] == list(range(10))
    assert [frame.image is not None for frame in case.frames] == [True] * 6 + [False] * 4
    assert [frame.tracked is not None for frame in case.frames] == [False] * 3 + [True] * 7
    image = case.frames[4].image
    assert image is not None
    assert float(image.data.mean()) == 4.0
    assert case.frame_of(case.records[0]) == 7
    assert case.core_at(0) == case.records[0]


def test_without_a_track_the_cores_themselves_are_the_moments(tmp_path: Path) -> None:
    case = load_case(a_folder(tmp_path, with_track=False, with_series=False))
    assert [frame.index for frame in case.frames] == [7]
    tracked = case.frames[0].tracked
    assert tracked is not None
    np.testing.assert_array_equal(tracked.needle_tip, [0, 0, 0])


def test_a_track_alone_is_a_case_without_cores(tmp_path: Path) -> None:
    a_track(tmp_path / "track.csv")
    case = load_case(tmp_path / "track.csv")
    assert case.records == ()
    assert len(case.frames) == 7
    assert case.core_at(0) is None


def test_reading_a_case_changes_nothing_on_disk(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, with_track=False, with_series=False)
    path = folder / "cores.jsonl"
    path.write_bytes(path.read_bytes() + b'{"torn')
    before = path.read_bytes()
    assert len(load_case(folder).records) == 1
    assert path.read_bytes() == before


def test_a_broken_series_is_named(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, with_track=False, with_series=False)
    (folder / "pictures.nrrd").write_bytes(b"no nrrd")
    with pytest.raises(InputError, match=r"pictures.nrrd"):
        load_case(folder)
