"""``track.csv`` against its contract."""

import csv

import numpy as np
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.track_table import write_track
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

CONTRACT = (
    "frame,time_s,state,confidence,guide_tip_r,guide_tip_a,guide_tip_s,needle_tip_r,needle_tip_a,needle_tip_s,"
    "axis_r,axis_a,axis_s,distance_mm,lateral_mm,depth_mm,angle_deg"
)


def test_the_table_has_the_contract_columns_and_empty_cells_for_what_is_not_known(tmp_path):
    tracked = TrackedPose(TrackingState.TRACKED, [1, 2, 3], None, [0, 0, 1], 0.9, index=4, time_s=1.5)
    lost = TrackedPose(TrackingState.LOST, index=5, time_s=1.7)
    error = TargetingError.of(tracked.tip, tracked.axis, [4.0, 2.0, 7.0])
    write_track(tmp_path / "track.csv", [(tracked, error), (lost, None)])
    text = (tmp_path / "track.csv").read_text()
    assert text.splitlines()[0] == CONTRACT
    first, second = csv.DictReader(text.splitlines())
    assert (first["frame"], first["state"], first["guide_tip_s"], first["needle_tip_r"]) == (
        "4",
        "tracked",
        "3.000",
        "",
    )
    assert float(first["distance_mm"]) == 5.0 and float(first["lateral_mm"]) == 3.0 and float(first["depth_mm"]) == 4.0
    assert np.isclose(float(first["angle_deg"]), np.degrees(np.arctan2(3, 4)), atol=1e-3)
    assert second["state"] == "lost"
    assert all(value == "" for key, value in second.items() if key not in ("frame", "time_s", "state", "confidence"))
